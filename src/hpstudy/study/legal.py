"""What a factor is, and the checks that decide which levels are legal."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hpstudy.errors import UserError

Level: TypeAlias = str | int | float | bool | None
Config: TypeAlias = Mapping[str, Level]


@dataclass(frozen=True, kw_only=True)
class Check:
    """Decides which levels are legal. Called with a level it returns its normal form, or raises UserError."""

    legal: str  # which levels those are, for people
    normal: Callable[[Level], Level]

    def __call__(self, level: Level) -> Level:
        return self.normal(level)


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One built-in factor."""

    name: str
    meaning: str  # for docs and error messages, with the unit
    default: Level  # None: the dataset or the optimizer decides, or the factor is off
    check: Check
    # What a compiled epoch depends on: the level, only whether it is zero, or nothing, because the level is an input.
    compiled: Literal["level", "presence", "nothing"] = "level"


def unknown(kind: str, name: object, legal: Iterable[str], listed: str = "Legal") -> str:
    """A sentence that refuses `name`, lists what is legal and suggests the nearest."""
    legal = list(legal)
    given = str(name).lower()
    begun = [one for one in legal if one.startswith(given)]  # `val_acc` is short for val_accuracy and not val_auc
    nearest = begun if len(begun) == 1 else difflib.get_close_matches(given, legal, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return f"There is no {kind} {name!r}.{hint} {listed}: {', '.join(legal)}."


def one_of(*levels: str) -> Check:
    """A check for one of these texts, in any case and with - or _."""

    def check(level: Level) -> Level:
        normal = level.lower().replace("-", "_") if isinstance(level, str) else level
        if normal not in levels:
            raise UserError(unknown("level", level, levels))
        return normal

    return Check(legal=", ".join(levels), normal=check)


def number(low: float, below: float = math.inf, *, positive: bool = False) -> Check:
    """A check for a number of at least `low`, or above it if `positive`, and below `below`."""
    legal = f"a number {'above' if positive else 'of at least'} {low:g}"
    legal += f" and below {below:g}" if below < math.inf else ""

    def check(level: Level) -> Level:
        is_number = isinstance(level, int | float) and not isinstance(level, bool)
        inside = is_number and low <= level < below and not (positive and level == low)  # type: ignore[operator]
        if not inside:
            raise UserError(f"{level!r} is not {legal}.")
        return float(level)  # type: ignore[arg-type]

    return Check(legal=legal, normal=check)


def integer(low: int, *, also: tuple[Level, ...] = ()) -> Check:
    """A check for a whole number of at least `low`, or for one of the levels `also`."""
    others = "".join(f" or {other!r}" for other in also)

    def check(level: Level) -> Level:
        if any(level == other and type(level) is type(other) for other in also):
            return level
        if isinstance(level, bool) or not isinstance(level, int) or level < low:
            raise UserError(f"{level!r} is not a whole number of at least {low}{others}.")
        return level

    return Check(legal=f"a whole number of at least {low}{others}", normal=check)


def _layers(level: Level) -> Level:
    if isinstance(level, str) and re.fullmatch(r"[1-9]\d*(-[1-9]\d*)+", level):
        return level
    if isinstance(level, str):
        raise UserError(
            f"{level!r} is neither a whole number of at least 1 nor one for each layer, such as '256-128-100'."
        )
    return integer(1)(level)


# `units`: one number for all hidden layers, or one for each
layers = Check(legal="a whole number of at least 1, or one for each layer, such as '256-128-100'", normal=_layers)
