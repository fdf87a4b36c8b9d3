"""What can be said of each of several configurations: the answer of a study, as numbers. Pure.

Two questions are kept apart. "Trained again on these data": `may_be_best`, `p_best`, `regret` and `equivalent`. "On new
data of this kind": the interval of a mean, if the share of the split is given. Replicates share rows, so their spread
alone claims too much (Nadeau & Bengio 2003, "Inference for the generalization error", Machine Learning 52).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from hpstudy.analysis.candidates import FAMILY_ERROR, may_be_best
from hpstudy.analysis.deciding import replicates_to_decide
from hpstudy.analysis.posterior import drawn_means
from hpstudy.analysis.spreads import additive_means, spreads
from hpstudy.analysis.statistics import CONFIDENCE, MIN_REPLICATES, Flags, Floats

PRACTICAL_SHARE = 0.005  # of scores that lie within 0 and 1: what matters in practice, unless somebody says otherwise
PRACTICAL_PART = 0.01  # of the best mean, of other scores


class Verdict(StrEnum):
    EQUIVALENT = "equivalent"  # lies within `practical` of the best one, with a probability of at least 0.95
    WORSE = "worse"  # ruled out: another one is better
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Standings:
    """Arrays of (configurations,), in the order in which they were given; scores such that more is better."""

    means: Floats  # of what there is of each
    low: Floats  # 95 % t-interval of the mean (Student 1908); NaN for a single score
    high: Floats
    n: Floats  # replicates
    may_be_best: Flags  # not ruled out, with a family error of 5 %
    p_best: Floats  # probability of having the best mean; NaN where no score was repeated
    regret: Floats  # how much worse than the best one it is expected to be
    equivalent: Floats  # probability of lying within `practical` of the best one
    worse_on_new_data: Flags  # is worse, on new data too by the corrected t-test; False where nothing is claimed of it
    verdicts: tuple[Verdict, ...]
    needed: tuple[int | None, ...]  # replicates that would decide it; None: decided, or more than we advise
    practical: float

    @property
    def order(self) -> list[int]:
        """The best first; of equal ones the first."""
        return [int(place) for place in np.argsort(-self.means, kind="stable")]

    @property
    def best(self) -> int:
        return self.order[0]

    def sorted(self) -> Standings:
        """The same, the best first."""
        order = self.order
        sorted_: dict[str, Any] = {
            name: values[order] if isinstance(values, np.ndarray) else tuple(values[place] for place in order)
            for name, values in vars(self).items()
            if name != "practical"
        }
        return replace(self, **sorted_)


def standings(
    scores: Floats,
    practical: float,
    *,
    error: float = FAMILY_ERROR,
    new_data_ratio: float = 0.0,
    ruled_out: Flags | None = None,
) -> Standings:
    """Assess each configuration.

    Args:
        scores: (configurations, replicates), more is better; NaN where there is none. Each configuration has one.
        practical: The difference that matters in practice.
        error: With which the best one may be ruled out.
        new_data_ratio: Validation rows by training rows, for intervals on new data; 0: on these data.
        ruled_out: (configurations,): those that an earlier look ruled out. They stay out, and are not compared with.
    """
    inside = np.ones(len(scores), bool) if ruled_out is None else ~ruled_out
    candidates = inside.copy()
    candidates[inside] = may_be_best(scores[inside], error)
    means = np.nanmean(scores, axis=1)
    drawn = drawn_means(scores, candidates)
    nothing = np.full(len(scores), math.nan)
    short = None if drawn is None else drawn.max(axis=0) - drawn
    equivalent = nothing if short is None else (short <= practical).mean(axis=1)
    verdicts = tuple(_verdict(e, bool(c)) for e, c in zip(equivalent, candidates, strict=True))
    low, high = _intervals(scores, means, new_data_ratio)
    apart = _apart_on_new_data(scores, int(np.argmax(means)), new_data_ratio)
    return Standings(
        means=means,
        low=low,
        high=high,
        n=np.isfinite(scores).sum(axis=1),
        may_be_best=candidates,
        p_best=nothing if short is None else _shares(short == 0),
        regret=nothing if short is None else short.mean(axis=1),
        equivalent=equivalent,
        worse_on_new_data=apart & np.array([verdict == Verdict.WORSE for verdict in verdicts]),
        verdicts=verdicts,
        needed=_needed(scores, candidates, verdicts, practical),
        practical=practical,
    )


def default_practical(values: Floats, sign: int) -> float:
    """0.005 for values within 0 and 1, else one per cent of the best mean.

    Args:
        values: (configurations, replicates) as they were measured; NaN where there is none.
        sign: 1 if more is better, else -1.
    """
    if np.nanmin(values) >= 0 and np.nanmax(values) <= 1:
        return PRACTICAL_SHARE
    return PRACTICAL_PART * abs(float((sign * np.nanmean(values, axis=1)).max()))


def _shares(first: Flags) -> Floats:
    """How often each is first, (configurations,); those that are equal share it.

    Args:
        first: (configurations, draws).
    """
    shares: Floats = (first / first.sum(axis=0)).mean(axis=1)
    return shares


def _verdict(equivalent: float, is_candidate: bool) -> Verdict:
    if equivalent >= CONFIDENCE:
        return Verdict.EQUIVALENT
    return Verdict.UNDECIDED if is_candidate else Verdict.WORSE


def _intervals(scores: Floats, means: Floats, new_data_ratio: float) -> tuple[Floats, Floats]:
    """The spread of the scores themselves: the effects of replicates belong to the mean of a configuration."""
    from scipy import stats

    n = np.isfinite(scores).sum(axis=1)
    half = np.full(len(scores), math.nan)
    several = n > 1
    if several.any():
        variances, counts = np.nanvar(scores[several], axis=1, ddof=1), n[several]
        quantiles = stats.t.ppf((1 + CONFIDENCE) / 2, counts - 1)
        half[several] = quantiles * np.sqrt(variances * (1 / counts + new_data_ratio))
    return means - half, means + half


def _apart_on_new_data(scores: Floats, best: int, new_data_ratio: float) -> Flags:
    """Whether each differs from the best one by the corrected resampled t-test, two-sided at 5 %.

    Nadeau & Bengio 2003: the variance of a mean difference over n replicates is s² · (1/n + ratio).
    """
    if not new_data_ratio:
        return np.zeros(len(scores), bool)
    behind = scores[best] - scores
    means, n = np.nanmean(behind, axis=1), np.isfinite(behind).sum(axis=1)
    low, _ = _intervals(behind, means, new_data_ratio)
    apart: Flags = (n >= MIN_REPLICATES) & (low > 0)
    return apart


def _needed(scores: Floats, candidates: Flags, verdicts: Sequence[Verdict], practical: float) -> tuple[int | None, ...]:
    means, seen = additive_means(scores), spreads(scores)
    best, rivals = int(means.argmax()), int(candidates.sum()) - 1
    if not (seen.df > 0).any():
        return (None,) * len(verdicts)
    total = np.maximum(seen.prior.df + seen.df, 1)
    variances = (seen.prior.df * seen.prior.variance + seen.df * seen.variances) / total
    return tuple(
        replicates_to_decide(
            float(means[best] - means[place]),
            math.sqrt(variances[best] + variances[place]),
            practical,
            rivals,
        )
        if verdict == Verdict.UNDECIDED and place != best
        else None
        for place, verdict in enumerate(verdicts)
    )
