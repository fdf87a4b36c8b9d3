"""Fixtures for all tests: a home of its own for each, and one cache of prepared datasets for the session."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpstudy.settings import Settings
from hpstudy.study.table import Table
from hpstudy.training.environment import for_tensorflow
from mlflow_server import MlflowServer
from nursery import Nursery
from postgres import ADDRESS_VARIABLE, Postgres

os.environ.update(for_tensorflow())
for variable in ("HPSTUDY_HOME", "HPSTUDY_STORAGE", "HPSTUDY_TRACKING_URI", "MLFLOW_TRACKING_URI"):
    os.environ.pop(variable, None)  # tests must not write to the developer's own study database


# The files that take longest begin first, so that all processes of `make test` end at about the same time.
LONGEST = ("test_run", "test_trainer", "test_packaging", "test_outages", "test_faults", "test_worker", "test_api")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSTUDY_CACHE_DIR", str(cache_dir))
    monkeypatch.setenv("HPSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HPSTUDY_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[[str | Table], Settings]:
    """Settings under which a dataset is found: the real one of HPSTUDY_DATA_DIR, else a small generated one."""

    def settings_for(dataset: str | Table) -> Settings:
        from data_factories import generated, real_data_dir

        has_files = isinstance(dataset, str) and dataset not in ("digits", "logic_gates")
        folder = (real_data_dir(dataset) or generated(dataset, tmp_path / "generated")) if has_files else None
        return Settings.load({"home": str(tmp_path / "home"), "data_dir": str(folder) if folder else None})

    return settings_for


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose home is a new folder."""
    return Settings.load({"home": str(tmp_path / "home")})


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL: the one that HPSTUDY_TEST_POSTGRES names, or one of our own."""
    server = Postgres(os.environ.get(ADDRESS_VARIABLE))
    yield server
    server.close()


@pytest.fixture(scope="session")
def mlflow_server(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """The server of docker-compose.yml, not started yet: that takes many seconds, so all tests share it."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"), postgres)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Workers with an instant trainer, forked from one process that has loaded the libraries."""
    with Nursery(tmp_path_factory.mktemp("nursery")) as nursery:
        yield nursery


@pytest.fixture
def keras_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which layers and optimizers are called while a graph is made: all while they are built and compiled, none later.

    A trained network that predicts once, operation by operation, compiles nothing.
    """
    import keras
    import tensorflow as tf

    calls: list[str] = []

    def watch(kind: type, method: str) -> None:
        original = getattr(kind, method)

        @functools.wraps(original)  # Keras reads the signature
        def called(self: Any, *arguments: Any, **named: Any) -> Any:
            if not tf.executing_eagerly():
                calls.append(type(self).__name__)
            return original(self, *arguments, **named)

        monkeypatch.setattr(kind, method, called)

    watch(keras.layers.Dense, "call")
    watch(keras.optimizers.Optimizer, "apply")
    return calls
