"""Which trial and which configuration is the best: defined here and nowhere else.

Of several equal ones, the first is the best. Which of several equal trials `hpstudy best` names is decided by Optuna,
so that its own tools name the same one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.analysis.cells import GridValues


def scores(study: Study, record: TrialRecord) -> tuple[float, ...]:
    """The objectives of a complete trial, turned so that higher is better; NaN is worst."""
    found = [objective.score(value) for objective, value in zip(study.objectives, record.values or (), strict=True)]
    return tuple(-math.inf if math.isnan(score) else score for score in found)


def ranked_trials(study: Study, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Complete trials with finite values, sorted by the first objective, best first."""
    scored = (record for record in records if _is_scored(record))
    return sorted(scored, key=lambda record: scores(study, record)[0], reverse=True)


def front(study: Study, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The best complete trial; with several objectives, the Pareto front in the order of the records.

    Where configurations have replicates or confirmations, it is the best of the one with the best mean.
    """
    complete = [record for record in records if record.state == TrialState.COMPLETE and record.values]
    complete = confirmations_of_best(study, complete) or _replicates_of_best(study, records) or complete
    found = {record.number: scores(study, record) for record in complete}
    if len(study.objectives) == 1:
        return [max(complete, key=lambda record: found[record.number])] if complete else []
    return [record for record in complete if not any(_dominates(one, found[record.number]) for one in found.values())]


def counted(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The trials that are compared: not those of a Compare that only look for what is to be confirmed."""
    return [record for record in records if record.role != "search"]


def cells_best_first(grid: GridValues) -> list[int]:
    """The numbers of the cells that have a value, sorted by the mean over replicates, best first.

    While replicates are unfinished, only those count in which every cell has ended, as soon as there is one.
    """
    import numpy as np

    replicates = grid.finished or list(range(grid.values.shape[1]))
    found = (grid.values[cell, replicates] for cell in range(len(grid.params)))
    values = {cell: row[~np.isnan(row)] for cell, row in enumerate(found) if not np.isnan(row).all()}
    sign = grid.study.objectives[0].sign
    return sorted(values, key=lambda cell: -sign * values[cell].mean())


def confirmations_of_best(study: Study, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The complete confirmations of the configuration with the best mean; of a Compare, those of the best cell, whose
    searches may have found different ones. Empty if there is none.
    """
    groups: dict[int | None, list[TrialRecord]] = {}
    for record in records:
        if record.role != "confirmation" or record.state != TrialState.COMPLETE:
            continue
        groups.setdefault(record.cell if study.design.has_cells else record.confirms, []).append(record)
    means = {key: fmean(scores(study, record)[0] for record in members) for key, members in groups.items()}
    return groups[max(means, key=lambda key: means[key])] if means else []


def _replicates_of_best(study: Study, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The complete replicates of the cell of a grid with the best mean; empty for other designs."""
    from hpstudy.analysis.cells import grid_values

    if not study.design.has_cells or study.design.confirms or len(study.objectives) > 1:
        return []
    grid = grid_values(study, records)
    return [record for cell in cells_best_first(grid)[:1] for record in grid.of_cell(cell) if _is_scored(record)]


def _is_scored(record: TrialRecord) -> bool:
    return record.state == TrialState.COMPLETE and bool(record.values) and all(map(math.isfinite, record.values or ()))


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))
