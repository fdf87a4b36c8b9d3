"""The state of a study: how its trials ended, what they cost, and which levels fail."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hpstudy.analysis.divergence import DivergingLevel, diverging_levels
from hpstudy.analysis.intake import asked
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Overview:
    budget: int
    complete: int
    pruned: int
    failed: int
    running: int
    lost: int  # tried again; not part of the budget
    interrupted: int  # of the lost ones, those that were given back by whoever stopped the run
    diverged: int  # of the complete ones, those whose loss became infinite or NaN
    repeats: int  # trials that took over the result of an earlier one with the same configuration
    train_s: float  # seconds of training in all trials, as their epochs say, compiling included
    compile_s: float  # of these, in which networks were compiled
    span_s: float | None  # from the first start to the last end
    epochs: int  # number of epochs trained in all trials
    failures: tuple[Failure, ...]  # the most common reason first
    failing: tuple[FailingLevel, ...]
    diverging: tuple[DivergingLevel, ...]
    not_finite: int  # complete trials whose objective is not finite

    @property
    def ended(self) -> int:
        return self.complete + self.pruned + self.failed

    @property
    def is_finished(self) -> bool:
        return self.ended >= self.budget


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials that failed for one reason."""

    reason: str
    trials: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class FailingLevel:
    """A level whose trials fail more often than those of other levels."""

    factor: str
    level: str
    failed: int
    ended: int


def overview(study: Study, records: Sequence[TrialRecord], *, closed: bool = False) -> Overview:
    """What there is so far.

    Args:
        closed: As `intake.asked` takes it.
    """
    counts = Counter(record.state for record in records)
    trained = [record for record in records if record.repeats is None]
    failed = [record for record in records if record.state == TrialState.FAILED]
    starts = [record.started for record in records if record.started]
    ends = [record.ended for record in records if record.ended]
    return Overview(
        budget=asked(study, records, closed=closed),
        complete=counts[TrialState.COMPLETE],
        pruned=counts[TrialState.PRUNED],
        failed=counts[TrialState.FAILED],
        running=counts[TrialState.RUNNING],
        lost=counts[TrialState.LOST],
        interrupted=sum(record.was_interrupted for record in records if record.state == TrialState.LOST),
        diverged=sum(record.diverged is not None for record in records if record.state == TrialState.COMPLETE),
        repeats=len(records) - len(trained),
        train_s=sum(_seconds(record) for record in trained),
        compile_s=sum(record.metrics.get("compile_s", 0.0) for record in trained),
        span_s=(max(ends) - min(starts)).total_seconds() if starts and ends else None,
        epochs=sum(_epochs(record) for record in trained),
        failures=_failures(failed),
        failing=_failing(study, records),
        diverging=diverging_levels(study, records),
        not_finite=sum(
            record.state == TrialState.COMPLETE and record.value is not None and not math.isfinite(record.value)
            for record in records
        ),
    )


def _seconds(record: TrialRecord) -> float:
    """Of a trial that diverged, the last epoch is not in the history."""
    if record.diverged is not None:
        return record.metrics.get("train_s", 0.0) + record.metrics.get("compile_s", 0.0)
    return sum(epoch.metrics.get("seconds", 0.0) for epoch in record.history)


def _epochs(record: TrialRecord) -> int:
    return len(record.history) + (record.diverged is not None)


def _failures(failed: Sequence[TrialRecord]) -> tuple[Failure, ...]:
    """Reasons without the numbers in them, so that `ended after epoch 3` and `after epoch 4` are one."""
    groups: dict[str, list[TrialRecord]] = {}
    for record in failed:
        text = (record.error or "no reason recorded").splitlines()[0]
        groups.setdefault("".join("#" if letter.isdigit() else letter for letter in text), []).append(record)
    ordered = sorted(groups.values(), key=len, reverse=True)
    return tuple(
        Failure(
            reason=(members[0].error or "no reason recorded").splitlines()[0],
            trials=tuple(record.number for record in members),
        )
        for members in ordered
    )


def _failing(study: Study, records: Sequence[TrialRecord]) -> tuple[FailingLevel, ...]:
    """Levels of choices with at least half of their trials failed, while other levels failed less often."""
    found = []
    ended = [record for record in records if record.state.is_final]
    share = sum(record.state == TrialState.FAILED for record in ended) / len(ended) if ended else 0.0
    for factor in study.vary:
        levels: dict[str, list[TrialRecord]] = {}
        for record in ended:
            if factor in record.params:
                levels.setdefault(study.texts.text(factor, record.params[factor]), []).append(record)
        for level, members in levels.items():
            failed = sum(record.state == TrialState.FAILED for record in members)
            if len(members) > 1 and failed >= max(len(members) / 2, 1) and failed / len(members) > share:
                found.append(FailingLevel(factor=factor, level=level, failed=failed, ended=len(members)))
    return tuple(found)
