"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hpstudy.report.document import Number
from hpstudy.report.languages import say, word
from hpstudy.study.factors import Level
from hpstudy.study.levels import LevelTexts

if TYPE_CHECKING:
    from hpstudy.analysis.statistics import Interval
    from hpstudy.study.spec import Study


def number(value: float | None, digits: int | None = None) -> str:
    """Four decimals for shares and losses, four significant figures for tiny numbers and from ten on."""
    if value is None or math.isnan(value):
        return "–"
    if digits is not None:
        return f"{value:.{digits}f}".replace("-", "−")
    size = abs(value)
    if 10 <= size < 1000:
        text = f"{value:.{2 if size < 100 else 1}f}"
    else:
        text = f"{value:.4f}" if 1e-3 <= size < 10 or size < 5e-5 else f"{value:.4g}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("−") or not value else f"+{text}"


def sortable(value: float | None, digits: int | None = None) -> Number | None:
    if value is None or math.isnan(value):
        return None
    return Number(value=value, text=number(value, digits))


def exact(value: float | None) -> Number | None:
    """A number whose row has a unit of its own, so that its digits are not those of its column."""
    return None if value is None or math.isnan(value) else Number(value=value, text=number(value), is_exact=True)


def count(value: int) -> Number:
    return Number(value=value, text=str(value))


def interval_text(interval: Interval, sign: bool = False) -> str | None:
    """`0.9012 to 0.9130`; None for a single value."""
    if interval.low is None or interval.high is None:
        return None
    return range_text((interval.low, interval.high), sign)


def range_text(ends: tuple[float, float] | None, sign: bool = False) -> str | None:
    """`0.9012 to 0.9130`."""
    write = signed if sign else number
    return say("{low} to {high}", low=write(ends[0]), high=write(ends[1])) if ends else None


def of_which_data(study: Study) -> str:
    """What the intervals of means are about."""
    return say("on new data of this kind") if study.validation_ratio else say("on these data")


def p_text(p: float | None) -> str:
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_number(p: float | None) -> Number | None:
    return None if p is None else Number(value=p, text=p_text(p))


def p_phrase(p: float) -> str:
    """`p = 0.012` or `p < 0.001`."""
    text = p_text(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def duration(seconds: float | None) -> str:
    """`8.1 s`, `3:05 min` or `2:10 h`."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d} min"
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d} h"


def counted(value: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return say("{number} {noun}", number=f"{value:,}", noun=word(noun if value == 1 else f"{noun}s"))


def tried_again(lost: int, interrupted: int) -> str:
    """`; 2 interrupted, 1 lost and tried again`: trials that are not part of the budget; empty if there are none.

    Args:
        interrupted: Of the lost ones, those that were given back by whoever stopped the run.
    """
    counts = ((interrupted, "interrupted"), (lost - interrupted, "lost"))
    told = ", ".join(f"{number} {word(what)}" for number, what in counts if number)
    return say("; {counts} and tried again", counts=told) if told else ""


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return say("{first} and {last}", first=", ".join(words[:-1]), last=words[-1])


def shortened(words: Sequence[str], most: int = 6) -> str:
    """Like `listed`, but names only the first ones of many, and how many more there are."""
    if len(words) <= most:
        return listed(words)
    return say("{first} and {number} more", first=", ".join(words[:most]), number=len(words) - most)


def params(written: LevelTexts, values: Mapping[str, Level]) -> str:
    return written.describe(values) or say("the one configuration")
