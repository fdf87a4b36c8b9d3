"""How the searches of a Compare went: the best score so far by trials, and which nuisance levels won."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.statistics import Floats, bounds_of, t_interval
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class TunedCell:
    """One cell's searches, one a replicate."""

    params: Mapping[str, Level]
    best: Floats  # (trials,): best score after so many trials, mean over searches that have that many
    low: Floats | None  # its 95 % interval; None with one search
    high: Floats | None
    winners: tuple[TrialRecord, ...]  # confirmations, by replicate
    trials: tuple[TrialRecord, ...]  # complete trials of its searches


def tuned_cells(study: Study, records: Sequence[TrialRecord]) -> list[TunedCell]:
    """Cells in the order of the declaration; empty for designs that tune nothing.

    The best score so far is that of the searches themselves, each independent of the others: the trials of one search
    are not, as its sampler learns, so the estimate of Dodge et al. (2019, "Show your work", EMNLP), which takes them
    for independent draws, would mislead.
    """
    if not study.tune:
        return []
    found = []
    for cell in study.cells():
        members = [record for record in records if record.cell == cell.number and record.state == TrialState.COMPLETE]
        searched = [record for record in members if record.role == "search" and record.value is not None]
        if not searched:
            continue
        best, low, high = _best_so_far(study, searched)
        winners = sorted((r for r in members if r.role == "confirmation"), key=lambda record: record.replicate)
        found.append(
            TunedCell(params=cell.params, best=best, low=low, high=high, winners=tuple(winners), trials=tuple(searched))
        )
    return found


def _best_so_far(study: Study, trials: Sequence[TrialRecord]) -> tuple[Floats, Floats | None, Floats | None]:
    sign = study.objectives[0].sign
    searches: dict[int, list[float]] = {}
    for record in sorted(trials, key=lambda record: (record.replicate, record.turn or 0, record.number)):
        searches.setdefault(record.replicate, []).append(sign * float(record.value or 0.0))
    length = min(len(values) for values in searches.values())
    running = sign * np.array([np.maximum.accumulate(values[:length]) for values in searches.values()])
    if len(running) < 2:
        return running[0], None, None
    mean, low, high = t_interval(running.T, bounds_of(study.objectives[0].metric))
    return mean, low, high


def spans(cell: TunedCell, name: str) -> tuple[float, float] | None:
    """The range of a nuisance factor among the winners of a cell; None where they are no numbers."""
    levels = [record.params[name] for record in cell.winners if name in record.params]
    numbers = [float(level) for level in levels if isinstance(level, int | float) and not isinstance(level, bool)]
    if not numbers or len(numbers) < len(levels) or not all(map(math.isfinite, numbers)):
        return None
    return min(numbers), max(numbers)
