"""How much scores spread: variances that are estimated from few replicates, shrunken towards what they have in common.

Three replicates say little of one variance, and many configurations say much of what their variances have in common.
So each keeps its own, moderated by a prior that is fitted to all (Smyth 2004, "Linear models and empirical Bayes
methods for assessing differential expression", Statistical Applications in Genetics and Molecular Biology 3). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.statistics import Flags, Floats

NO_SPREAD = 1e-9  # of the scale of the scores: what is left of sums that cancel


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What variances have in common: a scaled inverse χ² (Smyth 2004). No degrees of freedom: nothing."""

    df: float
    variance: float


@dataclass(frozen=True, kw_only=True)
class Spreads:
    """The variance of each configuration's scores, without what all share in a replicate."""

    variances: Floats  # (configurations,); those without any spread have the prior's
    df: Floats  # (configurations,), of each own estimate; 0: a single score
    prior: Prior


def spreads(scores: Floats) -> Spreads:
    """The spread of each configuration.

    The mean square of a configuration's residuals from an additive table estimates its own variance with a share of
    all others' (Grubbs 1948); a quarter of it is left where the correction would take all.

    Args:
        scores: (configurations, replicates); NaN where there is none. Each configuration has one.
    """
    count = len(scores)
    n = np.isfinite(scores).sum(axis=1)
    df = (n - 1).astype(float)
    residuals = _residuals(scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.where(df > 0, np.nansum(residuals**2, axis=1) / df, 0.0)
    if count > 2:
        total = square.sum() * count / (count - 1)
        variances = np.maximum((square - total / count**2) / (1 - 2 / count), square / 4)
    else:
        variances = np.full(count, square.mean() * 2 if count == 1 else square.sum())
    floor = (NO_SPREAD * np.nanmax(np.abs(scores))) ** 2
    known = (df > 0) & (variances > floor)
    prior_df, prior_variance = fitted_priors(variances[np.newaxis], np.maximum(df, 1), known[np.newaxis])
    return Spreads(
        variances=np.where(known, variances, prior_variance[0]),
        df=df,
        prior=Prior(df=float(prior_df[0]), variance=float(prior_variance[0])),
    )


def additive_means(scores: Floats) -> Floats:
    """The mean of each configuration, the effects of replicates taken out by least squares where some are missing.

    Args:
        scores: As of `spreads`.
    """
    known = np.isfinite(scores)
    if known.all() or len(scores) == 1:
        return np.asarray(np.nanmean(scores, axis=1))
    row, column = np.nonzero(known)
    count, replicates = scores.shape
    design = np.zeros((len(row), count + replicates))
    design[np.arange(len(row)), row] = 1
    design[np.arange(len(row)), count + column] = 1
    solution = np.linalg.lstsq(design, scores[known], rcond=None)[0]
    effects = solution[count:]
    means: Floats = solution[:count] + effects[known.any(axis=0)].mean()
    return means


def moderated(variances: Floats, df: Floats, prior_df: Floats, prior_variance: Floats) -> Floats:
    """Each variance between its own estimate and the prior's, by their degrees of freedom (Smyth 2004, equation 3)."""
    shape = (-1, *[1] * (variances.ndim - 1))
    own = prior_df.reshape(shape)
    return (own * prior_variance.reshape(shape) + df * variances) / (own + df)


def fitted_priors(variances: Floats, df: Floats, known: Flags) -> tuple[Floats, Floats]:
    """The prior of each study's variances by the moments of their logarithms (Smyth 2004, section 6.2).

    Args:
        variances: (studies, variances).
        df: (variances,), their degrees of freedom.
        known: (studies, variances); the others have no spread and do not enter.

    Returns:
        Degrees of freedom and variance of the prior, (studies,); 0 and the mean variance where fewer than two enter.
    """
    from scipy.special import digamma, polygamma

    entering = np.maximum(known.sum(axis=-1), 1)
    logs = np.log(np.where(known, variances, 1.0)) - digamma(df / 2) + np.log(df / 2)
    mean = np.where(known, logs, 0.0).sum(axis=-1) / entering
    squares = np.where(known, (logs - mean[:, np.newaxis]) ** 2, 0.0).sum(axis=-1) / np.maximum(entering - 1, 1)
    sampling = np.where(known, polygamma(1, df / 2), 0.0).sum(axis=-1) / entering
    half = _trigamma_inverse(np.maximum(squares - sampling, 1e-6))
    variance = np.exp(mean + digamma(half) - np.log(half))
    enough = known.sum(axis=-1) >= 2
    plain = np.where(known, variances, 0.0).sum(axis=-1) / entering
    return np.where(enough, 2 * half, 0.0), np.where(enough, variance, plain)


def _residuals(scores: Floats) -> Floats:
    """Of the additive table of configurations and replicates; of one configuration, from its mean."""
    if len(scores) == 1:
        return np.asarray(scores - np.nanmean(scores))
    fitted = additive_means(scores)[:, np.newaxis]
    left = scores - fitted
    with np.errstate(invalid="ignore"):
        effects = np.nanmean(np.where(np.isfinite(left).sum(axis=0) > 0, left, 0.0), axis=0)
    residuals: Floats = left - effects
    return residuals


def _trigamma_inverse(values: Floats) -> Floats:
    """Newton's method from a start that makes it converge monotonically (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    found = 0.5 + 1 / values
    for _ in range(50):
        trigamma = polygamma(1, found)
        step = trigamma * (1 - trigamma / values) / polygamma(2, found)
        found = found + step
        if np.all(-step / found < 1e-8):
            break
    return found
