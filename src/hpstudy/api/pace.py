"""How long the trials that are left take. Compiling does not count for trials that find their program compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypeAlias

from hpstudy.study.designs import Grid
from hpstudy.study.domains import combinations, count_combinations
from hpstudy.study.factors import structure
from hpstudy.study.spec import Study
from hpstudy.worker.messages import Claimed, Ended, EpochEnded, Message

if TYPE_CHECKING:
    from hpstudy.storage import Progress

MOST_COMBINATIONS = 5_000  # of a grid whose structures are counted
Structure: TypeAlias = tuple[Any, ...]


@dataclass(kw_only=True)
class _Trial:
    """A trial in training."""

    begun_s: float  # when the process had ended the one before
    compiles: bool
    ends_s: list[float] = field(default_factory=list)  # of its epochs


class Pace:
    """Hears what trainer processes say, and reckons.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, study: Study, clock: Callable[[], float] = time.monotonic) -> None:
        self._study, self._clock = study, clock
        self._compiled: dict[int, set[Structure]] = {}  # by process
        self._training: dict[int, _Trial] = {}
        self._free_s: dict[int, float] = {}  # when a process ended its last trial
        self._took_s: list[float] = []  # each trial that ended, without compiling
        self._compiling_s: list[float] = []  # of the same trials; 0 where the program was there
        self._structures = self._of_grid()

    def hear(self, process: int, message: Message) -> None:
        """A process, by its number in the system, has sent a message."""
        now = self._clock()
        match message:
            case Claimed():
                known, needed = self._compiled.setdefault(process, set()), self._structure(message.params)
                begun_s = self._free_s.get(process, now)
                self._training[process] = _Trial(begun_s=begun_s, compiles=needed not in known)
                known.add(needed)
            case EpochEnded() if process in self._training:
                self._training[process].ends_s.append(now)
            case Ended() if process in self._training:
                self._free_s[process] = now
                self._ended(self._training.pop(process), now)

    def compiles(self, process: int) -> bool:
        """Whether the trial of a process waits for its program, which no earlier trial of the process has had."""
        trial = self._training.get(process)
        return trial is not None and trial.compiles and not trial.ends_s

    def left_s(self, progress: Progress) -> float | None:
        """Seconds until the last trial ends; None before the first one has."""
        if not self._took_s:
            return None
        took_s = fmean(self._typical())
        now, program_s = self._clock(), self._a_program_s()
        begun = [(now - trial.begun_s, program_s * trial.compiles) for trial in self._training.values()]
        less_s = sum(min(done_s, took_s + compiling_s) - compiling_s for done_s, compiling_s in begun)
        trials_s = max(0.0, (progress.budget - progress.ended) * took_s - less_s)
        processes = max(1, min(len(self._compiled), progress.budget - progress.ended))
        return (trials_s + self._programs_left(progress) * program_s) / processes

    def _ended(self, trial: _Trial, now: float) -> None:
        took_s, ends_s, compiling_s = now - trial.begun_s, trial.ends_s, 0.0
        if trial.compiles and len(ends_s) > 1:
            an_epoch_s = (ends_s[-1] - ends_s[0]) / (len(ends_s) - 1)
            compiling_s = max(0.0, ends_s[0] - trial.begun_s - an_epoch_s)
        elif trial.compiles and ends_s:  # pruned at once: it tells what it took, but not for what
            compiling_s = min(took_s, self._a_program_s())
        self._took_s.append(took_s - compiling_s)
        self._compiling_s.append(compiling_s)

    def _typical(self) -> list[float]:
        """A search moves on to other configurations, and prunes, so its later trials tell more."""
        return self._took_s if self._structures else _later(self._took_s)

    def _programs_left(self, progress: Progress) -> float:
        """How often a program is still to be compiled. Processes prefer trials whose program they have."""
        seen = set().union(*self._compiled.values())
        if self._structures:
            return len(self._structures - seen)
        lately = _later(self._compiling_s)
        return (progress.budget - progress.ended) * sum(map(bool, lately)) / (2 * len(lately))  # ever fewer are new

    def _a_program_s(self) -> float:
        found = [seconds for seconds in self._compiling_s if seconds]
        return fmean(found) if found else 0.0

    def _structure(self, params: Any) -> Structure:
        return structure(self._study.config(params), own_network=bool(self._study.network_digest))

    def _of_grid(self) -> set[Structure]:
        """All structures that a grid has; empty where they are not known beforehand."""
        study = self._study
        if not isinstance(study.design, Grid) or count_combinations(study.vary) > MOST_COMBINATIONS:
            return set()
        return {self._structure(params) for params in combinations(study.vary)}


def _later(values: list[float]) -> list[float]:
    """The later half."""
    return values[len(values) // 2 :]
