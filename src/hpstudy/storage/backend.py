"""What differs between the databases that hpstudy works with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from hpstudy.storage.fenced import FencedStorage

BUSY_S = 60.0  # how long SQLite waits for another process's write
LOCK_S = 120.0  # how long a claim waits for the lock of its study
POLL_S = 0.02  # between two attempts to take a lock for which nobody can wait


class Backend(Protocol):
    """One kind of database at one address. Thread-safe once `connect` has been called."""

    label: str  # the address as it may be shown: without the password
    is_shared: bool  # whether processes on several machines may use it
    reasons: Mapping[str, str]  # a text in an error → what happened and what to do; `{text}` is the error's first line

    def prepare(self) -> None:
        """Prepare for the first connection. Raises UserError if several processes cannot use the address."""

    def connect(self) -> FencedStorage:
        """Connect, and create the tables if there are none: only one of several processes creates them."""

    def lock(self, rdb: FencedStorage, name: str) -> AbstractContextManager[None]:
        """At most one process at a time holds the lock of this name; a process that dies releases it.

        Raises:
            StorageError: others hold it for longer than LOCK_S.
        """

    def last_sign(self, heartbeat: Any) -> Any:
        """The moment from which silence counts: the column `heartbeat`, or a later moment that excuses the silence."""

    def describe(self, rdb: FencedStorage) -> str:
        """A description of the database for people: its kind, its version, and a pooler in front of it."""
