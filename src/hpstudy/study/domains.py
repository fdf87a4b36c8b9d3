"""What a factor can be: a choice of levels, or a range of numbers; and when it exists at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.catalog import DatasetFacts
from hpstudy.study.factors import Level

When: TypeAlias = Mapping[str, tuple[Level, ...]]


class _Conditional:
    """A domain that may exist only for some levels of other factors."""

    when: When

    def exists_beside(self, params: Mapping[str, Level]) -> bool:
        """Whether the factor exists beside these levels of the factors above it."""
        return all(other in params and params[other] in levels for other, levels in self.when.items())

    def _with_when(self, values: dict[str, Any]) -> dict[str, Any]:
        when = {name: list(levels) for name, levels in self.when.items()}
        return {**values, **({"when": when} if when else {})}


def _set(instance: object, **values: object) -> None:
    """Fill the fields of a frozen dataclass whose arguments are not its fields one by one."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _frozen_when(when: Mapping[str, Any] | None) -> When:
    """One level stands for a tuple of one."""
    conditions = {
        name: tuple(levels) if isinstance(levels, tuple | list) else (levels,) for name, levels in (when or {}).items()
    }
    return MappingProxyType(conditions)


@dataclass(frozen=True, init=False)
class Choice(_Conditional):
    """A factor with a few levels: texts, numbers, booleans or None.

    Args:
        levels: The levels, each once.
        when: The factor exists only where another factor has one of these levels,
            such as `when={"optimizer": ("sgd", "nesterov")}`.
    """

    levels: tuple[Level, ...]
    when: When

    def __init__(self, *levels: Level, when: Mapping[str, Any] | None = None) -> None:
        _set(self, levels=levels, when=_frozen_when(when))
        if not levels:
            raise UserError("A Choice needs at least one level, such as Choice('sgd', 'adam').")
        for level in levels:
            if level is not None and not isinstance(level, str | int | float | bool):
                raise UserError(
                    f"A level is a text, a number, True, False or None; Choice got {level!r} "
                    f"({type(level).__name__}). Write Choice('sgd', 'adam'), not Choice(['sgd', 'adam'])."
                )
            if isinstance(level, float) and not math.isfinite(level):
                raise UserError(f"A level must be finite; Choice got {level!r}.")

    def contains(self, level: Level) -> bool:
        # True equals 1 in Python, but they are two levels
        return any(level == legal and type(level) is type(legal) for legal in self.levels)

    def to_json(self) -> dict[str, Any]:
        return self._with_when({"choice": list(self.levels)})


@dataclass(frozen=True, init=False)
class Float(_Conditional):
    """A real factor between `low` and `high`, both included; `log=True` searches its logarithm."""

    low: float
    high: float
    log: bool
    when: When

    def __init__(self, low: float, high: float, *, log: bool = False, when: Mapping[str, Any] | None = None) -> None:
        _check_range("Float", low, high, log)
        _set(self, low=float(low), high=float(high), log=bool(log), when=_frozen_when(when))

    @property
    def levels(self) -> tuple[Level, ...]:
        """The two ends: what is legal there is legal between."""
        return (self.low, self.high)

    def contains(self, level: Level) -> bool:
        return isinstance(level, int | float) and not isinstance(level, bool) and self.low <= level <= self.high

    def to_json(self) -> dict[str, Any]:
        return self._with_when({"float": [self.low, self.high], "log": self.log})


