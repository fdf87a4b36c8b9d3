"""How sure one can be of each configuration: draws of what their true means may be.

The best of many that are nearly equal looks better than it is. So the means of the candidates, those not ruled out,
have a common normal prior whose mean and spread are drawn, too (Gelman et al. 2013, "Bayesian Data Analysis", section
5.4); the others, which are far away, have a flat one. Variances are drawn as `spreads` has them.
"""

from __future__ import annotations

import math

import numpy as np

from hpstudy.analysis.spreads import NO_SPREAD, additive_means, spreads
from hpstudy.analysis.statistics import Flags, Floats

_VARIANCE_DRAWS, _MEAN_DRAWS = 200, 100  # of variances, and of means given each
_SPREADS = 60  # values at which the spread of the true means is evaluated
_MODERATE_FROM = 3  # the fewest candidates from which the spread of true means is estimated
_SEED = 0


def drawn_means(scores: Floats, candidates: Flags) -> Floats | None:
    """Draws of the true means.

    Args:
        scores: (configurations, replicates); NaN where there is none. Each configuration has one.
        candidates: (configurations,): those that may be the best.

    Returns:
        (configurations, draws); None if no score was repeated.
    """
    seen, means = spreads(scores), additive_means(scores)
    if not (seen.df > 0).any():
        return None
    rng = np.random.default_rng(_SEED)
    n = np.isfinite(scores).sum(axis=1)
    df, prior = seen.df, seen.prior
    total = np.where(prior.df > 0, prior.df + df, np.maximum(df, 1))
    scale = prior.df * prior.variance + np.where(df > 0, df * seen.variances, 0.0)
    least = max((NO_SPREAD * np.nanmax(np.abs(scores))) ** 2, np.finfo(float).tiny)  # equal ones share the first place
    errors = (np.maximum(scale / rng.chisquare(total) / n, least) for _ in range(_VARIANCE_DRAWS))
    return np.concatenate([_drawn(rng, means, squares, candidates) for squares in errors], axis=1)


def _drawn(rng: np.random.Generator, means: Floats, errors: Floats, candidates: Flags) -> Floats:
    """Given the squared standard error of each mean: (configurations, draws)."""
    draws = rng.standard_normal((len(means), _MEAN_DRAWS)) * np.sqrt(errors)[:, np.newaxis] + means[:, np.newaxis]
    if candidates.sum() < _MODERATE_FROM:
        return draws
    y, e = means[candidates], errors[candidates]
    spread = np.ptp(y) + math.sqrt(float(e.mean()))
    grid = np.linspace(0.0, 2 * spread, _SPREADS) ** 2
    weights = 1 / (grid[:, np.newaxis] + e)
    centres = (weights * y).sum(axis=1) / weights.sum(axis=1)
    logs = 0.5 * (
        np.log(weights).sum(axis=1)
        - (weights * (y - centres[:, np.newaxis]) ** 2).sum(axis=1)
        - np.log(weights.sum(axis=1))
    )
    chosen = rng.choice(_SPREADS, _MEAN_DRAWS, p=np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum())
    between, precision = grid[chosen], weights[chosen].sum(axis=1)
    centre = centres[chosen] + rng.standard_normal(_MEAN_DRAWS) / np.sqrt(precision)
    share = between / (between + e[:, np.newaxis])  # of the way from the centre to its own mean
    mean = centre + share * (y[:, np.newaxis] - centre)
    draws[candidates] = mean + rng.standard_normal(mean.shape) * np.sqrt(share * e[:, np.newaxis])
    return draws
