"""How far a study is."""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.records import StudyState
from hpstudy.storage.conversion import was_given_back
from hpstudy.storage.instructions import Instructions
from hpstudy.storage.ledger import Standing
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a study is. complete + pruned + failed + running + waiting = budget."""

    budget: int  # by the results so far
    most: int  # what it can become
    complete: int
    pruned: int
    failed: int
    running: int
    lost: int  # tried again; not part of the budget
    interrupted: int = 0  # of the lost ones: given back by whoever stopped the run
    diverged: int = 0  # of the complete ones; counted for those only who ask how far the study is
    stopped: bool = False  # by the user: no trial is taken until the study is resumed
    ended_early: str | None = None  # why the budget is smaller than it might be

    @classmethod
    def of(cls, study: Study, standing: Standing, instructions: Instructions, budget: int) -> Progress:
        again = len(standing.failed.keys() & instructions.again)
        return cls(
            budget=budget,
            most=max(study.budget, budget),
            complete=standing.complete,
            pruned=standing.pruned,
            failed=len(standing.failed) - again,
            running=len(standing.running),
            lost=len(standing.lost) + again,
            interrupted=sum(map(was_given_back, standing.lost.values())),
            stopped=instructions.stopped,
        )

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
