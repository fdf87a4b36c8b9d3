"""One connection to the study database: engine settings, the lock of a study, and translated errors."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import filelock
import optuna
import psutil
import sqlalchemy as sa
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from sqlalchemy.engine import URL, make_url

from hpstudy.errors import HpstudyError, StorageError, UserError
from hpstudy.storage.fenced import FencedStorage
from hpstudy.storage.postgres import connector
from hpstudy.storage.retrying import Superseded, retrying

BUSY_S = 60.0  # how long SQLite waits for another process's write
LOCK_S = 120.0  # how long a claim waits for the lock of its study
OPEN_S = 10.0  # how long a database that is away is tried when it is opened
POLL_S = 0.02  # between two looks at a lock that cannot be waited for
PATIENCE_S = 120.0  # how long later, when its absence is an outage
_SCHEMA_LOCK = "schema"
_SERVER_START = sa.func.timezone("UTC", sa.func.pg_postmaster_start_time())
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "afs", "ceph", "lustre", "beegfs", "gpfs", "glusterfs", "fuse.sshfs")
_Result = TypeVar("_Result")


class Database:
    """Optuna's storage on SQLite or PostgreSQL, set up for many processes. Safe to use from several threads.

    A process has at most two connections to PostgreSQL: one for whoever holds the lock of a study, one for
    everything else.
    """

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        """Connect, and create the tables if there are none.

        Args:
            patience_s: How long an operation is tried again while the database is away.

        Raises:
            UserError: the URL is of a kind that hpstudy does not know, or a file that several machines share.
            StorageError: the database cannot be opened.
        """
        address = _parse(url)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        self.label = _shown(address)
        self._patience_s = patience_s
        self._file = Path(address.database or "") if self.is_sqlite else None
        self._one_lock = threading.Lock()  # one thread at a time needs the connection of a lock
        with self.translated():
            self._prepare_file(address)
            self.rdb = retrying(lambda: self._connected(address), patience_s=min(OPEN_S, patience_s))
            self.optuna = _CachedStorage(self.rdb)

    def close(self) -> None:
        self.rdb.engine.dispose()

    def has_pooler(self) -> bool:
        """Whether a pooler of connections, such as PgBouncer, stands before the server.

        Raises:
            StorageError: the database is away for too long.
        """

        def ask() -> bool:
            with self.rdb.engine.connect() as connection:
                return _has_pooler(connection)

        return self.retrying(ask)

    def retrying(self, operation: Callable[[], _Result]) -> _Result:
        """The result of an operation, which is repeated while the database is away.

        Raises:
            StorageError: the database cannot do what was asked, or was away for too long.
        """

        def in_new_session() -> _Result:
            try:
                return operation()
            except BaseException:
                with suppress(sa.exc.SQLAlchemyError):
                    self.rdb.scoped_session.remove()  # what the error left of this thread's session
                raise

        with self.translated():
            return retrying(in_new_session, patience_s=self._patience_s)

    @contextmanager
    def study_lock(self, name: str) -> Iterator[None]:
        """At most one process at a time holds the lock of a study; a process that dies lets go of it.

        Raises:
            StorageError: it is held by others for longer than LOCK_S.
        """
        with self._file_lock(f"study {name}") if self._file else self._advisory_lock(f"study {name}"):
            yield

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the libraries' errors into one sentence, without the password of the address.

        Raises:
            StorageError: the database cannot do what was asked.
        """
        try:
            yield
        except Superseded as error:
            raise StorageError(f"The study database {self.label} is too busy: {error} Try again.") from error
        except HpstudyError:
            raise
        except (sa.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, OSError) as error:
            raise StorageError(f"The study database {self.label} {_reason(error)}") from error
        except RuntimeError as error:  # Optuna refuses a schema of another version so
            if "version" not in str(error):
                raise
            raise StorageError(
                f"The study database {self.label} was made by another version of Optuna. "
                f"`optuna storage upgrade --storage …` brings it to {optuna.__version__}; copy it first."
            ) from error

    def heartbeat_ages_s(self, trial_ids: Sequence[int]) -> dict[int, float]:
        """Seconds since the last heartbeat of each of these trials that has one, by the database's clock."""
        beat = models.TrialHeartbeatModel
        now: Any = sa.func.now()
        # Nobody could send a heartbeat while the server was down: that is no sign of death.
        since: Any = beat.heartbeat if self.is_sqlite else sa.func.greatest(beat.heartbeat, _SERVER_START)
        query = sa.select(beat.trial_id, since, now).where(beat.trial_id.in_(trial_ids))
        with self.rdb.engine.connect() as connection:
            rows = connection.execute(query).all()
        return {trial_id: (_naive(now) - _naive(last)).total_seconds() for trial_id, last, now in rows}

    def _prepare_file(self, address: URL) -> None:
        """Switch a new SQLite file to WAL before anybody reads it; refuse what is no database."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if kind := _network_file_system(self._file):
            raise UserError(
                f"The study database {self._file} lies on a network file system ({kind}), where SQLite cannot keep "
                "several machines apart and may lose data. Keep it on a local disk, or use PostgreSQL: "
                "HPSTUDY_STORAGE=postgresql://user@host/database."
            )
        engine = sa.create_engine(address, poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")

    def _connected(self, address: URL) -> FencedStorage:
        """However many processes start first, one makes the tables."""
        if self.is_sqlite:
            options: dict[str, Any] = {"connect_args": {"timeout": BUSY_S}}
            with self._file_lock(_SCHEMA_LOCK):
                rdb = FencedStorage(address.render_as_string(hide_password=False), engine_kwargs=options)
            sa.event.listen(rdb.engine, "connect", _set_up_sqlite)
            rdb.engine.dispose()  # connections made before the listener
            return rdb
        connect = connector(address)
        options = {
            "creator": connect,
            "pool_pre_ping": True,
            "pool_size": 2,
            "max_overflow": 0,
            "pool_reset_on_return": "rollback",
        }
        first_contact = sa.create_engine(address, creator=connect, poolclass=sa.NullPool)
        with _advisory_lock(first_contact, _SCHEMA_LOCK):
            return FencedStorage(self.label, engine_kwargs=options)  # the label has no password; `connect` has

    @contextmanager
    def _advisory_lock(self, name: str) -> Iterator[None]:
        if not self._one_lock.acquire(timeout=LOCK_S):
            raise StorageError(f"Another thread of this process has held the lock of {name} for {LOCK_S:.0f} s.")
        try:
            with _advisory_lock(self.rdb.engine, name):
                yield
        finally:
            self._one_lock.release()

    @contextmanager
    def _file_lock(self, name: str) -> Iterator[None]:
        assert self._file
        folder = self._file.with_name(self._file.name + ".locks")
        with self.translated():
            folder.mkdir(exist_ok=True)
            lock = filelock.FileLock(folder / f"{name}.lock", timeout=LOCK_S, poll_interval=POLL_S)
        try:
            with lock:
                yield
        except filelock.Timeout:
            raise StorageError(
                f"Another process has held the lock {lock.lock_file} for {LOCK_S:.0f} s. "
                "See with `ps` whether an hpstudy process hangs, and end it."
            ) from None


@contextmanager
def _advisory_lock(engine: sa.Engine, name: str) -> Iterator[None]:
    """Bound to a transaction, so that it ends with the connection, with the process, and with the server's
    patience for a client that says nothing.
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
        with suppress(sa.exc.DBAPIError):  # a connection that broke has let go of the lock already
            connection.close()


