"""The MLflow server of docker-compose.yml as processes on loopback: with passwords, on PostgreSQL, killed on demand."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from postgres import Postgres, free_port
from waiting import wait_until

ROOT = Path(__file__).parents[1]
SECRET = "secret-" + "x" * 32  # every password of the file


class MlflowServer:
    """Its command, environment and health check as they stand in the file, on a free port. It starts when asked."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self._folder, self._port = folder, free_port()
        service: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["mlflow"]
        self._command = [*service["entrypoint"], *map(self._here, service["command"])]
        self._probe = [sys.executable, *map(self._here, service["healthcheck"]["test"][2:])]
        self._environment = {name: self._here(value) for name, value in service["environment"].items()} | {
            "MLFLOW_BACKEND_STORE_URI": postgres.bare_database().replace("postgresql:", "postgresql+psycopg:"),
            "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{self._port}",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.uri = f"http://127.0.0.1:{self._port}"
        self.login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns at once."""
        if self._process is None:
            with (self._folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    env={**os.environ, **self._environment},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def await_health(self, timeout_s: float = 120.0) -> None:
        self.start()
        assert self._process
        wait_until(self._is_healthy, timeout_s, every_s=0.3)

    def _is_healthy(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        return subprocess.run(self._probe, capture_output=True, check=False).returncode == 0

    def kill(self) -> None:
        """SIGKILL to every process of it, as a failing machine would."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def _here(self, text: str) -> str:
        return (
            re.sub(r"\$\{(\w+):[?-][^}]*\}", SECRET, text)
            .replace("/data", str(self._folder))
            .replace("5000", str(self._port))
            .replace("0.0.0.0", "127.0.0.1")
            .replace("$$", "$")
        )
