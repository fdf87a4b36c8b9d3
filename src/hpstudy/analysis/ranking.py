"""The cells of a grid, best first, and what can be said of each."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.best import cells_best_first
from hpstudy.analysis.candidates import FAMILY_ERROR
from hpstudy.analysis.cells import GridValues
from hpstudy.analysis.divergence import chance_scores
from hpstudy.analysis.standings import PRACTICAL_PART, PRACTICAL_SHARE, Standings, Verdict, standings
from hpstudy.analysis.statistics import Bounds, Interval
from hpstudy.records import TrialRecord
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class RankedCell:
    """One configuration with its replicates."""

    number: int
    params: Mapping[str, Level]
    mean: Interval  # 95 %, for new data; for these where all replicates have the same rows
    difference: float  # of its mean to that of the best one, as measured
    verdict: Verdict
    may_be_best: bool
    p_best: float  # probability of being the best; NaN where nothing was repeated
    regret: float  # how much worse than the best one it is expected to be
    equivalent: float  # probability of lying within what matters in practice of the best one
    worse_on_new_data: bool  # than the best one; False where nothing is claimed of new data
    needed: int | None  # replicates that would decide it
    diverged: int  # replicates that did
    failed: int  # replicates without a value
    train_s: float | None  # mean over replicates
    parameters: float | None


@dataclass(frozen=True, kw_only=True)
class RankedCells:
    """All cells with a value, the best one first."""

    cells: tuple[RankedCell, ...]
    standings: Standings | None  # of the same cells, in the same order; None: there is none


@dataclass(frozen=True, kw_only=True)
class Circumstance:
    """One combination of the levels of given factors, and the cells that it leaves to choose from."""

    params: Mapping[str, Level]  # of the given factors
    cells: tuple[RankedCell, ...]  # best first
    standings: Standings


def circumstances(grid: GridValues, looks: int = 1) -> list[Circumstance]:
    """An answer for each combination of the levels of given factors, in the order of the declaration."""
    given, found = grid.study.given, list[Circumstance]()
    groups: dict[tuple[Level, ...], list[int]] = {}
    for number, params in enumerate(grid.params if given else ()):
        groups.setdefault(tuple(params.get(name) for name in given), []).append(number)
    for levels, members in groups.items():
        ranked = ranked_cells(grid, looks, members)
        if ranked.standings:
            params = {name: level for name, level in zip(given, levels, strict=True) if level is not None}
            found.append(Circumstance(params=params, cells=ranked.cells, standings=ranked.standings))
    return found


def ranked_cells(grid: GridValues, looks: int = 1, among: Collection[int] | None = None) -> RankedCells:
    """Cells with a value, compared on the replicates whose every cell has ended; on all, while there is none.

    Args:
        looks: At the results, this one among them: each spends an equal share of the error (Bonferroni).
        among: Only these cells; None: all.
    """
    known = [cell for cell in cells_best_first(grid) if among is None or cell in among]
    objective = grid.study.objectives[0]
    if not known:
        return RankedCells(cells=(), standings=None)
    replicates = grid.finished or list(range(grid.values.shape[1]))
    in_order = sorted(known)  # as `adaptive` has them: the same simulations give the same critical values
    compared = [cell for cell in in_order if np.isfinite(grid.values[cell, replicates]).any()]
    values = grid.values[np.ix_(compared, replicates)]
    found = standings(
        objective.sign * values,
        practical_of(grid.study, values),
        error=FAMILY_ERROR / looks,
        new_data_ratio=grid.study.validation_ratio,
        ruled_out=np.array([cell in grid.ruled_out for cell in compared]),
    )
    order, bounds = found.order, statistics.bounds_of(objective.metric)
    best = float(found.means[found.best])
    cells = tuple(
        RankedCell(
            number=compared[place],
            params=grid.params[compared[place]],
            mean=interval_of(found, place, objective.sign, bounds),
            difference=objective.sign * (float(found.means[place]) - best),
            verdict=found.verdicts[place],
            may_be_best=bool(found.may_be_best[place]),
            p_best=float(found.p_best[place]),
            regret=float(found.regret[place]),
            equivalent=float(found.equivalent[place]),
            worse_on_new_data=bool(found.worse_on_new_data[place]),
            needed=found.needed[place],
            diverged=sum(record.diverged is not None for record in _trials(grid, compared[place])),
            failed=int(grid.failed[compared[place]].sum()),
            train_s=_mean(_trials(grid, compared[place]), "train_s"),
            parameters=_mean(_trials(grid, compared[place]), "parameters"),
        )
        for place in order
    )
    return RankedCells(cells=cells, standings=found.sorted())


def interval_of(found: Standings, place: int, sign: int, bounds: Bounds) -> Interval:
    """The mean as it was measured, with its interval, which ends where the metric does."""
    mean = sign * float(found.means[place])
    if math.isnan(found.low[place]):
        return Interval(mean=mean, low=None, high=None, n=int(found.n[place]))
    low, high = sorted((sign * float(found.low[place]), sign * float(found.high[place])))
    return Interval(mean=mean, low=max(low, bounds[0]), high=min(high, bounds[1]), n=int(found.n[place]))


def practical_of(study: Study, values: statistics.Floats) -> float:
    """The difference that matters in practice: declared; else 0.005 if the best value is 1, else one per cent.

    One per cent of the constant predictor's score, and of the best mean where a constant predictor has none.

    Args:
        values: (configurations, replicates) of the first objective.
    """
    objective = study.objectives[0]
    if objective.practical is not None:
        return objective.practical
    if statistics.bounds_of(objective.metric)[1] == 1:
        return PRACTICAL_SHARE
    loss = str(study.config({})["loss"])
    chance = chance_scores(study.dataset_info, loss).get(objective.metric)
    means = objective.sign * np.nanmean(values, axis=1)
    return PRACTICAL_PART * abs(float(means.max()) if chance is None else chance)


def _trials(grid: GridValues, cell: int) -> list[TrialRecord]:
    return [record for (number, _), record in grid.trials.items() if number == cell]


def _mean(trials: Sequence[TrialRecord], metric: str) -> float | None:
    values = [record.metrics[metric] for record in trials if metric in record.metrics]
    return sum(values) / len(values) if values else None
