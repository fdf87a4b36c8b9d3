"""MLflow at one address: its studies, its models, its page."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from hpstudy.addresses import is_server, without_credentials
from hpstudy.errors import HpstudyError, NotFoundError
from hpstudy.health import Diagnosis, Health
from hpstudy.settings import Settings
from hpstudy.study.spec import Study
from hpstudy.tracking.mlflow.connection import connect, importing, prepare_environment, translated
from hpstudy.tracking.mlflow.mirror import Mirror
from hpstudy.tracking.mlflow.page import addresses
from hpstudy.tracking.mlflow.server import ui_command, ui_environment
from hpstudy.tracking.tracker import Model, StudyMirror, Tracker

if TYPE_CHECKING:
    import pandas as pd

_PORT = 5000  # where `hpstudy ui` answers
_LOCAL = f"http://127.0.0.1:{_PORT}"
_NO_ANSWER = (
    "Is the server running? If it answers 403 'Invalid Host header', add the name to MLFLOW_SERVER_ALLOWED_HOSTS on "
    "the server; if 401, set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD here. Training continues without it."
)
_LIBRARIES = ("mlflow.pyfunc", "hpstudy.tracking.mlflow.packaging")  # for reports and models


class MlflowTracker:
    name = "MLflow"
    scheme = "mlflow"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._address = without_credentials(settings.tracking_uri)

    @property
    def is_empty(self) -> bool:
        return self._settings.uses_embedded_store and not (self._settings.home / "mlflow.db").exists()

    @property
    def caution(self) -> str | None:
        home = str(self._settings.home)
        if not self._settings.uses_embedded_store or unquote(home) == home:
            return None
        return (
            f"Models in {home} can only be loaded with `mlflow.pyfunc.load_model(uri, dst_path=DIR)`, because MLflow "
            "reads a % with two digits in a folder's name as an encoded character. Another --home avoids that."
        )

    def mirror(
        self, study: Study, *, identity: Callable[[], str | None] = lambda: None, source: str | None = None
    ) -> StudyMirror:
        return Mirror(self._settings, study, identity=identity, source=source)

    def load(self) -> None:
        prepare_environment(self._settings)
        with importing:
            for library in _LIBRARIES:
                importlib.import_module(library)

    def load_model(self, address: str) -> Model:
        from hpstudy.tracking.mlflow.packaging import load_model

        model: Model = load_model(self._settings, address)
        return model

    def register(self, address: str, name: str) -> tuple[str, bool]:
        from hpstudy.tracking.mlflow.packaging import register

        return register(self._settings, address, name)

    def runs(self, experiment: str) -> pd.DataFrame:
        from hpstudy.tracking.mlflow.reading import read_runs

        with translated(self._settings, "did not give the runs", "Try again when it is back."):
            return read_runs(connect(self._settings), experiment)

    def where_to_look(self, study: str) -> str | None:
        home = self._settings.home
        if self._settings.uses_embedded_store:
            elsewhere = "" if home == Path(".hpstudy").absolute() else f" --home {home}"
            return f"Browse it in MLflow: hpstudy ui {study}{elsewhere}{self._opens(study)}"
        return f"Browse it in MLflow: experiment {study} at {self._address}{self._opens(study)}"

    def _opens(self, study: str) -> str:
        """A second line with the address of the study's page; empty if MLflow does not tell it."""
        try:
            return f"\n  {self.addresses(study, _PORT)[study]}"
        except HpstudyError:
            return ""

    def addresses(self, study: str | None, port: int) -> dict[str, str]:
        base = self._address if is_server(self._settings.tracking_uri) else f"http://127.0.0.1:{port}"
        with translated(self._settings, "did not tell the address of a study", "Try again when it is back."):
            return addresses(connect(self._settings), study, base)

    def link(self, study: str) -> str:
        """A link to the study's experiment, which MLflow's page finds by its name."""
        is_remote = is_server(self._settings.tracking_uri)
        base = self._address.rstrip("/") if is_remote else _LOCAL
        address = f"{base}/#/experiments?experimentSearchFilter={quote(study)}"
        note = "" if is_remote else ", once <code>hpstudy ui</code> is running"
        return f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(study)} in MLflow</a>{note}'

    def page_command(self, port: int) -> tuple[list[str], dict[str, str]]:
        command = ui_command(self._settings, port=port)
        if self.is_empty:
            raise NotFoundError(
                f"There is nothing to show in {self._settings.home} yet. `hpstudy run STUDY.py` fills it."
            )
        return command, ui_environment(self._settings)

    def examine(self) -> Iterator[Diagnosis]:
        if self._settings.uses_embedded_store and self.is_empty:  # making its tables takes some seconds
            what = f"MLflow {version('mlflow')} is installed; its store is made with the first study."
            yield Diagnosis(level=Health.GOOD, what=what)
            return
        with translated(self._settings, "does not answer", _NO_ANSWER):
            connect(self._settings).search_experiments(max_results=1)
        yield Diagnosis(level=Health.GOOD, what=f"MLflow at {self._address} answers and lets you in.")
        if is_server(self._settings.tracking_uri):
            yield _versions(self._address)


def open_tracker(settings: Settings) -> Tracker:
    return MlflowTracker(settings)


def _versions(address: str) -> Diagnosis:
    import requests

    here = version("mlflow")
    try:
        there = requests.get(f"{address.rstrip('/')}/version", timeout=10).text.strip()
    except requests.RequestException:
        there = "unknown"
    what = f"MLflow is {here} here and {there} on the server."
    if there.split(".")[:1] == here.split(".")[:1]:
        return Diagnosis(level=Health.GOOD, what=what)
    fix = f"Install the server's version: pip install mlflow=={there}"
    return Diagnosis(level=Health.WARNING, what=what, fix=fix)
