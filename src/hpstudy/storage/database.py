"""One connection to the study database: engine settings, the lock of a study, and translated errors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from sqlalchemy.engine import make_url

from hpstudy.errors import HpstudyError, StorageError, UserError

BUSY_S = 60.0  # how long SQLite waits for another process's write
LOCK_S = 120.0  # how long a claim waits for the lock of its study
_SCHEMA_LOCK = "schema"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class Database:
    """Optuna's storage on SQLite or PostgreSQL, set up for many processes. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Connect, and create the tables if there are none.

        Raises:
            UserError: the URL is of a kind that hpstudy does not know.
            StorageError: the database cannot be opened.
        """
        try:
            parsed = make_url(url)
        except sa.exc.ArgumentError:
            raise UserError(
                "The storage address is no database URL. Expected sqlite:///path/to/file.db or "
                "postgresql://user@host/database."
            ) from None
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.label = parsed.render_as_string(hide_password=True)
        if not self.is_sqlite and parsed.drivername not in (*_DRIVERS, *_DRIVERS.values()):
            raise UserError(f"Storage {self.label}: hpstudy works with sqlite and postgresql.")
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        self._file = Path(parsed.database or "") if self.is_sqlite else None
        address = parsed.render_as_string(hide_password=False)
        self._bare = sa.create_engine(address, poolclass=sa.NullPool)  # a connection a use: locks and first contact
        with self.translated():
            self._prepare_file()
            with self._lock(_SCHEMA_LOCK):  # however many processes start first, one makes the tables
                self.rdb = RDBStorage(address, engine_kwargs=self._engine_options())
            if self.is_sqlite:
                sa.event.listen(self.rdb.engine, "connect", _set_up_sqlite)
                self.rdb.engine.dispose()  # connections made before the listener
            self.optuna = _CachedStorage(self.rdb)

    def close(self) -> None:
        self.rdb.engine.dispose()

    @contextmanager
    def study_lock(self, name: str) -> Iterator[None]:
        """At most one process at a time holds the lock of a study; a process that dies lets go of it.

        Raises:
            StorageError: it is held by others for longer than LOCK_S.
        """
        with self._lock(f"study {name}"):
            yield

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the libraries' errors into one sentence, without the password of the address.

        Raises:
            StorageError: the database cannot do what was asked.
        """
        try:
            yield
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

    def heartbeat_ages_s(self, study_id: int) -> dict[int, float]:
        """Seconds since the last heartbeat of each running trial that has one, by the database's clock."""
        beat, trial = models.TrialHeartbeatModel, models.TrialModel
        query = (
            sa.select(beat.trial_id, beat.heartbeat, sa.func.now())
            .join(trial, trial.trial_id == beat.trial_id)
            .where(trial.study_id == study_id, trial.state == optuna.trial.TrialState.RUNNING)
        )
        with self.rdb.engine.connect() as connection:
            rows = connection.execute(query).all()
        return {trial_id: (_naive(now) - _naive(heartbeat)).total_seconds() for trial_id, heartbeat, now in rows}

    def _prepare_file(self) -> None:
        """Switch a new SQLite file to WAL before anybody reads it; refuse what is no database."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._bare.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")

    def _engine_options(self) -> dict[str, Any]:
        if self.is_sqlite:
            return {"connect_args": {"timeout": BUSY_S}}
        return {"pool_pre_ping": True, "pool_size": 1, "max_overflow": 1}

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        with self._file_lock(name) if self._file else self._advisory_lock(name):
            yield

    @contextmanager
    def _file_lock(self, name: str) -> Iterator[None]:
        assert self._file
        folder = self._file.with_name(self._file.name + ".locks")
        with self.translated():
            folder.mkdir(exist_ok=True)
            lock = filelock.FileLock(folder / f"{name}.lock", timeout=LOCK_S, poll_interval=0.02)
        try:
            with lock:
                yield
        except filelock.Timeout:
            raise StorageError(
                f"Another process has held the lock {lock.lock_file} for {LOCK_S:.0f} s. "
                "See with `ps` whether an hpstudy process hangs, and end it."
            ) from None

    @contextmanager
    def _advisory_lock(self, name: str) -> Iterator[None]:
        key = int.from_bytes(hashlib.sha256(f"hpstudy {name}".encode()).digest()[:8], "big", signed=True)
        with self.translated():
            connection = self._bare.connect()
        with connection:  # whose end also ends the lock
            with self.translated():
                connection.execute(sa.text(f"SET lock_timeout = '{LOCK_S:.0f}s'"))
                connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": key})
            yield


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
    for pattern, sentence in known.items():
        if pattern in text:
            return sentence
    return f"answered: {text}."
