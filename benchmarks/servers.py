"""PostgreSQL and MLflow on loopback for measurements, with the helpers of the tests."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Skipped

_TESTS = Path(__file__).parents[1] / "tests"
_START_S = 120.0


@contextmanager
def postgres() -> Iterator[Any]:
    """A `tests/postgres.py` server; its `fsync` is off, for both sides alike."""
    sys.path.insert(0, str(_TESTS))
    try:
        module = importlib.import_module("postgres")
        server = module.Postgres(os.environ.get(module.ADDRESS_VARIABLE))
    except ImportError as error:
        raise Skipped(f"a PostgreSQL server needs the package {error.name}") from None
    finally:
        sys.path.remove(str(_TESTS))
    try:
        yield server
    finally:
        server.close()


class Copies:
    """Databases that are copies of one that was filled."""

    def __init__(self, server: Any, filled: str) -> None:
        self._server, self._filled = server, filled.rsplit("/", 1)[-1]

    def new(self) -> str:
        """The address of another copy."""
        return str(self._server._create(f"TEMPLATE {self._filled}"))


@contextmanager
def mlflow_server(folder: Path) -> Iterator[int]:
    """The port of a real tracking server of its own."""
    sys.path.insert(0, str(_TESTS))
    try:
        port = int(importlib.import_module("postgres").free_port())
    finally:
        sys.path.remove(str(_TESTS))
    backend = f"sqlite:///{folder / 'server.db'}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", backend, "--workers", "1", "--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _await(f"http://127.0.0.1:{port}/health")
        yield port
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _await(address: str) -> None:
    ends = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)
