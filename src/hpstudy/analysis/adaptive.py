"""Which cells get another replicate: those that may still be the best and are undecided. Pure.

After every full round the results so far are looked at. That the best cell is ruled out in one of the looks happens in
at most 5 % of studies, because each look may spend an equal share of that error (Bonferroni), the report's look at the
end among them. What a look decides depends on the replicates before it only: whoever looks later finds the same.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.candidates import FAMILY_ERROR, may_be_best
from hpstudy.analysis.posterior import drawn_means
from hpstudy.analysis.spreads import additive_means
from hpstudy.analysis.standings import default_practical
from hpstudy.analysis.statistics import CONFIDENCE, Flags, Floats


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look at the results decides."""

    cells: tuple[int, ...] = ()  # of the next round; none once all are decided
    ruled_out: tuple[int, ...] = ()  # another one is better


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """How far adaptive replicates have come."""

    cells: tuple[tuple[int, ...], ...]  # of each replicate, as far as that is known
    ruled_out: frozenset[int]  # in one of the looks


def rounds(values: Floats, ended: Flags, least: int, *, sign: int = 1, practical: float | None = None) -> Rounds:
    """The cells that each replicate is trained in, as far as that is known, and those that are out.

    Args:
        values: (cells, most replicates), as they were measured; NaN where there is none.
        ended: (cells, most replicates): trained, or failed.
        least: Replicates of every cell.
        sign: 1 if more is better, else -1.
        practical: The difference that matters in practice; None: `default_practical`.
    """
    count, most = values.shape
    found: list[tuple[int, ...]] = [tuple(range(count))] * least
    out: set[int] = set()
    for replicate in range(least, most):
        if not all(ended[cell, earlier] for earlier, cells in enumerate(found) for cell in cells):
            break
        error = FAMILY_ERROR / (most - least + 1)
        seen = np.ascontiguousarray(values[:, :replicate])
        look = _looked(seen.tobytes(), seen.shape, sign, error, found[-1], practical)
        out |= {*look.ruled_out}
        if not look.cells:
            break
        found.append(look.cells)
    return Rounds(cells=tuple(found), ruled_out=frozenset(out))


@functools.lru_cache(maxsize=256)
def _looked(
    values: bytes, shape: tuple[int, int], sign: int, error: float, last: tuple[int, ...], practical: float | None
) -> Look:
    """Every claim asks, and a look takes a moment."""
    return look_at(np.frombuffer(values).reshape(shape), sign, error, last, practical)


def look_at(values: Floats, sign: int, error: float, last: tuple[int, ...], practical: float | None = None) -> Look:
    """What a look decides.

    Args:
        values: (cells, replicates so far); NaN where there is none.
        error: The family error of this look.
        last: The cells of the last round. Who is out stays out and is not looked at: with its few replicates it would
            only make the others less certain.
        practical: As `rounds` takes it.

    Returns:
        For the next round the undecided cells and the leading one, which they are compared with.
    """
    known = [cell for cell in last if np.isfinite(values[cell]).any()]
    if len(known) < 2:
        return Look()
    scores = sign * values[known]
    candidates = may_be_best(scores, error)
    drawn = drawn_means(scores, candidates)
    if drawn is None:
        return Look()
    if practical is None:
        practical = default_practical(values[np.isfinite(values).any(axis=1)], sign)
    equivalent = ((drawn.max(axis=0) - drawn) <= practical).mean(axis=1) >= CONFIDENCE
    leader = int(additive_means(scores).argmax())
    undecided = {int(place) for place in np.flatnonzero(candidates & ~equivalent)} - {leader}
    return Look(
        cells=tuple(known[place] for place in sorted({*undecided, leader})) if undecided else (),
        ruled_out=tuple(known[place] for place in np.flatnonzero(~candidates)),
    )
