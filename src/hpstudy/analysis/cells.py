"""A grid's trials as arrays: cells × replicates, and for each factor levels × contexts × replicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.analysis.adaptive import rounds
from hpstudy.analysis.statistics import Flags, Floats
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

Context = tuple[tuple[str, str], ...]  # the levels of the other factors, as texts


@dataclass(frozen=True, kw_only=True)
class GridValues:
    """The first objective of every cell × replicate."""

    study: Study
    params: tuple[Mapping[str, Level], ...]  # the levels of each cell
    values: Floats  # (cells, replicates); NaN where there is no value
    failed: Flags  # (cells, replicates): ended without a finite value
    asked: Flags  # (cells, replicates): what the design asks for so far; all, unless replicates are adaptive
    ruled_out: frozenset[int]  # cells that were, in a look that adaptive replicates took
    trials: Mapping[tuple[int, int], TrialRecord]  # (cell, replicate) → the trial that counts

    def of_cell(self, cell: int) -> list[TrialRecord]:
        """The trials that count of one cell, in the order of their replicates."""
        return [self.trials[place] for place in sorted(self.trials) if place[0] == cell]

    @property
    def pending(self) -> Flags:
        """(cells, replicates): not trained yet."""
        pending: Flags = self.asked & ~self.ended
        return pending

    @property
    def ended(self) -> Flags:
        """(cells, replicates): has a value, or failed."""
        ended: Flags = ~np.isnan(self.values) | self.failed
        return ended

    @property
    def finished(self) -> list[int]:
        """Replicates in which every cell that they ask for has ended; only these can be compared."""
        return np.flatnonzero(self.asked.any(axis=0) & ~self.pending.any(axis=0)).tolist()

    @property
    def whole(self) -> list[int]:
        """Finished replicates of all cells; levels of factors are compared on these."""
        return [replicate for replicate in self.finished if self.asked[:, replicate].all()]


@dataclass(frozen=True, kw_only=True)
class FactorValues:
    """One factor's levels on equal terms.

    Levels are compared over the same contexts in the same replicates. A context in which one level failed counts for
    none of them. A level that failed so often that nothing would be left is not compared.
    """

    factor: str
    levels: tuple[str, ...]  # the levels that are compared, in the order of the declaration
    values: Floats  # (levels, replicates), means over the contexts
    replicates: tuple[int, ...]  # finished ones
    contexts: tuple[Context, ...]  # the contexts that are averaged over
    all_contexts: int  # how many the design has
    excluded: tuple[str, ...]  # levels that are not compared, because they failed


def grid_values(study: Study, records: Sequence[TrialRecord]) -> GridValues:
    """Arrange the trials of a grid, or the confirmations of a Compare. Trials of unknown cells are left out."""
    cells = study.cells()
    shape = (len(cells), study.design.most)
    values, failed = np.full(shape, math.nan), np.zeros(shape, bool)
    trials: dict[tuple[int, int], TrialRecord] = {}
    for record in records:
        if record.cell is None or record.cell >= shape[0] or record.replicate >= shape[1] or not record.state.is_final:
            continue
        if record.role == "search":
            continue
        place = (record.cell, record.replicate)
        trials[place] = record
        value = record.value if record.state == TrialState.COMPLETE else None
        if value is not None and math.isfinite(value):
            values[place], failed[place] = value, False
        else:
            failed[place] = True
    params = tuple(cell.params for cell in cells)
    asked, ruled_out = _asked(study, values, failed)
    return GridValues(
        study=study, params=params, values=values, failed=failed, asked=asked, ruled_out=ruled_out, trials=trials
    )


def _asked(study: Study, values: Floats, failed: Flags) -> tuple[Flags, frozenset[int]]:
    """What the design asks for so far, and the cells that it does not ask for any more as another one is better."""
    adaptive, objective = study.design.adaptive, study.objectives[0]
    if adaptive is None:
        return np.ones(values.shape, bool), frozenset()
    asked, ended = np.zeros(values.shape, bool), ~np.isnan(values) | failed
    found = rounds(values, ended, adaptive.least, sign=objective.sign, practical=objective.practical)
    for replicate, cells in enumerate(found.cells):
        asked[list(cells), replicate] = True
    return asked, found.ruled_out


def factor_values(grid: GridValues, factor: str) -> FactorValues | None:
    """The values of a factor's levels; None if no finished replicate has two levels to compare."""
    cells = cells_of(grid, factor)
    levels = level_texts(grid, factor)
    contexts = list(dict.fromkeys(context for level in levels for context in cells.get(level, {})))
    replicates = grid.whole
    if not replicates or not contexts:
        return None
    means = _means(grid, cells, levels, contexts, replicates)
    kept = _kept(np.all(np.isfinite(means), axis=2))
    if len(kept) < 2:
        return None
    common = np.flatnonzero(np.isfinite(means[kept]).all(axis=(0, 2)))
    return FactorValues(
        factor=factor,
        levels=tuple(levels[place] for place in kept),
        values=means[kept][:, common].mean(axis=1),
        replicates=tuple(replicates),
        contexts=tuple(contexts[place] for place in common),
        all_contexts=len(contexts),
        excluded=tuple(level for place, level in enumerate(levels) if place not in kept),
    )


def level_texts(grid: GridValues, factor: str) -> tuple[str, ...]:
    """Every level of a factor as text, in the order of the declaration."""
    return tuple(grid.study.texts.text(factor, level) for level in grid.study.vary[factor].levels)


def cells_of(grid: GridValues, factor: str) -> dict[str, dict[Context, list[int]]]:
    """Level → context → its cells. There are several if another factor exists only for some levels of this one.

    Such a factor (momentum with sgd) is averaged over within its level, because other levels have no such context.
    """
    inner = {factor, *dependants(grid.study, factor)}
    text = grid.study.texts.text
    cells: dict[str, dict[Context, list[int]]] = {}
    for number, params in enumerate(grid.params):
        if factor in params:
            context = tuple((name, text(name, level)) for name, level in params.items() if name not in inner)
            cells.setdefault(text(factor, params[factor]), {}).setdefault(context, []).append(number)
    return cells


def dependants(study: Study, factor: str) -> set[str]:
    """The factors that exist only for some levels of this one, directly or through another factor."""
    found: set[str] = set()
    for name, domain in study.vary.items():  # a condition names earlier factors only
        if {factor, *found} & set(domain.when):
            found.add(name)
    return found


def _means(
    grid: GridValues,
    cells: Mapping[str, Mapping[Context, Sequence[int]]],
    levels: Sequence[str],
    contexts: Sequence[Context],
    replicates: Sequence[int],
) -> Floats:
    """(levels, contexts, replicates): NaN where a cell is missing or failed."""
    means = np.full((len(levels), len(contexts), len(replicates)), math.nan)
    for row, level in enumerate(levels):
        for column, context in enumerate(contexts):
            if numbers := cells.get(level, {}).get(context):
                means[row, column] = grid.values[np.ix_(numbers, replicates)].mean(axis=0)
    return means


def _kept(complete: NDArray[Any]) -> list[int]:
    """Levels with a context in common: the level with the fewest complete contexts is dropped until there is one.

    Args:
        complete: (levels, contexts).
    """
    kept = [place for place, row in enumerate(complete) if row.any()]
    while kept and not complete[kept].all(axis=0).any():
        kept.remove(min(kept, key=lambda place: int(complete[place].sum())))
    return kept
