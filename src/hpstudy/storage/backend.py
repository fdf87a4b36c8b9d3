"""What differs between the databases that hpstudy works with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from hpstudy.storage.fenced import FencedStorage

BUSY_S = 60.0  # how long SQLite waits for another process's write
LOCK_S = 120.0  # how long a claim waits for the lock of its study
POLL_S = 0.02  # between two looks at a lock that cannot be waited for


class Backend(Protocol):
    """One kind of database at one address. Safe to use from several threads once `connect` was called."""

    label: str  # the address as it may be shown: without password
    is_shared: bool  # whether processes on several machines may use it
    reasons: Mapping[str, str]  # a text in an error → what happened and what to do; `{text}` is the error's first line

    def prepare(self) -> None:
        """Before the first connection. Raises UserError if the address cannot be used by several processes."""

    def connect(self) -> FencedStorage:
        """Connect, and make the tables if there are none: however many processes start first, one makes them."""

    def lock(self, rdb: FencedStorage, name: str) -> AbstractContextManager[None]:
        """At most one process at a time holds the lock of this name; a process that dies lets go of it.

        Raises:
            StorageError: it is held by others for longer than LOCK_S.
        """

    def last_sign(self, heartbeat: Any) -> Any:
        """The moment from which on silence counts: `heartbeat`, a column, or what excuses a later one."""

    def describe(self, rdb: FencedStorage) -> str:
        """Which database it is, for people: kind, version, and what stands before it."""
