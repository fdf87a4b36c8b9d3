"""How far a study is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StudyState(StrEnum):
    RUNNING = "running"  # some process has a trial
    FINISHED = "finished"  # the budget is used up
    STOPPED = "stopped"  # trials are left and nobody works on them


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a study is. complete + pruned + failed + running + waiting = budget."""

    budget: int
    complete: int
    pruned: int
    failed: int
    running: int
    lost: int  # tried again; not part of the budget
    diverged: int = 0  # of the complete ones; counted for those only who ask how far the study is
    stopped: bool = False  # by the user: no trial is taken until the study is resumed

    @property
    def ended(self) -> int:
        return self.complete + self.pruned + self.failed

    @property
    def waiting(self) -> int:
        return max(0, self.budget - self.ended - self.running)

    @property
    def state(self) -> StudyState:
        if self.ended >= self.budget:
            return StudyState.FINISHED
        return StudyState.RUNNING if self.running else StudyState.STOPPED
