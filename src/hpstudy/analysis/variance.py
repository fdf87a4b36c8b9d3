"""Which factor moves the objective most, and whether factors depend on each other."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from hpstudy.analysis.cells import GridValues, level_texts
from hpstudy.analysis.statistics import Interval, bounds_of, interval

REPLICATE = "replicate"
Terms: TypeAlias = dict[tuple[str, ...], str]  # sources of variance → their terms in a formula
MOST_FACTORS = 6  # with more factors, pairs are left in the rest


@dataclass(frozen=True, kw_only=True)
class Share:
    """A source of variance: a factor, a pair of factors, or the rest."""

    factors: tuple[str, ...]  # one, two, or () for the rest
    share: float  # 0 to 1, of the sum of squares around the grand mean (η²)


@dataclass(frozen=True, kw_only=True)
class PairCells:
    """Means of the objective by the levels of two factors."""

    factors: tuple[str, str]
    levels: tuple[tuple[str, ...], tuple[str, ...]]
    means: Mapping[tuple[str, str], Interval]  # for the pairs of levels that have values
    share: float  # share of the variance that is due to the interaction


def variance_shares(grid: GridValues) -> list[Share]:
    """Shares of variance by factor and pair of factors: η² of an analysis of variance, without what replicates share.

    Sums of squares of type II (Yates 1934) by statsmodels' least squares: each factor beside all others, each
    pair beside all factors and pairs. In a complete grid this is the classical analysis (Fisher 1925) and the
    shares sum to one. Factors that exist only for some levels of another, and failed trials, are left out.

    Returns:
        The shares, largest first, the rest last; empty if nothing varies or there are too few trials.
    """
    names = [name for name, domain in grid.study.vary.items() if not domain.when and len(domain.levels) > 1]
    frame, total = _frame(grid, names)
    if not names or len(frame) <= len(names) + 1 or total <= 0:
        return []
    mains: Terms = {(name,): f"C(f{number})" for number, name in enumerate(names)}
    pairs: Terms = {
        (one, other): f"{mains[one,]}:{mains[other,]}" for one, other in itertools.combinations(names[:MOST_FACTORS], 2)
    }
    block: Terms = {(REPLICATE,): f"C({REPLICATE})"} if frame[REPLICATE].nunique() > 1 else {}
    alone, everything = {**mains, **block}, {**mains, **block, **pairs}
    squares = {**_left_out(frame, alone, alone), **_left_out(frame, everything, pairs)}
    rest = _residual(frame, list(everything.values()))
    ordered = sorted(squares.items(), key=lambda item: -item[1])
    known = [(factors, square) for factors, square in ordered if factors != (REPLICATE,)]
    left = max(total - squares.get((REPLICATE,), 0.0), sum(square for _, square in known) + rest, 1e-300)
    found = [Share(factors=factors, share=square / left) for factors, square in known]
    return [*found, Share(factors=(), share=rest / left)]


def pair_cells(grid: GridValues, shares: Sequence[Share]) -> list[PairCells]:
    """Every pair of factors, strongest interaction first."""
    known = {share.factors: share.share for share in shares}
    pairs = [pair for pair in itertools.combinations(grid.study.vary, 2) if pair in known]
    return sorted((_pair(grid, pair, known[pair]) for pair in pairs), key=lambda pair: -pair.share)


def _pair(grid: GridValues, pair: tuple[str, str], share: float) -> PairCells:
    texts, (one, other) = grid.study.texts, pair
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, params in enumerate(grid.params):
        if one in params and other in params:
            numbers.setdefault((texts.text(one, params[one]), texts.text(other, params[other])), []).append(number)
    means = {}
    for levels, cells in numbers.items():
        by_replicate = grid.values[cells][:, grid.whole].mean(axis=0)
        known = by_replicate[np.isfinite(by_replicate)]
        if len(known):
            means[levels] = interval(known, bounds_of(grid.study.objectives[0].metric))
    return PairCells(factors=pair, levels=(level_texts(grid, one), level_texts(grid, other)), means=means, share=share)


def _frame(grid: GridValues, names: Sequence[str]) -> tuple[Any, float]:
    """One row per trial of the finished replicates, and the total sum of squares."""
    import pandas as pd

    columns = [f"f{place}" for place in range(len(names))]
    rows = [
        (*grid.study.texts.row(names, grid.params[cell]), replicate, grid.values[cell, replicate])
        for cell in range(len(grid.params))
        for replicate in grid.whole
        if not np.isnan(grid.values[cell, replicate])
    ]
    frame = pd.DataFrame(rows, columns=[*columns, REPLICATE, "value"])
    total = float(((frame["value"] - frame["value"].mean()) ** 2).sum())
    scale = float((frame["value"] ** 2).sum())
    return frame, total if total > 1e-20 * max(scale, 1e-300) else 0.0


def _left_out(frame: Any, terms: Terms, asked: Terms) -> dict[tuple[str, ...], float]:
    """How much worse the fit becomes without each of the requested terms."""
    full = _residual(frame, list(terms.values()))
    return {
        factors: max(0.0, _residual(frame, [other for other in terms.values() if other != term]) - full)
        for factors, term in asked.items()
    }


def _residual(frame: Any, terms: Sequence[str]) -> float:
    """The sum of squares that these terms leave unexplained."""
    from statsmodels.formula.api import ols

    with warnings.catch_warnings():  # failed cells leave parameters undetermined, but not the residual
        warnings.filterwarnings("ignore", message="The design matrix is rank-deficient")
        return float(ols("value ~ " + (" + ".join(terms) or "1"), frame).fit().ssr)
