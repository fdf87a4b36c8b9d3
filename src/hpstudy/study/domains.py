"""What a factor can be: a choice of levels, or a range of numbers; and when it exists at all."""

from __future__ import annotations

import copy
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.factors import Level
from hpstudy.study.levels import LevelTexts, Steps, is_number, plain, same, steps

When: TypeAlias = Mapping[str, tuple[Level, ...]]
_Own = TypeVar("_Own", bound="_Conditional")

_CONTRADICTING = ("optimizer", "momentum", "units", "augmentation", "scaling")
_MOST_STEPS = 10_000_000  # of a Float: with more, Optuna would not recognize a level, because of rounding


class _Conditional:
    """A domain that may exist only beside some levels of other factors."""

    when: When

    def exists_beside(self, params: Mapping[str, Level]) -> bool:
        """Whether the factor exists beside these levels of the factors above it."""
        return all(other in params and params[other] in levels for other, levels in self.when.items())

    def with_when(self: _Own, when: Mapping[str, tuple[Level, ...]]) -> _Own:
        """The same domain under other conditions."""
        other = copy.copy(self)
        _set(other, when=MappingProxyType(dict(when)))
        return other

    def _with_when(self, values: dict[str, Any]) -> dict[str, Any]:
        when = {name: list(levels) for name, levels in self.when.items()}
        return {**values, **({"when": when} if when else {})}


def _set(instance: object, **values: object) -> None:
    """Fill the fields of a frozen dataclass whose arguments differ from its fields."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _frozen_when(when: Mapping[str, Any] | None) -> When:
    """The conditions, in which a single level stands for a tuple of it."""
    if not isinstance(when, Mapping | None):
        raise UserError(f"when must be a dict of factor=level, such as when={{'optimizer': 'sgd'}}; it is {when!r}.")
    return MappingProxyType({name: tuple(map(plain, _several(levels))) for name, levels in (when or {}).items()})


def _several(levels: Any) -> Iterable[Any]:
    if isinstance(levels, set | frozenset):  # whose order differs between processes
        return sorted(levels, key=repr)
    is_array = getattr(levels, "ndim", 0) == 1
    return levels if is_array or isinstance(levels, tuple | list | range) else (levels,)


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
        _set(self, levels=tuple(map(plain, levels)), when=_frozen_when(when))
        if not levels:
            raise UserError("A Choice needs at least one level, such as Choice('sgd', 'adam').")
        for level in self.levels:
            if level is not None and not isinstance(level, str | int | float | bool):
                raise UserError(
                    f"A level is a text, a number, True, False or None; Choice got {level!r} "
                    f"({type(level).__name__}). Write Choice('sgd', 'adam'), not Choice(['sgd', 'adam'])."
                )
            if isinstance(level, float) and not math.isfinite(level):
                raise UserError(f"A level must be finite; Choice got {level!r}.")

    @property
    def ends(self) -> tuple[Level, ...]:
        """Levels that are legal if and only if all are."""
        return self.levels

    @property
    def highest(self) -> Level:
        """The highest level that is a number."""
        return max(level for level in self.levels if isinstance(level, int | float))

    def matching(self, level: Level) -> tuple[Level, ...]:
        """The domain's own level that means the same as this one, as a tuple; empty if there is none."""
        found = [legal for legal in self.levels if type(level) is type(legal) and level == legal]
        return tuple(found or [legal for legal in self.levels if same(level, legal)])[:1]

    def contains(self, level: Level) -> bool:
        # True equals 1 in Python, but they are two levels
        return any(level == legal and type(level) is type(legal) for legal in self.levels)

    def to_json(self) -> dict[str, Any]:
        return self._with_when({"choice": list(self.levels)})


@dataclass(frozen=True, init=False)
class Float(_Conditional):
    """A real factor between `low` and `high`, both included.

    Args:
        low: The lowest level.
        high: The highest level. With a step, it becomes the last level that steps from `low` reach.
        step: Allows only low, low + step, …, as decimal numbers: 0.1, 0.2, 0.3. A grid needs these levels.
        log: Search on a logarithmic scale. Not together with a step.
        when: As for a Choice.
    """

    low: float
    high: float
    log: bool
    step: float | None
    when: When

    def __init__(
        self,
        low: float,
        high: float,
        *,
        step: float | None = None,
        log: bool = False,
        when: Mapping[str, Any] | None = None,
    ) -> None:
        low, high, step, log = map(plain, (low, high, step, log))
        _check_range("Float", low, high, log)
        low, high = float(low), float(high)
        if step is not None:
            step, high = _checked_step(low, high, step, log)
        _set(self, low=low, high=high, log=bool(log), step=step, when=_frozen_when(when))

    @property
    def levels(self) -> Sequence[Level]:
        """With a step, its levels. Without one, the two ends: what is legal there is legal in between."""
        return self.ends if self.step is None else steps(self.low, self.high, self.step)

    @property
    def ends(self) -> tuple[Level, ...]:
        return (self.low, self.high)

    @property
    def highest(self) -> Level:
        return self.high

    def matching(self, level: Level) -> tuple[Level, ...]:
        if not self.contains(level):
            return ()
        number = float(level)  # type: ignore[arg-type]
        return (number if self.step is None else steps(self.low, self.high, self.step).nearest(number),)

    def contains(self, level: Level) -> bool:
        if self.step is not None:
            return level in steps(self.low, self.high, self.step)
        return is_number(level) and self.low <= level <= self.high  # type: ignore[operator]

    def to_json(self) -> dict[str, Any]:
        if self.step is not None:  # under another name, so that a version without steps refuses it
            return self._with_when({"stepped_float": [self.low, self.high], "step": self.step})
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
        low, high, step, log = map(plain, (low, high, step, log))
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
    def levels(self) -> range:
        return range(self.low, self.high + 1, self.step)

    @property
    def ends(self) -> tuple[Level, ...]:
        return (self.levels[0], self.highest)

    @property
    def highest(self) -> int:
        return self.levels[-1]

    def matching(self, level: Level) -> tuple[Level, ...]:
        return (int(level),) if is_number(level) and level in self.levels else ()  # type: ignore[arg-type]

    def contains(self, level: Level) -> bool:
        return isinstance(level, int) and not isinstance(level, bool) and level in self.levels

    def to_json(self) -> dict[str, Any]:
        return self._with_when({"int": [self.low, self.high], "step": self.step, "log": self.log})


