"""Which cells get another replicate: those that may still be the best and are undecided. Pure.

After every full round the results so far are looked at. That the best cell is ruled out in one of the looks happens in
at most 5 % of studies, because each look may spend an equal share of that error (Bonferroni), the report's look at the
end among them. What a look decides depends on the replicates before it only: whoever looks later finds the same.
"""

from __future__ import annotations

import functools

import numpy as np

from hpstudy.analysis.candidates import FAMILY_ERROR, may_be_best
from hpstudy.analysis.posterior import drawn_means
from hpstudy.analysis.spreads import additive_means
from hpstudy.analysis.standings import default_practical
from hpstudy.analysis.statistics import CONFIDENCE, Flags, Floats

Rounds = tuple[tuple[int, ...], ...]  # the cells of each replicate


def rounds(values: Floats, ended: Flags, least: int, *, sign: int = 1) -> Rounds:
    """The cells that each replicate is trained in, as far as that is known.

    Args:
        values: (cells, most replicates), as they were measured; NaN where there is none.
        ended: (cells, most replicates): trained, or failed.
        least: Replicates of every cell.
        sign: 1 if more is better, else -1.
    """
    count, most = values.shape
    found: list[tuple[int, ...]] = [tuple(range(count))] * least
    for replicate in range(least, most):
        if not all(ended[cell, earlier] for earlier, cells in enumerate(found) for cell in cells):
            break
        error = FAMILY_ERROR / (most - least + 1)
        seen = np.ascontiguousarray(values[:, :replicate])
        wanted = _wanted(seen.tobytes(), seen.shape, sign, error, found[-1])
        if not wanted:
            break
        found.append(wanted)
    return tuple(found)


@functools.lru_cache(maxsize=256)
def _wanted(values: bytes, shape: tuple[int, int], sign: int, error: float, last: tuple[int, ...]) -> tuple[int, ...]:
    """The cells of the next round; none once all are decided. Every claim asks, and a look takes a moment."""
    return next_round(np.frombuffer(values).reshape(shape), sign, error, last)


def next_round(values: Floats, sign: int, error: float, last: tuple[int, ...]) -> tuple[int, ...]:
    """What a look decides.

    Args:
        values: (cells, replicates so far); NaN where there is none.
        error: The family error of this look.
        last: The cells of the last round. Who is out stays out and is not looked at: with its few replicates it would
            only make the others less certain.

    Returns:
        The undecided cells and the leading one, which they are compared with; empty if none is undecided.
    """
    known = [cell for cell in last if np.isfinite(values[cell]).any()]
    if len(known) < 2:
        return ()
    scores = sign * values[known]
    candidates = may_be_best(scores, error)
    drawn = drawn_means(scores, candidates)
    if drawn is None:
        return ()
    practical = default_practical(values[np.isfinite(values).any(axis=1)], sign)
    equivalent = ((drawn.max(axis=0) - drawn) <= practical).mean(axis=1) >= CONFIDENCE
    leader = int(additive_means(scores).argmax())
    undecided = {int(place) for place in np.flatnonzero(candidates & ~equivalent)} - {leader}
    return tuple(known[place] for place in sorted({*undecided, leader})) if undecided else ()
