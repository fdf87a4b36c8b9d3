"""PostgreSQL: a server for any number of machines. Locks are the server's advisory locks."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from hpstudy.errors import StorageError
from hpstudy.storage.backend import LOCK_S, POLL_S
from hpstudy.storage.fenced import FencedStorage
from hpstudy.storage.postgres_connection import connector

_SCHEMA_LOCK = "schema"
_SERVER_START = sa.func.timezone("UTC", sa.func.pg_postmaster_start_time())

_REASONS = {
    "authentication failed": "refused the password. Set HPSTUDY_PASSWORD_FILE or HPSTUDY_PASSWORD.",
    "Connection refused": "does not answer: nothing listens at that host and port. Is the server running?",
    "has not answered for": "does not answer ({text}). Is the network, a firewall or a full pooler at fault?",
    "statement pooling": "is behind a pooler without transactions. Set its pool_mode to transaction.",
}


class Postgres:
    """A `Backend`. A process has two connections: one for whoever holds a lock, one for everything else."""

    is_shared = True

    def __init__(self, address: URL) -> None:
        self.reasons: Mapping[str, str] = _REASONS
        # without the query part, which may contain a password, too
        self.label = address._replace(password=None, query=sa.util.EMPTY_DICT).render_as_string()
        self._address = address
        self._one_lock = threading.Lock()  # only one thread at a time may need the connection of a lock

    def prepare(self) -> None:
        pass

    def connect(self) -> FencedStorage:
        connect = connector(self._address)
        options = {
            "creator": connect,
            "pool_pre_ping": True,
            "pool_size": 2,
            "max_overflow": 0,
            "pool_reset_on_return": "rollback",
        }
        first_contact = sa.create_engine(self._address, creator=connect, poolclass=sa.NullPool)
        with _advisory_lock(first_contact, _SCHEMA_LOCK):
            return FencedStorage(self.label, engine_kwargs=options)  # the label has no password; `connect` has it

    @contextmanager
    def lock(self, rdb: FencedStorage, name: str) -> Iterator[None]:
        if not self._one_lock.acquire(timeout=LOCK_S):
            raise StorageError(f"Another thread of this process has held the lock of {name} for {LOCK_S:.0f} s.")
        try:
            with _advisory_lock(rdb.engine, name):
                yield
        finally:
            self._one_lock.release()

    def last_sign(self, heartbeat: Any) -> Any:
        """Nobody could send a heartbeat while the server was down, so that silence is not a sign of death."""
        return sa.func.greatest(heartbeat, _SERVER_START)

    def describe(self, rdb: FencedStorage) -> str:
        with rdb.engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar()
            return f"PostgreSQL {version}{', behind a pooler' if _has_pooler(connection) else ''}"


@contextmanager
def _advisory_lock(engine: sa.Engine, name: str) -> Iterator[None]:
    """A lock that is bound to a transaction, so it ends with the connection, with the process, and when the server's
    patience with a silent client runs out.
    """
    key = int.from_bytes(hashlib.sha256(f"hpstudy {name}".encode()).digest()[:8], "big", signed=True)
    connection = engine.connect()
    try:
        if _has_pooler(connection):
            _try_until_locked(connection, key, name)
        else:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield
    finally:
        with suppress(sa.exc.DBAPIError):  # a broken connection has already released the lock
            connection.close()


def _try_until_locked(connection: sa.Connection, key: int, name: str) -> None:
    """Wait outside a transaction: inside one, waiting processes would keep the pooler's sessions from the holder."""
    deadline = time.monotonic() + LOCK_S
    while not connection.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}):
        connection.rollback()
        if time.monotonic() > deadline:
            raise StorageError(f"Another process has held the lock of {name} for {LOCK_S:.0f} s.")
        time.sleep(POLL_S)


def _has_pooler(connection: sa.Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "has_pooler", False))
