"""The statistical methods of the report, each by its library and with its source. Pure: arrays in, numbers out.

The unit of replication is the replicate, not the trial: replicate r has one seed and one split in every cell,
so two levels are compared replicate by replicate (paired), and the degrees of freedom come from replicates alone.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpstudy.study.metrics import BOUNDS

CONFIDENCE = 0.95  # of every interval
ALPHA = 0.05  # the level below which a difference counts as distinguishable
MIN_REPLICATES = 3  # for a p-value; two have one degree of freedom, and a t-test of them finds nothing

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Bounds: TypeAlias = tuple[float, float]
ANYWHERE: Bounds = (-math.inf, math.inf)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over replicates with its interval; a single value has no interval."""

    mean: float
    low: float | None
    high: float | None
    n: int  # replicates

    @property
    def half_width(self) -> float | None:
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def arms(self) -> tuple[float, float] | None:
        """How far it reaches below and above the mean. The two differ if it ends at a bound of the metric."""
        if self.low is None or self.high is None:
            return None
        return max(0.0, self.mean - self.low), max(0.0, self.high - self.mean)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One level minus another on the same replicates."""

    interval: Interval
    sd: float | None  # of the differences
    p: float | None  # two-sided, not corrected; None: too few replicates, or differences without any spread
    effect: float | None  # Hedges' g of the paired differences

    @property
    def is_constant(self) -> bool:
        """Whether all of several replicates have the same difference, not zero: certain without a test."""
        return self.sd == 0 and self.interval.mean != 0 and self.interval.n >= MIN_REPLICATES


def bounds_of(metric: str) -> Bounds:
    """The bounds of a metric, such as 0 and 1 for any accuracy."""
    return BOUNDS.get(metric.removeprefix("val_").removeprefix("test_"), ANYWHERE)


def t_interval(values: Floats, bounds: Bounds = ANYWHERE) -> tuple[Floats, Floats, Floats]:
    """Mean, lower and upper end of the t-interval over the last axis (Student 1908), within the bounds.

    Args:
        values: (…, n) with n ≥ 2.
    """
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    half = _t_quantile(n - 1) * values.std(axis=-1, ddof=1) / math.sqrt(n)
    return mean, *_within(mean - half, mean + half, values, bounds)


def _within(low: Floats, high: Floats, values: Floats, bounds: Bounds) -> tuple[Floats, Floats]:
    """The ends of an interval, limited to the metric's bounds; a value beyond a bound extends that bound."""
    lowest, highest = np.fmin(bounds[0], values.min(axis=-1)), np.fmax(bounds[1], values.max(axis=-1))
    return np.maximum(low, lowest), np.minimum(high, highest)


@functools.cache
def _t_quantile(df: int) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + CONFIDENCE) / 2, df))


def paired_p(differences: Floats) -> Floats:
    """Two-sided p-values of the paired t-test over the last axis: SciPy's `ttest_1samp` (Student 1908).

    NaN where all differences are the same, for which the test is not defined; 1 where they are all zero.
    """
    from scipy import stats

    flat, is_zero = _flat(differences), np.all(differences == 0, axis=-1)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy warns of the flat ones, which are replaced
        p = np.asarray(stats.ttest_1samp(differences, 0.0, axis=-1).pvalue)
    return np.where(flat, np.where(is_zero, 1.0, np.nan), p)


def _flat(differences: Floats) -> Flags:
    """Where all differences are the same, apart from the rounding of sums."""
    scale = np.abs(differences).max(axis=-1)
    flat: Flags = np.ptp(differences, axis=-1) <= 1e-12 * np.maximum(scale, 1e-300)
    return flat


def interval(values: Sequence[float] | Floats, bounds: Bounds = ANYWHERE) -> Interval:
    """Mean and 95 % t-interval of values, one per replicate.

    Args:
        bounds: The metric's bounds, at which the interval ends.
    """
    array = np.asarray(values, float)
    if len(array) < 2:
        return Interval(mean=float(array.mean()), low=None, high=None, n=len(array))
    mean, low, high = t_interval(array, bounds)
    return Interval(mean=float(mean), low=float(low), high=float(high), n=len(array))


def prediction_interval(values: Sequence[float] | Floats, bounds: Bounds = ANYWHERE) -> tuple[float, float] | None:
    """Where one more value of the same kind would lie, in 95 % of cases: mean ± t · s · √(1 + 1/n).

    Hahn & Meeker 1991, "Statistical Intervals", for one future observation of a normal distribution. None for a
    single value, which says nothing about its spread.
    """
    array = np.asarray(values, float)
    n = len(array)
    if n < 2:
        return None
    half = _t_quantile(n - 1) * float(array.std(ddof=1)) * math.sqrt(1 + 1 / n)
    low, high = _within(array.mean() - half, array.mean() + half, array, bounds)
    return float(low), float(high)


def paired_difference(one: Floats, other: Floats, bounds: Bounds = ANYWHERE) -> Difference:
    """`one` minus `other`, both (replicates,), with interval, p-value and effect size.

    The effect size is the mean difference in standard deviations of the differences (Cohen 1988, d_z) with
    the correction for small samples 1 - 3 / (4 df - 1) (Hedges 1981).

    Args:
        bounds: The metric's bounds; two accuracies differ by at most 1.
    """
    differences = np.asarray(one, float) - np.asarray(other, float)
    found = interval(differences, (bounds[0] - bounds[1], bounds[1] - bounds[0]))
    n = len(differences)
    if n < 2:
        return Difference(interval=found, sd=None, p=None, effect=None)
    sd = 0.0 if _flat(differences) else float(differences.std(ddof=1))
    p = float(paired_p(differences)) if n >= MIN_REPLICATES else math.nan
    defined = n >= MIN_REPLICATES and sd > 0 and not math.isnan(p)
    effect = float(differences.mean()) / sd * (1 - 3 / (4 * (n - 1) - 1)) if defined else None
    return Difference(interval=found, sd=sd, p=None if math.isnan(p) else p, effect=effect)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number: statsmodels' `multipletests` (Holm 1979). None stays None."""
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    if not known:
        return list(p_values)
    corrected = iter(multipletests(known, alpha=ALPHA, method="holm")[1].tolist())
    return [None if p is None else next(corrected) for p in p_values]


def any_effect_p(values: Floats) -> float | None:
    """Whether the levels differ at all: the F-test within replicates (Fisher 1925), statsmodels' `AnovaRM`.

    It assumes that all pairs of levels differ with the same variance (sphericity).

    Args:
        values: (levels, replicates), complete.

    Returns:
        The p-value; None with fewer than two levels, too few replicates, or no variation within replicates.
    """
    levels, replicates = values.shape
    residual = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    if levels < 2 or replicates < MIN_REPLICATES or np.abs(residual).max() <= 1e-12 * max(np.abs(values).max(), 1e-300):
        return None
    import pandas as pd
    from statsmodels.stats.anova import AnovaRM

    level, replicate = np.indices(values.shape)
    frame = pd.DataFrame({"level": level.ravel(), "replicate": replicate.ravel(), "value": values.ravel()})
    table = AnovaRM(frame, "value", "replicate", within=["level"]).fit().anova_table
    return float(table["Pr > F"].iloc[0])
