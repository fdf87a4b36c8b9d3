"""The answer in a few short lines: what to use, what is as good, what is ruled out, what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hpstudy.analysis.standings import Standings, Verdict
from hpstudy.report import texts
from hpstudy.report.languages import say, word
from hpstudy.study.factors import Level
from hpstudy.study.short import short_levels
from hpstudy.study.spec import Study

WIDTH = 78  # characters of a line that no terminal wraps
_ROUNDING = 1e-6  # scores of networks are computed as float32


def answer(
    found: Standings, names: Sequence[str], *, metric: str, sign: int, beside: Sequence[tuple[str, float]] = ()
) -> Iterator[str]:
    """A line for each part of the answer, the choice first.

    Args:
        names: Of the configurations, short.
        sign: 1 if a higher value of the metric is better, else -1.
        beside: What the score stands beside, such as ("chance", 0.1).
    """
    best = found.best
    value = sign * float(found.means[best])
    yield chosen_line(names[best], metric, value, beside)
    yield from simpler(value, sign, beside)
    if found.n.max() < 2:
        yield say("Each has one replicate: nothing says whether the others are worse by more than chance.")
        return
    others = [place for place in found.order if place != best]
    if not others:
        return
    yield from _as_good(found, names, others)
    worse = [place for place in others if found.verdicts[place] == Verdict.WORSE]
    yield say("Ruled out: {worse} of {all}", worse=len(worse), all=len(names)) + _first(names, worse)


def chosen_line(name: str, metric: str, value: float, beside: Sequence[tuple[str, float]]) -> str:
    """`Use adam (val_accuracy 0.8874; chance 0.1000).`, without the metric's name where the line has no room for it."""
    notes = [f"{word(what)} {texts.number(score)}" for what, score in ((metric, value), *beside)]
    line = say("Use {name} ({notes}).", name=name, notes="; ".join(notes))
    if len(line) <= WIDTH:
        return line
    return say("Use {name} ({notes}).", name=name, notes="; ".join([texts.number(value), *notes[1:]]))


def simpler(value: float, sign: int, beside: Sequence[tuple[str, float]]) -> Iterator[str]:
    """What does as well without a network."""
    equal = [name for name, score in beside if sign * (score - value) >= -_ROUNDING]
    if equal:
        yield say("No network is needed: {name} is as good.", name=word(equal[-1]))


def short(study: Study, params: Mapping[str, Level]) -> str:
    """`adam, lr 0.001`."""
    return ", ".join(short_levels(study, params)) or word("the one configuration")


def _as_good(found: Standings, names: Sequence[str], others: Sequence[int]) -> Iterator[str]:
    practical = texts.number(found.practical)
    equal = [place for place in others if found.verdicts[place] == Verdict.EQUIVALENT]
    undecided = [place for place in others if found.verdicts[place] == Verdict.UNDECIDED]
    if equal:
        yield fitted(say("As good (within {practical}): ", practical=practical), [names[place] for place in equal])
    if undecided:
        yield fitted(say("Undecided, the likeliest first: "), [names[place] for place in undecided])


def _first(names: Sequence[str], worse: Sequence[int]) -> str:
    if not worse:
        return "."
    return fitted("", [names[place] for place in worse], width=WIDTH - 24, head=say(", such as "))


def fitted(start: str, words: Sequence[str], *, width: int = WIDTH, head: str = "") -> str:
    """As many words as a line has room for, and how many more there are."""
    kept = list(words)
    while len(kept) > 1 and len(_joined(start, kept, len(words), head)) > width:
        kept.pop()
    return _joined(start, kept, len(words), head)


def _joined(start: str, kept: Sequence[str], total: int, head: str) -> str:
    more = say("; {number} more", number=total - len(kept)) if len(kept) < total else ""
    return f"{start}{head if kept else ''}{'; '.join(kept)}{more}."