@dataclass(frozen=True, init=False)
class Int(_Conditional):
    """A whole number from `low` to `high`, both included, in steps of `step`."""

    low: int
    high: int
    step: int
    log: bool
    when: When

    def __init__(
        self,
        low: int,
        high: int,
        *,
        step: int = 1,
        log: bool = False,
        when: Mapping[str, Any] | None = None,
    ) -> None:
        _check_range("Int", low, high, log)
        for name, value in (("low", low), ("high", high), ("step", step)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise UserError(f"Int needs whole numbers; {name} is {value!r}. Use Float for others.")
        if step < 1:
            raise UserError(f"The step of an Int must be at least 1; it is {step}.")
        if log and step != 1:
            raise UserError(f"Int takes either log=True or a step, not both; the step is {step}.")
        _set(self, low=low, high=high, step=step, log=bool(log), when=_frozen_when(when))

    @property
    def levels(self) -> tuple[Level, ...]:
        return tuple(range(self.low, self.high + 1, self.step))

    def contains(self, level: Level) -> bool:
        is_whole = isinstance(level, int) and not isinstance(level, bool)
        return is_whole and level in range(self.low, self.high + 1, self.step)

    def to_json(self) -> dict[str, Any]:
        return self._with_when({"int": [self.low, self.high], "step": self.step, "log": self.log})


Domain: TypeAlias = Choice | Float | Int


def domain_from_json(values: Mapping[str, Any]) -> Domain:
    """The inverse of `to_json`. Raises KeyError for anything else."""
    when = values.get("when")
    if "choice" in values:
        return Choice(*values["choice"], when=when)
    if "float" in values:
        return Float(*values["float"], log=values["log"], when=when)
    return Int(*values["int"], step=values["step"], log=values["log"], when=when)


def _check_range(kind: str, low: object, high: object, log: bool) -> None:
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UserError(f"{kind}: {name} must be a finite number; it is {value!r}.")
    if low > high:  # type: ignore[operator]
        raise UserError(f"{kind}: low must not be above high; it is {kind}({low}, {high}).")
    if log and low <= 0:  # type: ignore[operator]
        raise UserError(f"{kind}: log=True needs a low above 0; it is {low}.")


def checked_base(facts: DatasetFacts, base: Mapping[str, Level]) -> Mapping[str, Level]:
    """What all trials share, in normal form. Raises UserError: no such factor or level, or it varies."""
    if not isinstance(base, Mapping):
        raise UserError(f"base must be a dict of factor=level, such as dict(depth=1); it is {base!r}.")
    for name, level in base.items():
        factors.check_applies(facts, name)
        if isinstance(level, Choice | Float | Int):
            raise UserError(f"Factor {name!r} varies, so it belongs in vary=dict(…), not in base.")
    return MappingProxyType({name: factors.check_level(name, level) for name, level in base.items()})


def checked_vary(facts: DatasetFacts, vary: Mapping[str, Domain], base: Mapping[str, Level]) -> Mapping[str, Domain]:
    """What varies, with its levels in normal form. Raises UserError: no such factor or level, or a wrong condition."""
    if not isinstance(vary, Mapping):
        raise UserError(f"vary must be a dict of factor=Choice(…), Float(…) or Int(…); it is {vary!r}.")
    checked: dict[str, Domain] = {}
    for name, domain in vary.items():
        factors.check_applies(facts, name)
        if not isinstance(domain, Choice | Float | Int):
            raise UserError(
                f"Factor {name!r} must be Choice(…), Float(…) or Int(…); it is {domain!r}. "
                "A level that does not vary belongs in base=dict(…)."
            )
        if name in base:
            raise UserError(f"Factor {name!r} stands in base and in vary. Keep one of the two.")
        checked[name] = _checked_domain(name, domain)
        _check_conditions(name, domain, checked)
    return MappingProxyType(checked)


def _checked_domain(name: str, domain: Domain) -> Domain:
    levels = tuple(factors.check_level(name, level) for level in domain.levels)
    if not isinstance(domain, Choice):
        return domain
    if len({(type(level), level) for level in levels}) < len(levels):
        raise UserError(f"Factor {name!r} has a level twice: {', '.join(map(str, domain.levels))}.")
    conditions = {
        other: tuple(factors.check_level(other, level) for level in when) for other, when in domain.when.items()
    }
    return Choice(*levels, when=conditions)


def _check_conditions(name: str, domain: Domain, earlier: Mapping[str, Domain]) -> None:
    for other, levels in domain.when.items():
        if other == name or other not in earlier:
            raise UserError(
                f"Factor {name!r} depends on {other!r}, which must stand above it in vary; there is "
                f"{', '.join(key for key in earlier if key != name) or 'nothing'} above it."
            )
        for level in levels:
            if not earlier[other].contains(factors.check_level(other, level)):
                raise UserError(f"Factor {name!r} exists when {other}={level!r}, which {other!r} never is.")
