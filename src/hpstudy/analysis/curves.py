"""Learning curves by level of a factor, averaged first over cells, then over replicates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.statistics import Bounds, Floats
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.objective import DEFAULT_METRIC, Objective
from hpstudy.study.spec import Study

_LOSS = Objective("val_loss")


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
    levels: tuple[LevelCurves, ...]


def curve_objective(study: Study) -> Objective:
    """The metric to draw by epoch: the objective, or the validation metric closest to it."""
    metric = study.objectives[0].metric
    if metric.endswith("loss"):
        return _LOSS
    return Objective(DEFAULT_METRIC[study.dataset_info.task])


def factor_curves(study: Study, records: Sequence[TrialRecord], factor: str) -> FactorCurves | None:
    """None if no complete trial of this factor has a history.

    Trials that diverged are in no curve: theirs break off.
    """
    objective = curve_objective(study)
    trials = [
        record
        for record in records
        if record.state == TrialState.COMPLETE
        and record.diverged is None
        and factor in record.params
        and record.history
    ]
    text = study.texts.text
    by_level: dict[str, list[TrialRecord]] = {text(factor, level): [] for level in study.vary[factor].levels}
    for record in trials:
        by_level.setdefault(text(factor, record.params[factor]), []).append(record)
    levels = tuple(_level_curves(level, members, objective) for level, members in by_level.items() if members)
    return FactorCurves(factor=factor, metric=objective.metric, levels=levels) if levels else None


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
