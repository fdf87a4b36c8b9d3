"""Which configurations may be the best: multiple comparisons with the best.

A configuration is ruled out when another one is better, so that the best one is ruled out in at most 5 % of studies
(Hsu 1981, "Simultaneous confidence intervals for all distances from the best", Annals of Statistics 9; Hsu 1984). Two
are compared replicate by replicate, so what all share (seed and split) is taken out, with moderated variances
(`spreads`). Competitors that are surely worse do not count (Romano, Shaikh & Wolf 2014, "A practical two-step method
for testing moment inequalities", Econometrica 82). The critical value of each configuration is that of its own
competitors, simulated from a fixed seed, so that an answer is the same twice. More is better here; whoever minimizes
changes the sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpstudy.analysis.spreads import NO_SPREAD, fitted_priors, moderated, spreads
from hpstudy.analysis.statistics import Flags, Floats

FAMILY_ERROR = 0.05  # the largest share of studies in which the best configuration is ruled out
_SURELY_WORSE = 0.1  # share of that error which is spent on competitors that do not count
_SIMULATED = 0.8  # share of it for the critical values; the rest allows for the few replicates behind them
_MODERATE_FROM = 5  # configurations: of fewer, too few differences tell what variances have in common
_TRUST = 0.3  # in the prior's degrees of freedom, as configurations differ more in spread than its model allows
_SIMULATIONS, _LEAST_SIMULATIONS = 2_000, 300  # of studies; fewer where there are very many configurations
_MOST_NUMBERS, _NUMBERS_AT_ONCE = 10_000_000, 4_000_000  # pairs of configurations in all of them, and in memory
_FITTED_PAIRS = 5_000
_SEED = 0


def may_be_best(scores: Floats, error: float = FAMILY_ERROR) -> Flags:
    """Which configurations are not ruled out, (configurations,).

    Args:
        scores: (configurations, replicates), more is better; NaN where there is none. Each configuration has one.
        error: The family error, of which repeated looks at growing data spend a share each.
    """
    count = len(scores)
    observed = _statistics(scores[np.newaxis])
    t, df = observed.t[0], float(observed.df[0])
    if count < 2 or not np.isfinite(df):
        return np.ones(count, bool)
    compared = _t_quantile(1 - error * _SURELY_WORSE / (count - 1), df)
    competes = (t <= compared) & ~np.eye(count, dtype=bool)  # [i, j]: i is not surely better than j
    rivals = competes.T[np.newaxis]  # [0, j, i]: j competes with i
    worst = np.concatenate([_worst(null, rivals) for null in _null_statistics(scores)])
    critical = np.quantile(worst, 1 - error * _SIMULATED, axis=0, method="higher")
    kept: Flags = _worst(t[np.newaxis], rivals)[0] <= critical
    return kept


def _worst(t: Floats, rivals: Flags) -> Floats:
    """The largest lead that a competitor has over each configuration, (studies, configurations)."""
    worst: Floats = np.where(rivals, t, -math.inf).max(axis=1)
    return worst


@dataclass(frozen=True, kw_only=True)
class _Statistics:
    t: Floats  # (studies, configurations, configurations): first minus second, in standard errors
    df: Floats  # (studies,): NaN if no difference has a spread that could be estimated


def _statistics(scores: Floats) -> _Statistics:
    """Moderated t of every pair, for many studies with the same replicates missing at once.

    Means and variances of all differences are matrix products: of 100 configurations there are 4,950 pairs.

    Args:
        scores: (studies, configurations, replicates).
    """
    known = np.isfinite(scores[0]).astype(float)
    n = known @ known.T  # replicates that two have in common
    count = len(n)
    pairs = (n >= 2) & ~np.eye(count, dtype=bool)
    if not pairs.any():
        return _Statistics(t=np.zeros((len(scores), count, count)), df=np.full(len(scores), math.nan))
    filled = np.where(known > 0, scores - np.nanmean(scores, axis=(1, 2), keepdims=True), 0.0)
    means, variances = _differences(filled, known, n)
    df = np.maximum(n - 1, 1)
    floor = (NO_SPREAD * np.nanmax(np.abs(scores), axis=(1, 2))) ** 2
    prior_df, prior_variance = fitted_priors(variances[:, pairs], df[pairs], variances[:, pairs] > floor[:, np.newaxis])
    prior_df = prior_df * (_TRUST if count >= _MODERATE_FROM else 0)
    shrunken = moderated(variances, df, prior_df, prior_variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((means == 0) | ~pairs, 0.0, means / np.sqrt(shrunken / n))
    least = df[pairs].min()
    residual = least if count < _MODERATE_FROM else (count - 1) * least / 2
    return _Statistics(t=t, df=np.maximum(np.minimum(prior_df + least, residual), least))


def _some_pairs(pairs: Flags) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each pair once, as (rows, columns); of very many a part, which is enough to fit two numbers."""
    one, other = np.nonzero(np.triu(pairs))
    step = math.ceil(len(one) / _FITTED_PAIRS)
    return one[::step], other[::step]


def _differences(filled: Floats, known: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of first minus second over the replicates that both have, (studies, k, k) each.

    Args:
        filled: (studies, configurations, replicates), zero where nothing is known.
        known: (configurations, replicates): 1 where something is.
        n: (configurations, configurations), how many replicates two have in common.
    """
    sums, squares = filled @ known.T, filled**2 @ known.T
    total = sums - sums.transpose(0, 2, 1)
    square = squares + squares.transpose(0, 2, 1) - 2 * filled @ filled.transpose(0, 2, 1)
    means = total / np.maximum(n, 1)
    return means, np.maximum(square - total * means, 0.0) / np.maximum(n - 1, 1)


def _null_statistics(scores: Floats) -> Iterator[Floats]:
    """The statistics of studies whose configurations are all equal and spread as these, (some, k, k) at a time."""
    rng = np.random.default_rng(_SEED)
    seen, count = spreads(scores), len(scores)
    trusted = seen.prior.df * (_TRUST if count >= _MODERATE_FROM else 0)
    total = trusted + seen.df
    scale = trusted * seen.prior.variance + seen.df * seen.variances
    left = max(_LEAST_SIMULATIONS, min(_SIMULATIONS, _MOST_NUMBERS // count**2))
    while left > 0:
        some = min(left, max(1, _NUMBERS_AT_ONCE // count**2))
        left -= some
        drawn = scale / rng.chisquare(np.maximum(total, 1), (some, count))
        noise = rng.standard_normal((some, *scores.shape)) * np.sqrt(drawn)[:, :, np.newaxis]
        yield _statistics(np.where(np.isfinite(scores), noise, math.nan)).t


def _t_quantile(probability: float, df: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(probability, df))
