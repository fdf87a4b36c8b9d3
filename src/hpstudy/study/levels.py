"""Levels: as plain Python values, as steps of a range, and as texts that distinguish them."""

from __future__ import annotations

import functools
import numbers
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, overload

from hpstudy.errors import UserError
from hpstudy.study.factors import Level, level_text

_TOLERANCE = 1e-6  # share of a step: the errors of sums of floats are smaller
_MOST_DIGITS = 17  # enough to distinguish any two floats


def plain(value: Any) -> Any:
    """Python's own number, text or boolean in place of one of NumPy, an array without dimensions, or an enum.

    Anything else is returned as it is; the caller that needs a number or a level refuses it.
    """
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def make_plain(instance: object, *fields: str) -> None:
    """Replace numbers and texts of NumPy in these fields by Python's, so that they can be kept as JSON."""
    for name in fields:
        object.__setattr__(instance, name, plain(getattr(instance, name)))


def check_count(what: str, value: object, low: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise UserError(f"{what} must be a whole number of at least {low}; it is {value!r}.")


def is_number(level: object) -> bool:
    """Whether a level is a number, which True and False are not."""
    return isinstance(level, int | float) and not isinstance(level, bool)


def same(one: object, other: object) -> bool:
    """Whether two levels mean the same. 1 and 1.0 do; True and 1 do not, though Python calls them equal."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


class Steps(Sequence[float]):
    """The levels of a `Float` with a step: low, low + step, … up to high. Each is computed on access.

    They are the decimal numbers that people write: 0 + 3 · 0.1 is 0.3 here, not 0.30000000000000004 as with floats.
    """

    def __init__(self, low: float, high: float, step: float) -> None:
        self._low, self._step = Fraction(repr(low)), Fraction(repr(step))
        self._number = int((Fraction(repr(high)) - self._low) // self._step) + 1

    def __len__(self) -> int:
        return self._number

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[float]: ...
    def __getitem__(self, place: int | slice) -> float | Sequence[float]:
        places = range(self._number)[place]
        if isinstance(places, int):
            return float(self._low + places * self._step)
        return [self[one] for one in places]

    def __contains__(self, level: object) -> bool:
        """Whether it is a level, or as near to one as sums of floats get."""
        return is_number(level) and abs(self.nearest(level) - level) <= _TOLERANCE * self._step  # type: ignore[arg-type,operator]

    def index(self, level: Any, *_: int) -> int:
        """The index of the nearest level."""
        place = round((Fraction(level) - self._low) / self._step)
        return min(max(place, 0), self._number - 1)

    def nearest(self, level: float) -> float:
        return self[self.index(level)]


steps = functools.lru_cache(maxsize=256)(Steps)


class LevelTexts:
    """How a study's levels are written: short, but different levels of a factor never look alike.

    Args:
        levels: The levels of each factor that have to be distinguished.
        exact: Factors whose levels are always written in full.
    """

    def __init__(self, levels: Mapping[str, Iterable[Level]], exact: Iterable[str] = ()) -> None:
        levels = {name: tuple(some) for name, some in levels.items()}
        self._texts = {name: distinct_texts(some) for name, some in levels.items()}
        self._words = {name: {str(one) for one in some if not isinstance(one, str)} for name, some in levels.items()}
        self._exact = frozenset(exact)

    def text(self, name: str, level: Level) -> str:
        if name in self._exact and isinstance(level, float):
            return next(text for text in _forms(level) if float(text) == level)
        return self._texts.get(name, {}).get(repr(level)) or level_text(level)

    def full(self, name: str, level: Level) -> str:
        """For programs: every digit of a number, and quotes around a text that looks like another level, as '1'."""
        is_alike = isinstance(level, str) and level in self._words.get(name, ())
        return repr(level) if is_alike else str(level)

    def pair(self, name: str, level: Level) -> str:
        """`optimizer=adam`."""
        return f"{name}={self.text(name, level)}"

    def describe(self, params: Mapping[str, Level]) -> str:
        """`optimizer=adam, learning_rate=0.001`: for messages and tables."""
        return ", ".join(self.pair(name, level) for name, level in params.items())

    def row(self, names: Iterable[str], params: Mapping[str, Level]) -> list[str | None]:
        """A text for each factor; None if the factor does not exist."""
        return [self.text(name, params[name]) if name in params else None for name in names]


def distinct_texts(levels: Iterable[Level]) -> dict[str, str]:
    """The text of each level, by the `repr` of the level.

    If several would look alike, texts get quotes, and numbers as many more digits as it takes.
    """
    forms = {repr(level): list(_forms(level)) for level in levels}
    texts = [key for key in forms if key[0] in "'\""]
    while clashing := _next_forms(forms, frozenset(texts)):
        for key in clashing:
            del forms[key][0]
    return {key: some[0] for key, some in forms.items()}


def _next_forms(forms: Mapping[str, Sequence[str]], texts: frozenset[str]) -> list[str]:
    """The levels that have to be written differently, and can be."""
    alike: dict[str, list[str]] = defaultdict(list)
    for key, some in forms.items():
        alike[_seen(some[0])].append(key)
    found: list[str] = []
    for keys in alike.values():
        if len(keys) > 1:
            found += [key for key in keys if key in texts] or keys
    return [key for key in found if len(forms[key]) > 1]


def _forms(level: Level) -> Iterator[str]:
    """The ways to write a level, the usual one first."""
    yield level_text(level)
    if isinstance(level, float):
        for digits in range(4, _MOST_DIGITS + 1):
            yield (text := f"{level:.{digits}g}")
            if float(text) == level:
                break
    yield repr(level)
    if isinstance(level, str):
        yield ascii(level)


def _seen(text: str) -> str:
    """What a reader sees of a text: no space at its end, and no difference in how an accent is encoded."""
    visible = "".join(letter if letter.isprintable() or letter.isspace() else "" for letter in text)
    return " ".join(unicodedata.normalize("NFC", visible).split())
