"""One connection to the study database: engine settings, the lock of a study, and translated errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TypeVar

import optuna
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from hpstudy.errors import HpstudyError, StorageError, UserError
from hpstudy.storage.backend import Backend
from hpstudy.storage.optuna_private import CachedStorage, models
from hpstudy.storage.postgres import Postgres
from hpstudy.storage.retrying import Superseded, retrying
from hpstudy.storage.sqlite import Sqlite

OPEN_S = 10.0  # how long opening retries while the database cannot be reached
PATIENCE_S = 120.0  # how long later operations retry, when it is an outage
# SQLAlchemy's name of the kind of database → its driver and its backend.
_BACKENDS: Mapping[str, tuple[str, Callable[[URL], Backend]]] = {
    "sqlite": ("sqlite", Sqlite),
    "postgresql": ("postgresql+psycopg", Postgres),
}
_REASONS = {
    "Permission denied": "is not writable for you. Choose another folder with --home or HPSTUDY_HOME.",
    "disk is full": "cannot grow: the disk is full. Free some space and run the same command again.",
    "No space left": "cannot grow: the disk is full. Free some space and run the same command again.",
}
_Result = TypeVar("_Result")


class Database:
    """Optuna's storage on one kind of database, set up for many processes. Thread-safe."""

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        """Connect, and create the tables if there are none.

        Args:
            patience_s: How long an operation is retried while the database cannot be reached.

        Raises:
            UserError: hpstudy does not support this kind of URL, or it is a file that several machines share.
            StorageError: the database cannot be opened.
        """
        self._backend = _backend(url)
        self.label = self._backend.label
        self.is_shared = self._backend.is_shared  # whether processes on several machines may use it
        self._patience_s = patience_s
        with self.translated():
            self._backend.prepare()
            self.rdb = retrying(self._backend.connect, patience_s=min(OPEN_S, patience_s))
            self.optuna = CachedStorage(self.rdb)

    def close(self) -> None:
        self.rdb.engine.dispose()

    def retrying(self, operation: Callable[[], _Result]) -> _Result:
        """The result of an operation, which is retried while the database cannot be reached.

        Raises:
            StorageError: the database cannot do what was asked, or could not be reached for too long.
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

    def study_lock(self, name: str) -> AbstractContextManager[None]:
        """At most one process at a time holds the lock of a study; a process that dies releases it.

        Raises:
            StorageError: others hold it for too long, or the database cannot be reached.
        """
        return self._locked(f"study {name}")

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self._backend.lock(self.rdb, name):
            yield

    def describe(self) -> str:
        """A description of the database for people. Raises StorageError if it cannot be reached for too long."""
        return self.retrying(lambda: self._backend.describe(self.rdb))

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
            raise StorageError(f"The study database {self.label} {_reason(error, self._backend.reasons)}") from error
        except RuntimeError as error:  # how Optuna refuses a schema of another version
            if "version" not in str(error):
                raise
            raise StorageError(
                f"The study database {self.label} was created by another version of Optuna. "
                f"`optuna storage upgrade --storage …` upgrades it to {optuna.__version__}; make a copy first."
            ) from error

    def heartbeat_ages_s(self, trial_ids: Sequence[int]) -> dict[int, float]:
        """Seconds since the last heartbeat of each of these trials that has one, by the database's clock."""
        beat = models.TrialHeartbeatModel
        now: Any = sa.func.now()
        since = self._backend.last_sign(beat.heartbeat)
        query = sa.select(beat.trial_id, since, now).where(beat.trial_id.in_(trial_ids))
        with self.rdb.engine.connect() as connection:
            rows = connection.execute(query).all()
        return {trial_id: (_naive(now) - _naive(last)).total_seconds() for trial_id, last, now in rows}


def _backend(url: str) -> Backend:
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise UserError(
            "The storage address is not a database URL. Expected sqlite:///path/to/file.db or "
            "postgresql://user@host/database."
        ) from None
    kind, _, wanted = address.drivername.replace("postgres+", "postgresql+").partition("+")
    kind = "postgresql" if kind == "postgres" else kind
    driver, backend = _BACKENDS.get(kind, ("", None))
    if backend is None or (wanted and f"{kind}+{wanted}" != driver):
        shown = address._replace(password=None, query=sa.util.EMPTY_DICT).render_as_string()
        raise UserError(f"Storage {shown}: hpstudy works with {' and '.join(_BACKENDS)}.")
    return backend(address.set(drivername=driver))


def _naive(moment: Any) -> Any:
    """Optuna stores heartbeats without a time zone, whereas PostgreSQL's clock has one."""
    return moment.replace(tzinfo=None)


def _reason(error: BaseException, reasons: Mapping[str, str]) -> str:
    """What went wrong and how to fix it, from the innermost error.

    Args:
        reasons: What a text in an error of this kind of database means.
    """
    cause: BaseException = error
    while cause.__cause__ is not None or getattr(cause, "orig", None) is not None:
        cause = getattr(cause, "orig", None) or cause.__cause__  # type: ignore[assignment]
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    for pattern, sentence in {**reasons, **_REASONS}.items():
        if pattern in text:
            return sentence.format(text=text)
    return f"answered: {text}."
