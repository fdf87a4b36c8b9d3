"""SQLite: a file for the processes of one machine. Locks are files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import psutil
import sqlalchemy as sa
from sqlalchemy.engine import URL

from hpstudy.errors import StorageError, UserError
from hpstudy.storage.backend import BUSY_S, LOCK_S, POLL_S
from hpstudy.storage.fenced import FencedStorage

_SCHEMA_LOCK = "schema"
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "afs", "ceph", "lustre", "beegfs", "gpfs", "glusterfs", "fuse.sshfs")

_REASONS = {
    "not a database": "is damaged or not an SQLite file. Move it away, or replace it with a backup.",
    "malformed": "is damaged. Move it away, or recover it with `sqlite3 FILE .recover`.",
    "unable to open": "cannot be opened. Does its folder exist, and can you write to it?",
    "readonly": "is read-only for you. Give yourself write permission, or choose another HPSTUDY_HOME.",
    "database is locked": f"was locked by another process for {BUSY_S:.0f} s. Find out which one, and try again.",
}


class Sqlite:
    """The `Backend` for SQLite files."""

    is_shared = False

    def __init__(self, address: URL) -> None:
        self.reasons: Mapping[str, str] = _REASONS
        self.label = f"{address.drivername}:///{address.database or ''}"
        self._address, self._file = address, Path(address.database or "")

    def prepare(self) -> None:
        """Switch a new file to WAL before anybody reads it; refuse a file that is not a database."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if kind := _network_file_system(self._file):
            raise UserError(
                f"The study database {self._file} lies on a network file system ({kind}), where SQLite cannot keep "
                "several machines apart and may lose data. Keep it on a local disk, or use PostgreSQL: "
                "HPSTUDY_STORAGE=postgresql://user@host/database."
            )
        engine = sa.create_engine(self._address, poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")

    def connect(self) -> FencedStorage:
        options: dict[str, Any] = {"connect_args": {"timeout": BUSY_S}}
        with self._locked(_SCHEMA_LOCK):
            rdb = FencedStorage(self._address.render_as_string(hide_password=False), engine_kwargs=options)
        sa.event.listen(rdb.engine, "connect", _set_up)
        rdb.engine.dispose()  # closes connections from before the listener
        return rdb

    @contextmanager
    def lock(self, rdb: FencedStorage, name: str) -> Iterator[None]:
        with self._locked(name):
            yield

    def last_sign(self, heartbeat: Any) -> Any:
        return heartbeat

    def describe(self, rdb: FencedStorage) -> str:
        return "SQLite, for one machine"

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = self._file.with_name(self._file.name + ".locks")
        folder.mkdir(exist_ok=True)
        lock = filelock.FileLock(folder / f"{name}.lock", timeout=LOCK_S, poll_interval=POLL_S)
        try:
            with lock:
                yield
        except filelock.Timeout:
            raise StorageError(
                f"Another process has held the lock {lock.lock_file} for {LOCK_S:.0f} s. "
                "Check with `ps` whether an hpstudy process hangs, and end it."
            ) from None


def _network_file_system(file: Path) -> str | None:
    """The kind of network file system that a file lies on; None for a local one."""
    path = file.absolute()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    for folder in path.parents:
        if folder in mounts:
            kind = mounts[folder]
            return kind if kind.startswith(_NETWORK_FILE_SYSTEMS) else None
    return None


def _set_up(connection: Any, _: object) -> None:
    """With WAL, NORMAL is safe against crashes of processes; only a power failure may undo the latest commits."""
    connection.execute("PRAGMA synchronous=NORMAL")
