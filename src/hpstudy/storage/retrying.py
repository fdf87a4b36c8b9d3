"""Operations that failed for a passing reason are retried, with growing pauses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import sqlalchemy as sa
import tenacity

from hpstudy.errors import HpstudyError

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")

# Classes of PostgreSQL's error codes: connection, insufficient resources, operator intervention (shutdown, timeout),
# transaction rolled back (deadlock), lock not available, transaction abandoned.
_TRANSIENT_CODES = ("08", "53", "57", "40", "55", "25P")
_LASTING_CODES = ("28", "3D", "42501", "53100")  # password, no such database, permission, disk full
_TRANSIENT_ERRORS = (
    sa.exc.TimeoutError,  # other threads of this process held all connections
    sa.exc.PendingRollbackError,  # the connection broke between two statements of one transaction
    sa.exc.ResourceClosedError,
)
_LASTING_WORDS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "not permitted to log in")


class Superseded(HpstudyError):
    """Another process has created a trial since the trials were read, so read them again."""


def retrying(operation: Callable[[], _Result], *, patience_s: float) -> _Result:
    """The result of an operation that must be safe to repeat: a commit may have succeeded although its answer was lost.

    Raises:
        Exception: the operation's own error, if it is permanent or lasts longer than `patience_s`.
    """
    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_transient),
        wait=tenacity.wait_exponential_jitter(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S, jitter=FIRST_PAUSE_S),
        stop=tenacity.stop_after_delay(patience_s),
        before_sleep=_note,
        reraise=True,
    ):
        with attempt:
            result = operation()
    return result


def is_transient(error: BaseException) -> bool:
    """Whether the same operation may succeed a little later."""
    if isinstance(error, Superseded):
        return True
    return any(_is_transient_alone(cause) for cause in _chain(error))


def _is_transient_alone(error: BaseException) -> bool:
    if isinstance(error, _TRANSIENT_ERRORS):
        return True
    if type(error).__module__.partition(".")[0] != "psycopg":
        return False
    code = getattr(error, "sqlstate", None)
    if code:
        return code.startswith(_TRANSIENT_CODES) and not code.startswith(_LASTING_CODES)
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"OperationalError", "InterfaceError"}) and not any(
        word in str(error) for word in _LASTING_WORDS
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it; SQLAlchemy keeps the driver's error in `orig`."""
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__


def _note(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, Superseded):
        _LOG.warning("The study database cannot be reached; trying again.", extra={"reason": type(error).__name__})
