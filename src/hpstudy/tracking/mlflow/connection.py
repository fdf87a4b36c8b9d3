"""Talking to MLflow: quietly, without its telemetry, failing fast, and without a password in any message."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import filelock

from hpstudy.addresses import is_server, login, of_file, without_credentials
from hpstudy.errors import HpstudyError, MirrorError
from hpstudy.settings import Settings
from hpstudy.tracking.secrets import Secrets

REQUEST_TIMEOUT_S = 10
_MESSAGE_CHARACTERS = 300
_DEFAULTS = {  # a user's own environment goes first
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(REQUEST_TIMEOUT_S),
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # what goes wrong is raised, and told in our words
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# Not for the user to change: MLflow would send a CreateRun that answered 503 again by itself, although the
# first one may have been committed, and nobody would know of the second run.
_FORCED = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
VARIABLES = (*_DEFAULTS, *_FORCED, *_LOGIN)  # all that `prepare_environment` may set
_ADDRESS = "MLFLOW_TRACKING_URI"  # which MLflow sets with the address of the process, and unsets
_first_connection = threading.Lock()
_one_address = threading.RLock()


def prepare_environment(settings: Settings) -> str:
    """Set what MLflow reads from the environment; call it before MLflow is imported.

    Returns:
        The tracking URI. A password in that of a server is not in it, but in MLflow's own variables.
    """
    _set_environment()
    if not is_server(settings.tracking_uri):
        return settings.tracking_uri
    if known := login(settings.tracking_uri):
        os.environ.update(zip(_LOGIN, known, strict=True))
    return without_credentials(settings.tracking_uri)


def _set_environment() -> None:
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(_FORCED)


def set_patience(seconds: float) -> None:
    """How long one request may take; a user's own environment goes first. To be called before MLflow is imported."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(round(seconds)))


def connect(settings: Settings) -> Any:
    """An `MlflowClient`. The embedded store is made first, which takes about 1.5 s once."""
    tracking_uri = prepare_environment(settings)
    with _first_connection, _one_process(settings):
        from mlflow import MlflowClient

        if settings.uses_embedded_store:
            make_store(settings.home / "mlflow.db")
        return MlflowClient(tracking_uri)


@contextlib.contextmanager
def tracked_at(settings: Settings) -> Iterator[None]:
    """MLflow's functions that take no address use this one meanwhile; then again the one that they had before.

    They have one for the whole process, so one thread at a time is here.
    """
    with _one_address:
        tracking_uri, before = prepare_environment(settings), os.environ.get(_ADDRESS)
        from mlflow.tracking._tracking_service.utils import _use_tracking_uri

        try:
            with _use_tracking_uri(tracking_uri):
                yield
        finally:
            os.environ.pop(_ADDRESS, None)
            if before is not None:
                os.environ[_ADDRESS] = before


@contextlib.contextmanager
def translated(settings: Settings, happened: str, remedy: str) -> Iterator[None]:
    """Every error inside becomes a `MirrorError`: what happened, why, and what to do, without passwords."""
    try:
        yield
    except HpstudyError:
        raise
    except Exception as error:
        secrets = Secrets.of(settings)
        told = "".join(traceback.format_exception(error))
        cause = error if secrets.hide(told) == told else None  # a traceback shows the cause's text as it is
        where = without_credentials(settings.tracking_uri)
        raise MirrorError(f"MLflow at {where} {happened}: {sentence(error, secrets)}. {remedy}") from cause


def sentence(error: BaseException, secrets: Secrets) -> str:
    """The first line of an error, short, without passwords. Of a long one the end stays too: there is the cause."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = secrets.hide(lines[0]).rstrip(". ")
    if len(text) <= _MESSAGE_CHARACTERS:
        return text
    return f"{text[: _MESSAGE_CHARACTERS // 3]} … {text[-2 * _MESSAGE_CHARACTERS // 3 :]}"


def _one_process(settings: Settings) -> AbstractContextManager[object]:
    """Two processes must not make the tables of the embedded store at the same time."""
    if not settings.uses_embedded_store:
        return contextlib.nullcontext()
    settings.home.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(settings.home / "mlflow.lock", timeout=60)


def make_store(database: Path) -> None:
    """Make the tables in a file beside it and rename that: a process that is killed leaves no half-made store.

    Write-ahead logging lets the MLflow UI read while trials are written, and makes a commit faster.
    """
    if database.exists():
        return
    _set_environment()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    unfinished = database.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    store = SqlAlchemyStore(of_file(unfinished), (database.parent / "artifacts").as_uri())
    store.engine.dispose()
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    unfinished.replace(database)
