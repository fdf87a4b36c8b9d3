"""Overfitting: where the validation loss turns, how far it rises, and how far training runs ahead of validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.cells import GridValues, cells_of, level_texts
from hpstudy.analysis.curves import curve_objective
from hpstudy.analysis.statistics import Floats
from hpstudy.records import TrialRecord
from hpstudy.study.objective import Objective
from hpstudy.study.spec import Study

_NOTABLE_RISE = 0.02  # of the lowest validation loss


@dataclass(frozen=True, kw_only=True)
class Overfitting:
    """Of one trial, or means over trials."""

    turn: float  # the epoch with the lowest validation loss
    rise: float  # of the validation loss from there to the last epoch
    lowest: float  # that validation loss
    gap: float  # how much better the training score is than the validation score, last epoch
    at_best: float  # the validation score of the best epoch


@dataclass(frozen=True, kw_only=True)
class FactorOverfitting:
    """The levels of a factor that differ in how far the validation loss rises."""

    factor: str
    objective: Objective  # of the scores of gap and best epoch
    levels: Mapping[str, Overfitting]  # in the order of the declaration

    @property
    def apart_at_best(self) -> float:
        """How far the levels lie apart, each trial taken at its best epoch."""
        values = [one.at_best for one in self.levels.values()]
        return max(values) - min(values)


def overfitting(study: Study, record: TrialRecord) -> Overfitting | None:
    """Of a trial; None without epochs, or if it diverged."""
    if record.diverged is not None or not record.history:
        return None
    objective = curve_objective(study)
    epochs = [epoch.metrics for epoch in record.history]
    training, validation = objective.metric.removeprefix("val_"), objective.metric
    if any(name not in epochs[-1] for name in (training, validation, "val_loss")):
        return None
    losses = np.array([metrics.get("val_loss", np.inf) for metrics in epochs])
    scores = [objective.score(metrics[validation]) for metrics in epochs if validation in metrics]
    turn = int(losses.argmin())
    return Overfitting(
        turn=turn + 1.0,
        rise=float(losses[-1] - losses[turn]),
        lowest=float(losses[turn]),
        gap=objective.score(epochs[-1][training]) - objective.score(epochs[-1][validation]),
        at_best=objective.sign * max(scores),
    )


def factor_overfitting(grid: GridValues, factor: str) -> FactorOverfitting | None:
    """By level, over the replicates of all cells; None unless the levels differ by more than chance (F-test, 5 %)."""
    found = {place: one for place, record in grid.trials.items() if (one := overfitting(grid.study, record))}
    cells, replicates = cells_of(grid, factor), grid.whole
    levels = {
        level: [
            (number, replicate) for number in chain.from_iterable(cells[level].values()) for replicate in replicates
        ]
        for level in level_texts(grid, factor)
        if level in cells
    }
    known = {level: [place for place in places if place in found] for level, places in levels.items()}
    known = {level: places for level, places in known.items() if {place[1] for place in places} == {*replicates}}
    if len(known) < 2 or not replicates:
        return None
    rises = np.array([_by_replicate(places, replicates, lambda place: found[place].rise) for places in known.values()])
    p, lowest = statistics.any_effect_p(rises), np.mean([one.lowest for one in found.values()])
    if p is None or p >= statistics.ALPHA or np.ptp(rises.mean(axis=1)) < _NOTABLE_RISE * lowest:
        return None
    means = {level: _mean([found[place] for place in places]) for level, places in known.items()}
    return FactorOverfitting(factor=factor, objective=curve_objective(grid.study), levels=means)


def shown_means(grid: GridValues, name: str) -> dict[int, float]:
    """Cell → the mean of what the study shows by this name: a metric, or `gap`, `rise` or `turn`."""
    found: dict[int, list[float]] = {}
    for (cell, _), record in grid.trials.items():
        value = record.metrics.get(name)
        if value is None and (seen := overfitting(grid.study, record)):
            value = vars(seen).get(name)
        if value is not None:
            found.setdefault(cell, []).append(value)
    return {cell: float(np.mean(values)) for cell, values in found.items()}


def _by_replicate(
    places: list[tuple[int, int]], replicates: list[int], value: Callable[[tuple[int, int]], float]
) -> list[float]:
    """Means over the cells, a number for each replicate."""
    return [float(np.mean([value(place) for place in places if place[1] == replicate])) for replicate in replicates]


def _mean(found: list[Overfitting]) -> Overfitting:
    means: Floats = np.mean([list(vars(one).values()) for one in found], axis=0)
    return Overfitting(**dict(zip(vars(found[0]), means.tolist(), strict=True)))