Domain: TypeAlias = Choice | Float | Int


def domain_from_json(values: Mapping[str, Any]) -> Domain:
    """The inverse of `to_json`. Raises KeyError for anything else."""
    when = values.get("when")
    if "choice" in values:
        return Choice(*values["choice"], when=when)
    if "stepped_float" in values:
        return Float(*values["stepped_float"], step=values["step"], when=when)
    if "float" in values:
        return Float(*values["float"], log=values["log"], when=when)
    return Int(*values["int"], step=values["step"], log=values["log"], when=when)


def domain_text(name: str, domain: Domain, written: LevelTexts) -> str:
    """For readers: `0.0001 to 0.1 (log)` or the levels, and under which conditions they exist."""
    if isinstance(domain, Choice):
        text = ", ".join(written.text(name, level) for level in domain.levels)
    else:
        text = f"{written.text(name, domain.low)} to {written.text(name, domain.high)}{' (log)' if domain.log else ''}"
        text += f" in steps of {domain.step:g}" if isinstance(domain, Float) and domain.step is not None else ""
    when = [f"{other}={'/'.join(written.text(other, level) for level in some)}" for other, some in domain.when.items()]
    return f"{text}, where {' and '.join(when)}" if when else text


def level_of(name: str, domain: Domain, given: Any) -> tuple[Level, ...]:
    """The level of a factor that a user means, however it is spelled, as a tuple; empty if the domain has none.

    The only place that looks up what users write: conditions, published figures and baselines.

    Raises:
        UserError: the built-in factor of this name has no such level.
    """
    return domain.matching(factors.check_level(name, plain(given)))


def combinations(vary: Mapping[str, Domain], *, corners: bool = False) -> Iterator[dict[str, Level]]:
    """Each combination of levels once; with `corners`, only of levels that can contradict each other.

    Only texts and conditions can contradict, so one level stands for a whole range there.
    """
    partial: list[dict[str, Level]] = [{}]
    for name, domain in vary.items():
        levels: Sequence[Level] = domain.levels
        if corners and (not isinstance(domain, Choice) or name not in _CONTRADICTING):
            needed = {level for other in vary.values() for level in other.when.get(name, ())}
            levels = tuple({levels[0]: None, **dict.fromkeys(needed)})
        partial = list(
            itertools.chain.from_iterable(
                ({**params, name: level} for level in levels) if domain.exists_beside(params) else (params,)
                for params in partial
            )
        )
    yield from partial


def count_combinations(vary: Mapping[str, Domain]) -> int:
    """The number of cells in a grid, without making them.

    Combinations that no condition distinguishes are counted together.
    """
    counts: Counter[tuple[tuple[str, Level], ...]] = Counter({(): 1})
    for name, domain in vary.items():
        asked = {level for other in vary.values() for level in other.when.get(name, ())}
        if isinstance(domain, Choice):
            told = [level for level in domain.levels if level in asked]
        else:
            told = [own for level in asked for own in domain.matching(level)]
        grown: Counter[tuple[tuple[str, Level], ...]] = Counter()
        for known, number in counts.items():
            if not domain.exists_beside(dict(known)):
                grown[known] += number
                continue
            for level in told:
                grown[(*known, (name, level))] += number
            grown[known] += number * (len(domain.levels) - len(told))
        counts = +grown  # without zero counts
    return counts.total()


def _check_range(kind: str, low: object, high: object, log: object) -> None:
    for name, value in (("low", low), ("high", high)):
        if not is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
            raise UserError(f"{kind}: {name} must be a finite number; it is {value!r}.")
    if low > high:  # type: ignore[operator]
        raise UserError(f"{kind}: low must not be above high; it is {kind}({low}, {high}).")
    if log and low <= 0:  # type: ignore[operator]
        raise UserError(f"{kind}: log=True needs a low above 0; it is {low}.")


def _checked_step(low: float, high: float, step: Any, log: object) -> tuple[float, float]:
    """The step and the last level that it reaches."""
    if not is_number(step) or not math.isfinite(step) or step <= 0:
        raise UserError(f"The step of a Float must be a finite number above 0; it is {step!r}.")
    if log:
        raise UserError(f"Float takes either log=True or a step, not both; the step is {step}.")
    step = float(step)
    if max(abs(low), abs(high)) > _MOST_STEPS * step:
        raise UserError(
            f"Float({low:g}, {high:g}, step={step:g}): the step is too small to be told from rounding. "
            "Take a larger one, or none."
        )
    last = Steps(low, high, step)[-1]
    if Steps(low, last, step)[-1] != last:
        raise UserError(
            f"Float({low}, {high}, step={step}): the sums of low and steps have more digits than a number can have. "
            "Round low and step."
        )
    return step, last
