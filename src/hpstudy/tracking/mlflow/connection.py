"""Talking to MLflow: quietly, without telemetry, with fast failures, and without a password in any message."""

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
from hpstudy.tracking.mlflow.private import create_tables, use_tracking_uri
from hpstudy.tracking.secrets import Secrets

REQUEST_TIMEOUT_S = 10
_MESSAGE_CHARACTERS = 300
_DEFAULTS = {  # the user's own environment takes precedence
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(REQUEST_TIMEOUT_S),
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # errors are raised, and reported in our words
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# The user must not change these: MLflow itself would repeat a CreateRun that answered 503, although the first one may
# have been committed, and nobody would know of the second run.
_FORCED = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
VARIABLES = (*_DEFAULTS, *_FORCED, *_LOGIN)  # everything that `prepare_environment` may set
_ADDRESS = "MLFLOW_TRACKING_URI"  # MLflow sets and unsets it together with the address of the process
importing = threading.Lock()  # threads that import MLflow at the same time can wait for each other for ever
_one_address = threading.RLock()


def prepare_environment(settings: Settings) -> str:
    """Set what MLflow reads from the environment; call it before MLflow is imported.

    Returns:
        The tracking URI. A server's password is not in it, but in MLflow's own variables.
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
    """Set how long one request may take, unless the user's environment does. Call it before MLflow is imported."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(round(seconds)))


def connect(settings: Settings) -> Any:
    """An `MlflowClient`. The first call creates the embedded store, which takes about 1.5 s."""
    tracking_uri = prepare_environment(settings)
    with importing, _one_process(settings):
        from mlflow import MlflowClient

        if settings.uses_embedded_store:
            make_store(settings.home / "mlflow.db")
        return MlflowClient(tracking_uri)


@contextlib.contextmanager
def tracked_at(settings: Settings) -> Iterator[None]:
    """Let MLflow's functions that take no address use this one, and afterwards the previous one again.

    They share one address for the whole process, so only one thread at a time can be in here.
    """
    with _one_address:
        tracking_uri, before = prepare_environment(settings), os.environ.get(_ADDRESS)
        try:
            with use_tracking_uri(tracking_uri):
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
        cause = error if secrets.hide(told) == told else None  # a traceback shows the text of the cause unchanged
        where = without_credentials(settings.tracking_uri)
        raise MirrorError(f"MLflow at {where} {happened}: {sentence(error, secrets)}. {remedy}") from cause


def sentence(error: BaseException, secrets: Secrets) -> str:
    """The first line of an error, shortened, without passwords. A long one keeps its end, too: the cause is there."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = secrets.hide(lines[0]).rstrip(". ")
    if len(text) <= _MESSAGE_CHARACTERS:
        return text
    return f"{text[: _MESSAGE_CHARACTERS // 3]} … {text[-2 * _MESSAGE_CHARACTERS // 3 :]}"


def _one_process(settings: Settings) -> AbstractContextManager[object]:
    """Two processes must not create the tables of the embedded store at the same time."""
    if not settings.uses_embedded_store:
        return contextlib.nullcontext()
    settings.home.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(settings.home / "mlflow.lock", timeout=60)


def make_store(database: Path) -> None:
    """Create the tables in a file beside it and rename that: a killed process leaves no half-made store.

    Write-ahead logging lets the MLflow UI read while trials are written, and makes commits faster.
    """
    if database.exists():
        return
    _set_environment()
    unfinished = database.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    create_tables(of_file(unfinished), (database.parent / "artifacts").as_uri())
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    unfinished.replace(database)
