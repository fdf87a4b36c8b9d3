"""Optuna's own suite for storages, run on hpstudy's: its samplers, pruners and tools may rely on what it asks for."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.storages import BaseStorage
from optuna.testing.pytest_storages import StorageTestCase

from hpstudy.storage import Store
from postgres import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStorage]:
    """The storage that hpstudy's samplers see, on either database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'study.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()
    store = Store(url)
    yield store.database.optuna
    store.close()


class TestOurStorage(StorageTestCase):
    def test_pickle_storage(self, storage: BaseStorage, request: pytest.FixtureRequest) -> None:  # type: ignore[override]
        """On SQLite as Optuna wants it. A storage on PostgreSQL holds the password in what makes its connections, and
        must not carry it into a pickle, so there it refuses: each process opens the database itself.
        """
        if request.node.callspec.params["storage"] == "sqlite":
            super().test_pickle_storage(storage)
            return
        with pytest.raises(AttributeError, match="pickle"):
            pickle.dumps(storage)
