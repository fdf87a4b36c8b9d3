"""The answer of a grid, in lines that are made from its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.effects import FactorEffect
from hpstudy.analysis.ranking import Circumstance
from hpstudy.analysis.standings import Standings, Verdict
from hpstudy.analysis.variance import PairCells
from hpstudy.report import texts
from hpstudy.report.answer import answer, fitted, short
from hpstudy.report.baselines import CHANCE
from hpstudy.report.grid.details import NOTABLE_SHARE, diverging, least, trouble
from hpstudy.report.languages import say, word
from hpstudy.study.designs import Grid
from hpstudy.study.domains import Choice, Domain
from hpstudy.study.levels import is_number
from hpstudy.study.metrics import SHOWN
from hpstudy.study.overrides import QUICK
from hpstudy.study.spec import Study

MOST_LINES = 6  # of the answer
AFTER_QUICK = "Next: the study itself, without --quick; few rows and epochs say little."


def grid_answer(
    analysis: Analysis, grid: GridAnalysis, beside: Sequence[tuple[str, float]] = (), room: int = MOST_LINES
) -> list[str]:
    """What to use, what is as good, what is ruled out, what each factor does, what to do next.

    Args:
        beside: What the best score stands beside, such as ("chance", 0.1).
        room: Lines, at most.
    """
    study, found = analysis.study, grid.standings
    if found is None:
        return list(trouble(analysis.overview))
    names = [short(study, cell.params) for cell in grid.cells]
    if grid.circumstances:
        lines = [fitted(*_under(study, one)) for one in grid.circumstances]
        return [*lines, *_shown(grid, names), *_learned_nothing(grid, names, beside)][:room]
    lines = list(answer(found, names, metric=study.objectives[0].metric, sign=study.objectives[0].sign, beside=beside))
    if analysis.overview.diverged:
        seen = analysis.overview
        trials = say("Diverged: {diverged} of {ended} trials", diverged=seen.diverged, ended=seen.ended)
        lines.append(fitted(trials, diverging(seen), head=": "))
    lines += _learned_nothing(grid, names, beside)
    lines += _shown(grid, names)
    following = _next(analysis, grid, found)
    several = len(study.vary) > 1  # else a level is a configuration
    factors = list(_factors(grid))[: max(0, room - len(lines) - bool(following))] if several else []
    return [*lines, *factors, *following][:room]


def _under(study: Study, one: Circumstance) -> tuple[str, list[str]]:
    """The answer for one combination of what is given: `xor: depth 1 (1.0000)`, `worse: depth 0`."""
    names = [short(study, {k: v for k, v in cell.params.items() if k not in study.given}) for cell in one.cells]
    heads = {
        Verdict.EQUIVALENT: say("as good: "),
        Verdict.UNDECIDED: say("undecided: "),
        Verdict.WORSE: say("worse: "),
    }
    parts = [f"{names[0]} ({texts.number(one.cells[0].mean.mean)})"]
    for verdict, head in heads.items() if one.cells[0].mean.n > 1 else ():
        members = [n for n, cell in zip(names[1:], one.cells[1:], strict=True) if cell.verdict == verdict]
        parts += [head + members[0], *members[1:]] if members else []
    return f"{short(study, one.params)}: ", parts


def _learned_nothing(grid: GridAnalysis, names: Sequence[str], beside: Sequence[tuple[str, float]]) -> list[str]:
    """Those that are no better than without a network. Diverged ones are told elsewhere."""
    chance, found = dict(beside).get(CHANCE), grid.standings
    if chance is None or found is None:
        return []
    sign = grid.values.study.objectives[0].sign
    idle = [
        name
        for name, cell in zip(names, grid.cells, strict=True)
        if sign * (cell.mean.mean - chance) <= found.practical and cell.diverged < cell.mean.n
    ]
    return [fitted(say("No better than chance: "), idle)] if idle else []


def _shown(grid: GridAnalysis, names: Sequence[str]) -> list[str]:
    """`rise, gap: 0.0000, 0.0140 as chosen; 0.0380, 0.0950 with dropout 0.`

    The second is the worst one by the first number, or the best one if the worst was chosen.
    """
    known = [(cell.number, name) for cell, name in zip(grid.cells, names, strict=True)]
    known = [(cell, name) for cell, name in known if all(cell in means for means in grid.shown.values())]
    if not grid.shown or not known:
        return []
    first = next(iter(grid.shown))
    sign = 1 if SHOWN[first] == "maximize" else -1

    def numbers(cell: int) -> str:
        return ", ".join(texts.number(means[cell]) for means in grid.shown.values())

    chosen, *others = known
    parts = [say("{values} as chosen", values=numbers(chosen[0]))]
    ranked = sorted(known, key=lambda one: sign * grid.shown[first][one[0]])
    if others:
        cell, its_name = ranked[0] if ranked[0] != chosen else ranked[-1]
        parts.append(say("{values} with {name}", values=numbers(cell), name=its_name))
    return [fitted(f"{', '.join(grid.shown)}: ", parts)]


def _next(analysis: Analysis, grid: GridAnalysis, found: Standings) -> list[str]:
    """What decides, and what it costs."""
    study, replicates = analysis.study, int(found.n.max())
    if study.name.endswith(QUICK):
        return [word(AFTER_QUICK)]
    extend = f"hpstudy extend {study.name} --replicates"
    if replicates < 2:
        return [say("Next: {command} shows what is more than luck.", command=f"{extend} 5")]
    undecided = sum(verdict == Verdict.UNDECIDED for verdict in found.verdicts[1:])
    if not undecided:
        return []
    if not isinstance(study.design, Grid):
        command = f"{extend} {2 * replicates}"
        return [say("Next: {command} ({undecided} undecided).", command=command, undecided=undecided)]
    if study.design.adaptive:
        head = say(
            "{undecided} stay undecided after {replicates} replicates; the cheapest: ",
            undecided=undecided,
            replicates=replicates,
        )
        return [fitted(head, _cheapest_of(grid))]
    adaptive = study.design.resized(trials=None, replicates="adaptive")
    seconds = (
        analysis.overview.train_s / max(analysis.overview.ended, 1) * (undecided + 1) * (adaptive.most - replicates)
    )
    cost = say(" (at most {time})", time=texts.duration(seconds)) if seconds else ""
    return [say("Next: {command}{cost}.", command=f"{extend} adaptive", cost=cost)]


def _factors(grid: GridAnalysis) -> Iterator[str]:
    """A line for each factor; for two that depend on each other, which level of one suits each level of the other."""
    told: set[str] = set()
    for pair in grid.pairs:
        if pair.share >= NOTABLE_SHARE and not told & set(pair.factors) and (line := _together(grid, pair)):
            told |= set(pair.factors)
            yield line
    for effect in grid.effects:
        if effect.factor not in told:
            yield _alone(effect)


def _together(grid: GridAnalysis, pair: PairCells) -> str:
    """`Best learning_rate: 0.1 for sgd, momentum; 0.001 for adam.`"""
    sign, (one, other) = grid.values.study.objectives[0].sign, pair.factors
    if _is_numeric(grid.values.study.vary[other]):
        one, other = other, one
    places = (pair.factors.index(one), pair.factors.index(other))
    best: dict[str, list[str]] = {}
    for level in pair.levels[places[1]]:
        means = {key[places[0]]: found.mean for key, found in pair.means.items() if key[places[1]] == level}
        if means:
            best.setdefault(max(means, key=lambda name: sign * means[name]), []).append(level)
    parts = [say("{level} for {others}", level=level, others=", ".join(others)) for level, others in best.items()]
    return fitted(say("Best {factor}: ", factor=one), parts) if len(best) > 1 else ""


def _is_numeric(domain: Domain) -> bool:
    return not isinstance(domain, Choice) or all(is_number(level) for level in domain.levels)


def _alone(effect: FactorEffect) -> str:
    best, n = effect.best, effect.best.mean.n
    if n < 2:
        return fitted(f"{effect.factor}: ", [say("{level} has the best mean", level=best.level)])
    by: dict[Verdict, list[str]] = {}
    for level in effect.levels[1:]:
        gap = level.difference.interval.mean if level.difference and not effect.is_baseline else None
        by.setdefault(level.verdict, []).append(level.level + (f" {texts.signed(gap)}" if gap else ""))
    heads = {
        Verdict.EQUIVALENT: say("as good: "),
        Verdict.UNDECIDED: say("undecided: "),
        Verdict.WORSE: say("worse: "),
    }
    parts = []
    for verdict, head in heads.items():
        first, *others = by.get(verdict, [""])
        parts += [head + first, *others] if first else []
    is_best = say("{level} is best", level=best.level)
    return fitted(f"{effect.factor}: {is_best}; " if parts else "", parts or [is_best])


def _cheapest_of(grid: GridAnalysis) -> list[str]:
    """The one of those that may be the best."""
    found = [grid.cells[0], *(cell for cell in grid.cells[1:] if cell.verdict != Verdict.WORSE)]
    return [short(grid.values.study, least(found).params)]
