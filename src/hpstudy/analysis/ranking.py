"""The cells of a grid, best first, each compared with the best one on the same replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.best import cells_best_first
from hpstudy.analysis.cells import GridValues
from hpstudy.analysis.statistics import Bounds, Difference, Floats, Interval
from hpstudy.records import TrialRecord
from hpstudy.study.factors import Level


@dataclass(frozen=True, kw_only=True)
class RankedCell:
    """One configuration with its replicates."""

    number: int
    params: Mapping[str, Level]
    mean: Interval
    difference: Difference | None  # to the best cell; None for that cell itself, and if replicates are missing
    p: float | None  # corrected for all pairs of cells (Holm)
    failed: int  # replicates without a value
    diverged: int  # replicates that diverged, whose value is the constant predictor's
    train_s: float | None  # mean over replicates
    parameters: float | None

    @property
    def is_distinct(self) -> bool:
        return self.p is not None and self.p < statistics.ALPHA


def ranked_cells(grid: GridValues) -> list[RankedCell]:
    """Cells with a value, best first. Only cells with a value in every finished replicate are compared."""
    bounds = statistics.bounds_of(grid.study.objectives[0].metric)
    known, replicates = cells_best_first(grid), grid.finished
    whole = [cell for cell in known if replicates and np.isfinite(grid.values[cell, replicates]).all()]
    matrix = grid.values[np.ix_(whole, replicates)]
    p_values = dict(zip(whole, _p_against_first(matrix), strict=True))
    rows = dict(zip(whole, matrix, strict=True))
    return [
        RankedCell(
            number=cell,
            params=grid.params[cell],
            mean=statistics.interval(grid.cell_values(cell), bounds),
            difference=_difference(rows, whole, cell, bounds),
            p=p_values.get(cell),
            failed=int(grid.failed[cell].sum()),
            diverged=sum(record.diverged is not None for record in _trials(grid, cell)),
            train_s=_mean(_trials(grid, cell), "train_s"),
            parameters=_mean(_trials(grid, cell), "parameters"),
        )
        for cell in known
    ]


def _difference(rows: Mapping[int, Floats], whole: Sequence[int], cell: int, bounds: Bounds) -> Difference | None:
    if cell not in rows or cell == whole[0]:
        return None
    return statistics.paired_difference(rows[cell], rows[whole[0]], bounds)


def _p_against_first(matrix: Floats) -> list[float | None]:
    """p-values corrected for all pairs, because the same numbers showed which cell is the best.

    Args:
        matrix: (cells, replicates), best first.
    """
    cells, replicates = matrix.shape
    if cells < 2 or replicates < statistics.MIN_REPLICATES:
        return [None] * cells
    one, other = np.triu_indices(cells, k=1)  # pairs in rows: those with the first cell come first
    raw = statistics.paired_p(matrix[other] - matrix[one])
    corrected = statistics.holm([None if np.isnan(p) else float(p) for p in raw])
    return [None, *corrected[: cells - 1]]


def _trials(grid: GridValues, cell: int) -> list[TrialRecord]:
    return [record for (number, _), record in grid.trials.items() if number == cell]


def _mean(trials: Sequence[TrialRecord], metric: str) -> float | None:
    values = [record.metrics[metric] for record in trials if metric in record.metrics]
    return sum(values) / len(values) if values else None
