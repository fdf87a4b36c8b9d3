"""Mirroring during training, in a thread that nobody waits for."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from hpstudy.records import StudyState, TrialRecord
from hpstudy.tracking.tracker import StudyMirror

Snapshot = Callable[[], tuple[StudyState, Sequence[TrialRecord]]]

_LONGEST_PAUSE_S = 30.0  # between two attempts
_NICENESS = 10  # of the thread: where every core trains, it gets about a tenth of one, and lags behind
_log = logging.getLogger(__name__)


class MirrorThread(threading.Thread):
    """Syncs when it starts and whenever it is poked, at most once per `interval_s`. It survives every error.

    Args:
        snapshot: Returns the state of the study and all its trials; called in this thread.
        interval_s: The shortest time between two successful syncs.
        pause_s: The time between an error and the next attempt; doubles with each further error.
    """

    def __init__(
        self, mirror: StudyMirror, snapshot: Snapshot, *, interval_s: float = 2.0, pause_s: float = 1.0
    ) -> None:
        super().__init__(name="hpstudy-mirror", daemon=True)
        self.problem: str | None = None  # why the tracker is behind, in one sentence; None when all is well
        self.mirror, self._snapshot = mirror, snapshot
        self._interval_s, self._first_pause_s = interval_s, pause_s
        self._condition = threading.Condition()
        self._is_changed = True
        self._deadline: float | None = None  # set when the thread is to finish; on the monotonic clock
        self._pause_s = 0.0
        self._failures = 0  # since the last successful sync
        self._is_equal = False

    def poke(self) -> None:
        """Report that something has changed. Returns at once."""
        with self._condition:
            self._is_changed = True
            self._condition.notify()

    def conclude(self, patience_s: float) -> None:
        """Ask the thread to finish, as `finish` does. Returns at once."""
        with self._condition:
            self._deadline = time.monotonic() + patience_s
            self._condition.notify()

    def finish(self, patience_s: float, limit_s: float | None = None) -> bool:
        """Sync everything once more, comparing with what the tracker really holds, and stop.

        Args:
            patience_s: How long to retry while the tracker cannot be reached, before giving up.
            limit_s: Return after this time even if a sync is still in progress; None: wait for it.

        Returns:
            Whether the tracker is equal to the last snapshot.
        """
        self.conclude(patience_s)
        if self.ident is not None:
            self.join(limit_s)
        return self._is_equal

    def run(self) -> None:
        _give_way()
        while self._await_work():
            self._sync_safely()
        if self._is_finishing():
            self._finish()

    def _await_work(self) -> bool:
        """Wait for a change, and then for the end of the pause. False when it is time to finish."""
        with self._condition:
            self._condition.wait_for(self._is_finishing, timeout=self._pause_s)
            self._condition.wait_for(lambda: self._is_changed or self._is_finishing())
            self._is_changed = False
            return not self._is_finishing()

    def _finish(self) -> None:
        while not self._is_equal:
            self.mirror.refresh()
            self._is_equal = self._sync_safely(last=True)
            left_s = (self._deadline or 0.0) - time.monotonic()
            if self._is_equal or left_s <= self._first_pause_s:
                return
            time.sleep(self._first_pause_s)  # somebody is waiting, so the pause does not grow

    def _sync_safely(self, *, last: bool = False) -> bool:
        try:
            state, trials = self._snapshot()
            self.mirror.sync(trials, state=state, complete=last and state == StudyState.FINISHED)
        except Exception as error:
            self._note(error)
            return False
        self.problem, self._failures, self._pause_s = None, 0, self._interval_s
        return True

    def _note(self, error: Exception) -> None:
        self.problem = self.mirror.explain(error)
        self._pause_s = min(self._first_pause_s * 2**self._failures, _LONGEST_PAUSE_S)
        self._failures += 1
        self._is_changed = True
        _log.debug("The mirror will try again.", extra={"problem": self.problem, "pause_s": self._pause_s})

    def _is_finishing(self) -> bool:
        return self._deadline is not None


def _give_way() -> None:
    """Let training go first. On Linux every thread has its own niceness."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
