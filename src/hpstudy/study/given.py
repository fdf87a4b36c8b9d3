"""Given configurations, which a search tries before its sampler proposes any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.domains import Choice, Domain, Float, level_of
from hpstudy.study.factors import Level
from hpstudy.study.levels import plain

Given = tuple[Mapping[str, Level], ...]


def frozen(first: object, trials: int) -> Given:
    """The argument `first` of a Search, made immutable. Its levels are not checked yet.

    Raises:
        UserError: it is not a sequence of dicts, or has more of them than the search has trials.
    """
    if isinstance(first, str) or not isinstance(first, Sequence):
        raise UserError(
            'Search(first=…) must be a list of dicts such as [{"optimizer": "adam", "learning_rate": 0.001}]; '
            f"it is {first!r}."
        )
    for number, levels in enumerate(first, start=1):
        if not isinstance(levels, Mapping) or not levels:
            raise UserError(
                f"{_what(number)} must be a dict of factor=level such as "
                f'{{"optimizer": "adam", "learning_rate": 0.001}}; it is {levels!r}.'
            )
    if len(first) > trials:
        raise UserError(
            f"Search(trials={trials}) cannot try {len(first)} configurations first. Give it at least {len(first)} "
            "trials, or fewer configurations in first=…."
        )
    return tuple(MappingProxyType(dict(levels)) for levels in first)


def checked_given(first: Given, vary: Mapping[str, Domain], base: Mapping[str, Level]) -> Given:
    """The given configurations with their levels in normal form, in the order of `vary`.

    A configuration may leave factors out, which the sampler then proposes.

    Raises:
        UserError: a factor does not vary or does not exist beside the others, a level is not in its domain, or a
            configuration occurs twice.
    """
    found = tuple(_checked(_what(number), levels, vary, base) for number, levels in enumerate(first, start=1))
    numbers: dict[str, int] = {}
    for number, levels in enumerate(found, start=1):
        earlier = numbers.setdefault(factors.key(levels), number)
        if earlier != number:
            raise UserError(
                f"{_what(number)} is the same as configuration {earlier}: {factors.describe(levels)}. Give each once."
            )
    return found


def _what(number: int) -> str:
    return f"Search(first=…): configuration {number}"


def _checked(
    what: str, given: Mapping[str, Level], vary: Mapping[str, Domain], base: Mapping[str, Level]
) -> Mapping[str, Level]:
    for name in given:
        if name in base:
            raise UserError(f"{what}: factor {name!r} is in base, so every trial has it. Leave it out here.")
        if name not in vary:
            raise UserError(f"{what}: {factors.unknown('factor', name, vary, 'Varying')}")
    levels: dict[str, Level] = {}
    for name in vary:
        if name in given:
            _check_existence(what, name, vary[name], given)
            levels[name] = _checked_level(what, name, vary[name], given[name])
            _check_conditions(what, name, vary[name], levels)
    return MappingProxyType(levels)


def _check_existence(what: str, name: str, domain: Domain, given: Mapping[str, Level]) -> None:
    """The sampler must not decide whether a given factor exists."""
    for other in domain.when:
        if other not in given:
            raise UserError(
                f"{what}: factor {name!r} exists only where {_condition(domain)}, and {other!r} is left to the "
                f"sampler. Give {other!r}, too, or leave {name!r} out."
            )


def _check_conditions(what: str, name: str, domain: Domain, levels: Mapping[str, Level]) -> None:
    if not domain.exists_beside(levels):
        beside = factors.describe({other: levels[other] for other in domain.when})
        raise UserError(
            f"{what}: factor {name!r} exists only where {_condition(domain)}, not beside {beside}. Leave it out."
        )


def _condition(domain: Domain) -> str:
    conditions = (f"{other}={'/'.join(map(factors.level_text, levels))}" for other, levels in domain.when.items())
    return " and ".join(conditions)


def _checked_level(what: str, name: str, domain: Domain, level: object) -> Level:
    """The level in the form in which the sampler would propose it."""
    try:
        found = level_of(name, domain, level)
    except UserError as error:
        raise UserError(f"{what}: {error}") from None
    if not found:
        raise UserError(f"{what}: factor {name!r}: {_outside(domain, plain(level))}")
    return found[0]


def _outside(domain: Domain, level: Level) -> str:
    if isinstance(domain, Choice):
        return factors.unknown("level", level, map(factors.level_text, domain.levels))
    step = f" in steps of {domain.step:g}" if domain.step and domain.step != 1 else ""
    kind = "number" if isinstance(domain, Float) else "whole number"
    return f"{level!r} is not a {kind} from {domain.low:g} to {domain.high:g}{step}."
