"""Which trials keep their weights on this machine: the best ones of each study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.rundir import RunDir, trials_with_weights
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue


class KeptWeights:
    """Looks through the run directories of a study once, and then hears of every trial that ended here."""

    def __init__(self, settings: Settings) -> None:
        self._runs_dir = settings.runs_dir
        self._kept: dict[str, dict[int, RunDir]] = {}  # by study
        self._is_new: set[str] = set()  # studies of which trials have ended since

    def ended(self, study: str, trial: int) -> None:
        """Say that a trial has ended, perhaps with weights."""
        self._of(study)[trial] = RunDir.of(self._runs_dir, study, trial)
        self._is_new.add(study)

    def tidy(self, queue: StudyQueue) -> None:
        """Delete the weights of trials that ended and are not among the best."""
        name = queue.study.name
        kept = self._of(name)
        if name not in self._is_new or len(kept) < 2:
            return
        best = {record.number for record in queue.best()}
        for number in kept.keys() - best - queue.running():
            kept.pop(number).weights.unlink(missing_ok=True)
        self._is_new.discard(name)

    def _of(self, study: str) -> dict[int, RunDir]:
        if study not in self._kept:
            self._kept[study] = trials_with_weights(self._runs_dir, study)
            self._is_new.add(study)
        return self._kept[study]
