"""Check what a study says about its factors, and bring it to one form.

A recorded declaration keeps its meaning: a check that came later applies only to new declarations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.catalog import DatasetInfo
from hpstudy.study.domains import Choice, Domain, Float, Int, level_of
from hpstudy.study.factors import Level
from hpstudy.study.levels import plain
from hpstudy.study.metrics import METRICS, METRICS_OF, SHOWN
from hpstudy.study.task import Task

_RESERVED = ("replicate",)  # not for a factor: it names another source of variance in the report
_MOST_LETTERS = 250  # in a factor's name: trackers take no longer ones
_LARGEST = 2**53  # largest whole number: Optuna keeps numbers as floats, which are exact up to here
_MOST_LISTED = 1_000_000  # levels of a range: sampler "gp" makes a list of them


def checked_base(dataset: DatasetInfo, base: Mapping[str, Level], *, recorded: bool) -> Mapping[str, Level]:
    """What all trials share, in normal form. Raises UserError for an unknown factor or level, or one that varies."""
    if not isinstance(base, Mapping):
        raise UserError(f"base must be a dict of factor=level, such as dict(depth=1); it is {base!r}.")
    for name, level in base.items():
        factors.check_applies(dataset, name)
        if isinstance(level, Choice | Float | Int):
            raise UserError(f"Factor {name!r} varies, so it belongs in vary=dict(…), not in base.")
        if not recorded:
            _check_name(name)
    checked = {name: factors.check_level(name, plain(level)) for name, level in base.items()}
    for name, level in checked.items():
        try:
            json.dumps(level)
        except (TypeError, ValueError):
            raise UserError(
                f"Factor {name!r}: a level is a text, a number, True, False or None; it is {level!r} "
                f"({type(level).__name__})."
            ) from None
    return MappingProxyType(checked)


def checked_vary(
    dataset: DatasetInfo, vary: Mapping[str, Domain], base: Mapping[str, Level], *, recorded: bool
) -> Mapping[str, Domain]:
    """What varies, with levels in normal form. Raises UserError for an unknown factor or level or a wrong condition."""
    return MappingProxyType(_checked_domains(dataset, "vary", vary, {}, base, recorded=recorded))


def checked_shows(shows: Sequence[str], task: Task, *, has_cells: bool) -> tuple[str, ...]:
    """What the findings also answer, by the names of the report.

    Raises:
        UserError: a trial of this task has no such number, or the design compares no configurations.
    """
    names = tuple(plain((shows,) if isinstance(shows, str) else shows))
    legal = [name for name in SHOWN if name in METRICS_OF[task] or name not in METRICS]
    for name in names:
        if name not in legal:
            raise UserError(factors.unknown("number to show", name, legal))
    if names and not has_cells:
        raise UserError("Study(shows=…) is for Grid(…) and Compare(…), whose configurations are compared.")
    return names


def checked_given_factors(given: Sequence[str], vary: Mapping[str, Domain], *, can_be: bool) -> tuple[str, ...]:
    """Factors that are circumstances, not choices.

    Args:
        can_be: Whether the design can have any.

    Raises:
        UserError: one does not vary, or the design cannot have any.
    """
    names = tuple(plain((given,) if isinstance(given, str) else given))
    for name in names:
        if name not in vary:
            raise UserError(factors.unknown("given factor", name, vary))
    if names and not can_be:
        raise UserError(
            f"Factor {names[0]!r} cannot be given in this design, which looks for one best configuration. Take "
            "Grid(replicates=…) with a number, or Compare(…)."
        )
    if names and len(set(names)) == len(vary):
        raise UserError(f"Every factor that varies is given ({', '.join(names)}), so there is nothing to compare.")
    return names


def checked_tune(
    dataset: DatasetInfo,
    tune: Mapping[str, Domain],
    vary: Mapping[str, Domain],
    base: Mapping[str, Level],
    *,
    recorded: bool,
) -> Mapping[str, Domain]:
    """What is tuned for each cell, with levels in normal form. A condition may name a factor of `vary`.

    Raises:
        UserError: as in `checked_vary`, or a factor is also in `vary`.
    """
    checked = _checked_domains(dataset, "tune", tune, vary, base, recorded=recorded)
    return MappingProxyType({name: checked[name] for name in tune})


def _checked_domains(
    dataset: DatasetInfo,
    place: str,
    domains: Mapping[str, Domain],
    earlier: Mapping[str, Domain],
    base: Mapping[str, Level],
    *,
    recorded: bool,
) -> dict[str, Domain]:
    """The earlier factors, followed by these.

    Args:
        place: The argument of Study that contains these.
    """
    if not isinstance(domains, Mapping):
        raise UserError(f"{place} must be a dict of factor=Choice(…), Float(…) or Int(…); it is {domains!r}.")
    checked = dict(earlier)
    for name, domain in domains.items():
        factors.check_applies(dataset, name)
        if not isinstance(domain, Choice | Float | Int):
            raise UserError(
                f"Factor {name!r} must be Choice(…), Float(…) or Int(…); it is {domain!r}. "
                "A level that does not vary belongs in base=dict(…)."
            )
        if name in base:
            raise UserError(f"Factor {name!r} is in base and in {place}. Keep one of the two.")
        if name in earlier:
            raise UserError(
                f"Factor {name!r} is in vary and in tune. What the question is about belongs in vary, what is "
                "tuned for each of its levels in tune."
            )
        if not recorded:
            _check_name(name)
        checked[name] = _checked_domain(name, domain, checked, recorded=recorded)
        if not recorded:
            _check_it_can_exist(name, checked)
    return checked


def check_listable(vary: Mapping[str, Domain]) -> None:
    """Refuse ranges that sampler "gp" cannot take, because it makes a list of their levels."""
    for name, domain in vary.items():
        if (isinstance(domain, Int) or (isinstance(domain, Float) and domain.step)) and (
            len(domain.levels) > _MOST_LISTED
        ):
            raise UserError(
                f"Sampler 'gp' lists the levels of every range with steps, and factor {name!r} has "
                f"{len(domain.levels):,}. Take 'tpe', a larger step, or a Float without a step."
            )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        raise UserError(f"A factor's name is a printable text without spaces at its ends; it is {name!r}.")
    if name in _RESERVED:
        raise UserError(f"A factor cannot be named {name!r}: Grid(replicates=…) uses that word. Try '{name}_number'.")
    if len(name) > _MOST_LETTERS:
        raise UserError(f"A factor's name has at most {_MOST_LETTERS} letters; {name[:20]!r}… has {len(name)}.")


def _checked_domain(name: str, domain: Domain, earlier: Mapping[str, Domain], *, recorded: bool) -> Domain:
    levels = tuple(factors.check_level(name, level) for level in domain.ends)
    when = _checked_when(name, domain, earlier, recorded=recorded)
    if isinstance(domain, Choice):
        _check_differ(name, domain.levels, levels, recorded=recorded)
        return Choice(*levels, when=when)
    if isinstance(domain, Int) and not recorded and max(map(abs, (domain.low, domain.high))) > _LARGEST:
        raise UserError(
            f"Factor {name!r}: whole numbers may be at most 2**53 = {_LARGEST}, because the database does not "
            f"keep larger ones exactly; it is Int({domain.low}, {domain.high})."
        )
    return domain.with_when(when)


def _check_differ(name: str, given: tuple[Level, ...], levels: tuple[Level, ...], *, recorded: bool) -> None:
    if len({(type(level), level) for level in levels}) < len(levels):
        raise UserError(f"Factor {name!r} has a level twice: {', '.join(map(str, given))}.")
    if not recorded and len(set(levels)) < len(levels):
        equal = [level for level in levels if levels.count(level) > 1]
        raise UserError(
            f"Factor {name!r} has levels that are equal in Python: {', '.join(map(repr, equal))}. Optuna looks levels "
            "up by ==, so all of them would be trained as the first. Keep one, or make texts of them, such as "
            f"{', '.join(repr(repr(level)) for level in equal)}."
        )


def _checked_when(
    name: str, domain: Domain, earlier: Mapping[str, Domain], *, recorded: bool
) -> Mapping[str, tuple[Level, ...]]:
    """The conditions, with levels spelled as in the factors that they name."""
    when: dict[str, tuple[Level, ...]] = {}
    for other, levels in domain.when.items():
        if other == name or other not in earlier:
            raise UserError(
                f"Factor {name!r} depends on {other!r}, which must stand above it; there is "
                f"{', '.join(key for key in earlier if key != name) or 'nothing'} above it."
            )
        if not levels and not recorded:
            raise UserError(f"Factor {name!r} never exists: when={{{other!r}: …}} names no level of {other!r}.")
        found = [(level, level_of(other, earlier[other], level)) for level in levels]
        for level, own in found:
            if not own:
                raise UserError(
                    f"Factor {name!r} exists when {other}={level!r}, which {other!r} never is. "
                    f"{other!r} is {_told(earlier[other])}."
                )
        if not recorded:
            _check_met(name, other, earlier[other], levels)
        # A recorded range never existed under a condition in another spelling, and that stays so.
        keeps = recorded and not isinstance(domain, Choice)
        when[other] = tuple(level if keeps and level != own[0] else own[0] for level, own in found)
    return when


def _check_met(name: str, other: str, domain: Domain, levels: tuple[Level, ...]) -> None:
    if isinstance(domain, Float) and domain.step is None and domain.low < domain.high:
        raise UserError(
            f"Factor {name!r} exists when {other}={levels[0]!r}, but {other!r} is {_told(domain)}: any number "
            f"in between, and hardly ever exactly that one. Give {other!r} levels: a Choice, or Float(…, step=…)."
        )


def _check_it_can_exist(name: str, vary: Mapping[str, Domain]) -> None:
    """Refuse conditions that exclude each other: a factor's own, and those of the factors that they name."""
    allowed: dict[str, tuple[tuple[Level, ...], str]] = {}
    for owner, other, levels in _conditions(name, vary):
        before, first = allowed.get(other, (levels, owner))
        both = tuple(level for level in before if level in levels)
        if not both:
            raise UserError(
                f"Factor {name!r} never exists: {first!r} exists when {other} is {_or(before)}, and {owner!r} when it "
                f"is {_or(levels)}."
            )
        allowed[other] = (both, owner)


def _conditions(name: str, vary: Mapping[str, Domain]) -> Iterator[tuple[str, str, tuple[Level, ...]]]:
    """Every condition on which a factor's existence depends: its owner, the factor that it names, the levels."""
    waiting, seen = [name], {name}
    while waiting:
        owner = waiting.pop()
        for other, levels in vary[owner].when.items():
            yield owner, other, levels
            if other not in seen:
                seen.add(other)
                waiting.append(other)


def _or(levels: tuple[Level, ...]) -> str:
    return " or ".join(map(repr, levels))


def _told(domain: Any) -> str:
    """`Choice('sgd', 'adam')`, as it is written in a study file."""
    if isinstance(domain, Choice):
        return f"Choice({', '.join(map(repr, domain.levels))})"
    step = f", step={domain.step}" if domain.step not in (None, 1) else ""
    return f"{type(domain).__name__}({domain.low}, {domain.high}{step})"