def _try_until_locked(connection: sa.Connection, key: int, name: str) -> None:
    """Wait outside of a transaction: in one, those who wait would keep the pooler's few sessions from the holder."""
    deadline = time.monotonic() + LOCK_S
    while not connection.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}):
        connection.rollback()
        if time.monotonic() > deadline:
            raise StorageError(f"Another process has held the lock of {name} for {LOCK_S:.0f} s.")
        time.sleep(POLL_S)


def _has_pooler(connection: sa.Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "has_pooler", False))


def _parse(url: str) -> URL:
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise UserError(
            "The storage address is no database URL. Expected sqlite:///path/to/file.db or "
            "postgresql://user@host/database."
        ) from None
    if address.get_backend_name() != "sqlite" and address.drivername not in (*_DRIVERS, *_DRIVERS.values()):
        raise UserError(f"Storage {_shown(address)}: hpstudy works with sqlite and postgresql.")
    return address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))


def _shown(address: URL) -> str:
    """Without password and query, which may hold one too; a file by its path as it is."""
    if address.get_backend_name() == "sqlite":
        return f"{address.drivername}:///{address.database or ''}"
    return address._replace(password=None, query=sa.util.EMPTY_DICT).render_as_string()


def _network_file_system(file: Path) -> str | None:
    """The kind of network file system that a file lies on; None for a local one."""
    path = file.absolute()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    for folder in path.parents:
        if folder in mounts:
            kind = mounts[folder]
            return kind if kind.startswith(_NETWORK_FILE_SYSTEMS) else None
    return None


def _set_up_sqlite(connection: Any, _: object) -> None:
    """With WAL, NORMAL is safe against crashes of processes; only a power failure may undo the last commits."""
    connection.execute("PRAGMA synchronous=NORMAL")


def _naive(moment: Any) -> Any:
    """Optuna keeps heartbeats without a time zone, PostgreSQL's clock has one."""
    return moment.replace(tzinfo=None)


def _reason(error: BaseException) -> str:
    """What went wrong and how to mend it, from the innermost error."""
    cause: BaseException = error
    while cause.__cause__ is not None or getattr(cause, "orig", None) is not None:
        cause = getattr(cause, "orig", None) or cause.__cause__  # type: ignore[assignment]
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    known = {
        "not a database": "is damaged or no SQLite file. Move it away, or put a backup in its place.",
        "malformed": "is damaged. Move it away, or recover it with `sqlite3 FILE .recover`.",
        "unable to open": "cannot be opened. Does its folder exist, and may you write there?",
        "readonly": "is read-only for you. Give yourself write permission, or choose another HPSTUDY_HOME.",
        "Permission denied": "may not be written by you. Choose another folder with --home or HPSTUDY_HOME.",
        "disk is full": "cannot grow: the disk is full. Free some space and run the same command again.",
        "No space left": "cannot grow: the disk is full. Free some space and run the same command again.",
        "database is locked": f"was locked by another process for {BUSY_S:.0f} s. See which one, and try again.",
    }
    known |= {
        "authentication failed": "refused the password. Give it in HPSTUDY_PASSWORD_FILE or HPSTUDY_PASSWORD.",
        "Connection refused": "does not answer: nothing listens at that host and port. Is the server running?",
        "has not answered for": f"does not answer ({text}). Is the network, a firewall or a full pooler at fault?",
        "statement pooling": "is behind a pooler without transactions. Set its pool_mode to transaction.",
    }
    for pattern, sentence in known.items():
        if pattern in text:
            return sentence
    return f"answered: {text}."
