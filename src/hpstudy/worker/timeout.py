"""A time limit for the work before the first epoch, during which nobody looks at the clock."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from hpstudy.errors import TrialFailed

START_S = 30.0  # extra time for making a network; --timeout itself limits the training


class _TimeIsUp(BaseException):
    """Not an `Exception`, because a study's own code may catch those."""


@contextmanager
def network_within(timeout_s: float | None, start_s: float = START_S) -> Iterator[None]:
    """Interrupt a `build` that hangs. Use it in the main thread only, and only around code that writes nothing.

    Args:
        timeout_s: The time limit of a trial; None: no limit.
        start_s: The time that is added to it.

    Raises:
        TrialFailed: making the network took longer.
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
            f"It took longer than --timeout {timeout_s:g} s: its network was not built after {timeout_s + start_s:g} s."
        ) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise _TimeIsUp
