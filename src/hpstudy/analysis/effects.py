"""The effect of each factor of a grid: means by level, differences on the same replicates, and how certain they are."""

from __future__ import annotations

import ast
import contextlib
import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.candidates import FAMILY_ERROR
from hpstudy.analysis.cells import FactorValues, GridValues, cells_of, factor_values
from hpstudy.analysis.deciding import replicates_to_differ
from hpstudy.analysis.ranking import interval_of, practical_of
from hpstudy.analysis.standings import Verdict, standings
from hpstudy.analysis.statistics import Difference, Interval
from hpstudy.errors import UserError
from hpstudy.study.domains import Choice, Domain, domain_text, level_of
from hpstudy.study.factors import Level, unknown
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class LevelEffect:
    """One level of a factor beside the others."""

    level: str
    rank: int  # 1 is best
    mean: Interval  # of the objective, over replicates; 95 %, for new data
    at_best: float  # mean of its best cell: with the other factors as suits this level most
    verdict: Verdict  # beside the best level
    p_best: float  # probability of being the best; NaN where nothing was repeated
    worse_on_new_data: bool  # than the best level; False where nothing is claimed of new data
    difference: Difference | None  # to the reference; None for the reference itself
    p: float | None  # of the difference to a baseline, corrected (Holm); None where none was named
    needed: int | None  # replicates that would decide it, or show the difference to the baseline; None: too many

    @property
    def is_distinct(self) -> bool:
        """Whether it is told from the baseline."""
        if self.difference and self.difference.is_constant:
            return True
        return self.p is not None and self.p < statistics.ALPHA


@dataclass(frozen=True, kw_only=True)
class FactorEffect:
    """All levels of a factor, best first."""

    factor: str
    values: FactorValues
    levels: tuple[LevelEffect, ...]
    reference: str  # the best level, or the baseline
    is_baseline: bool  # the user named the reference beforehand
    practical: float  # the difference that matters in practice
    p_any: float | None  # p-value for whether the levels differ at all

    def of(self, level: str) -> LevelEffect:
        return next(effect for effect in self.levels if effect.level == level)

    @property
    def best(self) -> LevelEffect:
        return self.levels[0]


def factor_effects(grid: GridValues, baseline: Sequence[str] = (), looks: int = 1) -> list[FactorEffect]:
    """The effects of every factor that has two levels to compare.

    Args:
        baseline: Levels to compare with instead of the best one, as `adam` or `optimizer=adam`.
        looks: As `ranked_cells` takes it.

    Raises:
        UserError: a baseline is not a level of the study, or is a level of several factors.
    """
    references = baselines(grid.study, baseline)
    compared = (factor_values(grid, factor) for factor in grid.study.vary)
    return [_effect(grid, values, references.get(values.factor), FAMILY_ERROR / looks) for values in compared if values]


def baselines(study: Study, given: Sequence[str]) -> dict[str, str]:
    """Factor → its baseline level."""
    found: dict[str, str] = {}
    for text in given:
        owners = {factor: level for factor in study.vary for level in _meant(study, factor, text)}
        if not owners:
            raise UserError(unknown("baseline", text, _legal(study, with_names="=" in text)))
        if len(owners) > 1:
            first, level = next(iter(owners.items()))
            raise UserError(f"Baseline {text!r} is a level of {' and '.join(owners)}. Write {first}={level}.")
        found |= owners
    return found


def _meant(study: Study, factor: str, text: str) -> list[str]:
    """The level of a factor that `adam` or `optimizer=adam` names, as text; empty if it names no such level."""
    domain, written = study.vary[factor], functools.partial(study.texts.text, factor)
    for word in (text, text.removeprefix(f"{factor}=")):
        levels = domain.levels if isinstance(domain, Choice) else ()
        as_written = [level for level in levels if written(level) == word]
        for level in as_written or itertools.chain.from_iterable(_understood(factor, domain, word)):
            return [written(level)]
    return []


def _understood(factor: str, domain: Domain, word: str) -> Iterator[tuple[Level, ...]]:
    """The levels that a word can mean: text, or a number, True, False or None."""
    yield from _looked_up(factor, domain, word)
    with contextlib.suppress(ValueError, SyntaxError):
        yield from _looked_up(factor, domain, ast.literal_eval(word))


def _looked_up(factor: str, domain: Domain, level: Any) -> Iterator[tuple[Level, ...]]:
    with contextlib.suppress(UserError):
        yield level_of(factor, domain, level)


def _legal(study: Study, *, with_names: bool) -> Iterator[str]:
    for factor, domain in study.vary.items():
        if isinstance(domain, Choice):
            for level in domain.levels:
                yield study.texts.pair(factor, level) if with_names else study.texts.text(factor, level)
        else:
            yield f"{factor}={domain_text(factor, domain, study.texts)}"


def _effect(grid: GridValues, values: FactorValues, baseline: str | None, error: float) -> FactorEffect:
    sign = grid.study.objectives[0].sign
    bounds = statistics.bounds_of(grid.study.objectives[0].metric)
    means = values.values.mean(axis=1)
    order = [int(place) for place in np.argsort(-sign * means, kind="stable")]
    named = baseline in values.levels
    reference = values.levels.index(baseline) if named and baseline else order[0]
    differences = [
        None if place == reference else statistics.paired_difference(row, values.values[reference], bounds)
        for place, row in enumerate(values.values)
    ]
    practical = practical_of(grid.study, values.values)
    ratio = grid.study.validation_ratio
    found = standings(sign * values.values, practical, error=error, new_data_ratio=ratio)
    p_values = _baseline_p(differences) if named else [None] * len(differences)
    levels = [
        LevelEffect(
            level=values.levels[place],
            rank=rank,
            mean=interval_of(found, place, sign, bounds),
            at_best=_at_best(grid, values, values.levels[place]),
            verdict=found.verdicts[place],
            p_best=float(found.p_best[place]),
            worse_on_new_data=bool(found.worse_on_new_data[place]),
            difference=differences[place],
            p=p_values[place],
            needed=_needed(differences[place], len(differences) - 1) if named else found.needed[place],
        )
        for rank, place in enumerate(order, start=1)
    ]
    return FactorEffect(
        factor=values.factor,
        values=values,
        levels=tuple(levels),
        reference=values.levels[reference],
        is_baseline=named,
        practical=practical,
        p_any=statistics.any_effect_p(values.values),
    )


def _baseline_p(differences: Sequence[Difference | None]) -> list[float | None]:
    return statistics.holm([difference.p if difference else None for difference in differences])


def _needed(difference: Difference | None, comparisons: int) -> int | None:
    if difference is None or difference.sd is None:
        return None
    return replicates_to_differ(difference.interval.mean, difference.sd, comparisons)


def _at_best(grid: GridValues, values: FactorValues, level: str) -> float:
    sign = grid.study.objectives[0].sign
    numbers = itertools.chain.from_iterable(cells_of(grid, values.factor)[level].values())
    means = grid.values[np.ix_(list(numbers), values.replicates)].mean(axis=1)
    return float(sign * np.nanmax(sign * means))
