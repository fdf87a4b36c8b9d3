"""Which trained weights stay on this machine: those of the leading configurations, while there is room."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.analysis.best import counted
from hpstudy.records import TrialState
from hpstudy.training.rundir import RunDir, trials_with_weights

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue

MOST_TRIALS = 200  # the most trials of a study whose weights are kept while it runs
MOST_BYTES = 256 * 2**20


class KeptWeights:
    """Removes the weights of the worst configurations when there are too many. The cost per trial does not grow."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._studies: dict[str, _Leaders] = {}

    def restore(self, queue: StudyQueue) -> None:
        """Take stock of what an earlier process has left, once for each study."""
        study = queue.study
        if study.name in self._studies:
            return
        leaders = self._studies[study.name] = _Leaders()
        found = trials_with_weights(self._runs_dir, study.name)
        if not found:
            return
        objective = study.objectives[0]
        for record in counted(queue.trials.records()):
            if record.state == TrialState.COMPLETE and record.value is not None:
                leaders.add(record.number, record.cell, objective.score(record.value), found.get(record.number))

    def ended(self, study: str, trial: int, cell: int | None, score: float) -> None:
        """A trial is complete and has saved its weights.

        Args:
            score: Its objective, turned so that higher is better.
        """
        leaders = self._studies.setdefault(study, _Leaders())
        leaders.add(trial, cell, score, RunDir.of(self._runs_dir, study, trial))


@dataclass(kw_only=True)
class _Leaders:
    """In a grid a configuration is a cell and has its number; in a search each trial is one, with a negative number."""

    sums: dict[int, tuple[float, int]] = field(default_factory=dict)  # configuration → sum and number of its scores
    kept: dict[int, tuple[int, RunDir, int]] = field(default_factory=dict)  # trial → configuration, where, bytes
    size: int = 0  # bytes of all that is kept

    def add(self, trial: int, cell: int | None, score: float, run_dir: RunDir | None) -> None:
        configuration = -1 - trial if cell is None else cell
        total, count = self.sums.get(configuration, (0.0, 0))
        self.sums[configuration] = (total + (-math.inf if math.isnan(score) else score), count + 1)
        size = run_dir.weights_bytes() if run_dir else 0
        if run_dir and size:
            self.kept[trial] = (configuration, run_dir, size)
            self.size += size
            self._make_room()

    def _make_room(self) -> None:
        best = max(map(self._mean, self.sums))
        while len(self.kept) > MOST_TRIALS or self.size > MOST_BYTES:
            worst = min(self.kept, key=lambda trial: (self._mean(self.kept[trial][0]), -trial))
            configuration, run_dir, size = self.kept[worst]
            if self._mean(configuration) == best:
                return
            run_dir.weights.unlink(missing_ok=True)
            self.size -= size
            del self.kept[worst]
            if configuration < 0:
                del self.sums[configuration]

    def _mean(self, configuration: int) -> float:
        total, count = self.sums[configuration]
        return total / count
