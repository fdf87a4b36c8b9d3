"""Learning curves by level of a factor, averaged first over cells, then over replicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.statistics import Bounds, Floats
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.factors import Level
from hpstudy.study.metrics import DEFAULT_METRIC
from hpstudy.study.objective import Objective
from hpstudy.study.short import short_levels
from hpstudy.study.spec import Study

LOSS = Objective("val_loss")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A metric by epoch: the mean over replicates and the band of its 95 % interval."""

    epochs: Floats  # (epochs,), from 1
    mean: Floats  # (epochs,)
    low: Floats | None  # None with one replicate
    high: Floats | None


@dataclass(frozen=True, kw_only=True)
class LevelCurves:
    """How the trials of one level learned."""

    level: str
    trials: int
    training: Curve
    validation: Curve
    best_epoch: float  # mean over trials of the epoch with the best validation score
    best_value: float  # mean over trials of the score there
    final_training: float  # mean over trials of the last epoch
    final_validation: float
    gap: float  # at the last epoch, how much better training is than validation: overfitting


@dataclass(frozen=True, kw_only=True)
class FactorCurves:
    factor: str
    metric: str  # the validation metric; the training metric has the same name without "val_"
    at_best: bool = False  # each level with the levels of the other factors that suit it best, not averaged over them
    levels: tuple[LevelCurves, ...]


def curve_objective(study: Study) -> Objective:
    """The metric to draw by epoch: the objective, or the validation metric closest to it."""
    metric = study.objectives[0].metric
    if metric.endswith("loss"):
        return LOSS
    return Objective(DEFAULT_METRIC[study.dataset_info.task])


def factor_curves(
    study: Study, records: Sequence[TrialRecord], factor: str, objective: Objective | None = None
) -> FactorCurves | None:
    """None if no complete trial of this factor has a history.

    Args:
        objective: What to draw; None: `curve_objective`.

    Trials that diverged are in no curve: theirs break off.
    """
    trials = _drawn(records, factor)
    text = study.texts.text
    by_level: dict[str, list[TrialRecord]] = {text(factor, level): [] for level in study.vary[factor].levels}
    for record in trials:
        by_level.setdefault(text(factor, record.params[factor]), []).append(record)
    return _curves(factor, objective or curve_objective(study), by_level)


def best_curves(
    study: Study,
    records: Sequence[TrialRecord],
    factor: str,
    cells: Sequence[Mapping[str, Level]],
    objective: Objective | None = None,
) -> FactorCurves | None:
    """Curves of the best configuration with each level of a factor.

    Args:
        cells: The configurations, the best first.
    """
    trials = _drawn(records, factor)
    chosen: dict[str, Mapping[str, Level]] = {}
    for params in cells:
        if factor in params:
            chosen.setdefault(study.texts.text(factor, params[factor]), params)
    declared = [study.texts.text(factor, level) for level in study.vary[factor].levels]
    by_level = {
        ", ".join(short_levels(study, chosen[level])): [one for one in trials if one.params == chosen[level]]
        for level in declared
        if level in chosen
    }
    found = _curves(factor, objective or curve_objective(study), by_level)
    return found and replace(found, at_best=True)


def _curves(factor: str, objective: Objective, by_level: Mapping[str, Sequence[TrialRecord]]) -> FactorCurves | None:
    levels = tuple(_level_curves(level, members, objective) for level, members in by_level.items() if members)
    return FactorCurves(factor=factor, metric=objective.metric, levels=levels) if levels else None


def _drawn(records: Sequence[TrialRecord], factor: str) -> list[TrialRecord]:
    return [
        record
        for record in records
        if record.state == TrialState.COMPLETE
        and record.diverged is None
        and factor in record.params
        and record.history
    ]


def _level_curves(level: str, trials: Sequence[TrialRecord], objective: Objective) -> LevelCurves:
    validation = _matrix(trials, objective.metric)
    training = _matrix(trials, objective.metric.removeprefix("val_"))
    sign, bounds = objective.sign, statistics.bounds_of(objective.metric)
    best = np.argmax(np.where(np.isfinite(validation), sign * validation, -math.inf), axis=1)
    rows = np.arange(len(trials))
    last = np.array([len(record.history) for record in trials]) - 1
    final_training, final_validation = training[rows, last], validation[rows, last]
    return LevelCurves(
        level=level,
        trials=len(trials),
        training=_curve(trials, training, bounds),
        validation=_curve(trials, validation, bounds),
        best_epoch=float((best + 1).mean()),
        best_value=float(validation[rows, best].mean()),
        final_training=float(final_training.mean()),
        final_validation=float(final_validation.mean()),
        gap=float((sign * (final_training - final_validation)).mean()),
    )


def _matrix(trials: Sequence[TrialRecord], metric: str) -> Floats:
    """(trials, epochs); NaN after a trial's end."""
    values = np.full((len(trials), max(len(record.history) for record in trials)), math.nan)
    for row, record in enumerate(trials):
        values[row, : len(record.history)] = [epoch.metrics.get(metric, math.nan) for epoch in record.history]
    return values


def _curve(trials: Sequence[TrialRecord], values: Floats, bounds: Bounds) -> Curve:
    """The mean curve, cut where fewer than half of the trials are left, so that its end does not rest on a few."""
    reached = np.isfinite(values).mean(axis=0) >= 0.5
    length = max(1, int(reached.argmin()) if not reached.all() else values.shape[1])
    replicates = sorted({record.replicate for record in trials})
    owner = np.array([record.replicate for record in trials])
    means = np.array([_column_means(values[owner == replicate, :length]) for replicate in replicates])
    epochs = np.arange(1, length + 1, dtype=float)
    if len(replicates) < 2:
        return Curve(epochs=epochs, mean=means[0], low=None, high=None)
    mean, low, high = statistics.t_interval(means.T, bounds)
    return Curve(epochs=epochs, mean=mean, low=low, high=high)


def _column_means(values: Floats) -> Floats:
    """Means over the trials that reached an epoch; NaN if none did."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    means: Floats = np.divide(sums, counts, out=np.full(values.shape[1], math.nan), where=counts > 0)
    return means
