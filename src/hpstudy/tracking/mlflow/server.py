"""How to start MLflow's own web interface for the embedded store, which needs no server."""

from __future__ import annotations

import os
import shlex

from hpstudy.addresses import is_server, without_credentials
from hpstudy.errors import UserError
from hpstudy.python import ENVIRONMENT, python
from hpstudy.settings import Settings

_LOOPBACK = "localhost,localhost:*,127.0.0.1,127.0.0.1:*,[::1],[::1]:*"


def ui_command(settings: Settings, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
    """The command line. Secrets and the store's address are in `ui_environment`.

    Raises:
        UserError: there is a tracking server, so there is nothing to start.
    """
    if is_server(settings.tracking_uri):
        address = without_credentials(settings.tracking_uri)
        raise UserError(
            f"The runs are on a tracking server. Open {address} in a browser. `hpstudy ui` is for the store in "
            "HPSTUDY_HOME; to browse that store, unset HPSTUDY_TRACKING_URI and MLFLOW_TRACKING_URI."
        )
    # One worker is enough for one person, and starts in a quarter of the time of MLflow's default of four.
    return python("-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1")


def ui_environment(settings: Settings, host: str = "127.0.0.1") -> dict[str, str]:
    """The whole environment of the command: that of this process, the store, and what MLflow should not do."""
    allowed = _LOOPBACK if host in _LOOPBACK.split(",") else f"{_LOOPBACK},{host},{host}:*"
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ALLOWED_HOSTS": allowed,
        # No log line for every request, and no file of the current folder in the place of a library.
        "MLFLOW_UVICORN_OPTS": f"--log-level warning --app-dir {shlex.quote(str(settings.home))}",
        "PYTHONWARNINGS": "ignore",  # MLflow's libraries warn each other of deprecations
        **os.environ,
        **ENVIRONMENT,  # it starts its workers with `python -m`
        "MLFLOW_BACKEND_STORE_URI": settings.tracking_uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if settings.artifact_root is not None:
        environment["MLFLOW_ARTIFACTS_DESTINATION"] = settings.artifact_root
    return environment
