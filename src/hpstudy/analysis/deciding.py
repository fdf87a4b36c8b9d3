"""How many replicates decide a comparison: power of paired t-tests with the noncentral t (Cohen 1988). Pure."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from hpstudy.analysis.statistics import ALPHA, CONFIDENCE, MIN_REPLICATES

POWER = 0.8  # with which a number of replicates decides (Cohen 1988)
MOST_REPLICATES = 1000  # beyond that the advice is "more than"
_CERTAIN = 8.0  # standard errors beyond the critical value, where the noncentral t overflows


def replicates_to_differ(difference: float, sd: float, comparisons: int) -> int | None:
    """Replicates with which a two-sided paired t-test finds a difference of this size, with 80 % power.

    Args:
        sd: Standard deviation of the paired differences.
        comparisons: The number of tests by which α is divided (Bonferroni), which errs on the safe side of Holm.

    Returns:
        None: more than `MOST_REPLICATES`.
    """
    if difference == 0:
        return None
    if sd == 0:
        return MIN_REPLICATES
    effect, alpha = abs(difference) / sd, ALPHA / comparisons

    def power(n: int) -> float:
        critical, shift = _critical(1 - alpha / 2, n - 1), effect * math.sqrt(n)
        return _beyond(critical, n - 1, shift) + _beyond(critical, n - 1, -shift)

    return _least(lambda n: power(n) >= POWER)


def replicates_to_decide(behind: float, sd: float, practical: float, rivals: int) -> int | None:
    """Replicates after which a configuration is found to be worse than the best one, or as good in practice.

    As if the differences were those that were seen: an estimate from few replicates.

    Args:
        behind: How much worse than the best one it is, 0 or more.
        sd: Standard deviation of the paired differences to the best one.
        practical: The difference that matters in practice.
        rivals: Configurations that may be better than it.

    Returns:
        All replicates, those at hand included; None: more than `MOST_REPLICATES`.
    """
    if sd == 0:
        return MIN_REPLICATES if behind != practical else None

    def is_decided(n: int) -> bool:
        worse = _beyond(_critical(1 - ALPHA / max(rivals, 1), n - 1), n - 1, behind * math.sqrt(n) / sd)
        margin = (practical - behind) * math.sqrt(n) / sd
        return max(worse, _beyond(_critical(CONFIDENCE, n - 1), n - 1, margin)) >= POWER

    return _least(is_decided)


def _least(is_enough: Callable[[int], bool]) -> int | None:
    """The smallest number of replicates that is enough: more are, too."""
    high = MIN_REPLICATES
    while not is_enough(high):
        if high > MOST_REPLICATES:
            return None
        high *= 2
    low = max(high // 2, MIN_REPLICATES - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high if high <= MOST_REPLICATES else None


@functools.lru_cache(maxsize=4096)
def _critical(probability: float, df: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(probability, df))


def _beyond(critical: float, df: int, shift: float) -> float:
    """The probability that a t statistic whose difference is `shift` standard errors lies above a critical value."""
    from scipy import stats

    if shift - critical > _CERTAIN * max(1.0, critical / 3):
        return 1.0
    found = float(stats.nct.sf(critical, df, shift))
    return found if math.isfinite(found) else float(stats.norm.sf(critical - shift))
