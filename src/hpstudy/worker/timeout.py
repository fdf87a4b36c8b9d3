"""A limit for what Python does before the first epoch, after which nobody would look at the clock."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from hpstudy.errors import TrialFailed

START_S = 30.0  # that making a network may take besides --timeout, which is a limit for its training


class _TimeIsUp(BaseException):
    """No `Exception`, because a study's own code may catch those."""


@contextmanager
def network_within(timeout_s: float | None, start_s: float = START_S) -> Iterator[None]:
    """Break off a `build` that hangs. Only for the main thread, and only where nothing is written.

    Args:
        timeout_s: The limit of a trial; None: none.
        start_s: What is added to it.

    Raises:
        TrialFailed: it took longer.
    """
    if timeout_s is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, timeout_s + start_s)
    try:
        yield
    except _TimeIsUp as error:
        raise TrialFailed(
            f"It took longer than --timeout {timeout_s:g} s: its network was not made after {timeout_s + start_s:g} s."
        ) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise _TimeIsUp
