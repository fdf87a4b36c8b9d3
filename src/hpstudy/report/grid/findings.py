"""The findings of a grid, in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.candidates import FAMILY_ERROR
from hpstudy.analysis.effects import FactorEffect, LevelEffect
from hpstudy.analysis.overfitting import FactorOverfitting
from hpstudy.analysis.overview import Overview
from hpstudy.analysis.ranking import Circumstance, RankedCell
from hpstudy.analysis.standings import Standings, Verdict
from hpstudy.analysis.variance import PairCells
from hpstudy.report import texts
from hpstudy.report.answer import answer, fitted, short
from hpstudy.report.baselines import CHANCE
from hpstudy.report.inside.sections import inside_findings
from hpstudy.report.languages import say, word
from hpstudy.study.designs import Grid
from hpstudy.study.domains import Choice, Domain
from hpstudy.study.levels import is_number
from hpstudy.study.metrics import SHOWN
from hpstudy.study.objective import Objective
from hpstudy.study.overrides import QUICK
from hpstudy.study.spec import Study

NOTABLE_SHARE = 0.1  # share of what the factors explain from which an interaction is reported
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
        lines.append(fitted(trials, _diverging(seen), head=": "))
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


def grid_details(analysis: Analysis, grid: GridAnalysis) -> list[str]:
    """The rest, in whole sentences: factor by factor, then what was in the way."""
    if not grid.cells:
        return inside_findings(analysis)
    found = [] if grid.circumstances else [_best_cell(analysis, grid)]
    found += [_factor(analysis.study.objectives[0], effect) for effect in grid.effects]
    found += list(_interactions(grid))
    found += [_overfitting(effect, grid) for effect in grid.overfitting]
    found += inside_findings(analysis)
    found += list(_doubts(analysis, grid))
    found += list(trouble(analysis.overview))
    found += [] if grid.circumstances else list(_cheapest(analysis, grid))
    return found


def cost(analysis: Analysis) -> str:
    """One sentence on what the study cost."""
    seen = analysis.overview
    span = f", {texts.duration(seen.span_s)} from the first start to the last end" if seen.span_s else ""
    compiling = f" ({texts.duration(seen.compile_s)} of it compiling)" if seen.compile_s else ""
    return (
        f"{texts.counted(seen.ended, 'trial')} with {texts.counted(seen.epochs, 'epoch')} took "
        f"{texts.duration(seen.train_s)} of training{compiling}{span}."
    )


def trouble(seen: Overview) -> Iterator[str]:
    """What diverged, what failed and why; silent if nothing did."""
    if seen.ended and not seen.complete:
        yield "No trial is complete, so there is nothing to compare."
    if seen.diverged:
        yield _divergence(seen)
    if seen.failed:
        reason = seen.failures[0].reason
        several = f" (the most common of {len(seen.failures)} reasons)" if len(seen.failures) > 1 else ""
        yield f"{seen.failed} of {texts.counted(seen.ended, 'trial')} failed{several}: {reason}"
    if seen.failing and seen.complete:
        levels = [f"{one.factor}={one.level} ({one.failed} of {one.ended})" for one in seen.failing]
        yield (
            f"Trials fail above all with {texts.shortened(levels)}. Means are over what could be trained, so a "
            "level that fails often looks better than it is."
        )
    if seen.not_finite:
        trials = texts.counted(seen.not_finite, "trial")
        yield f"{trials} ended with a value that is not finite; counted as failed."


def _divergence(seen: Overview) -> str:
    levels = _diverging(seen)
    above_all = f", above all with {texts.shortened(levels, 3)}" if levels else ""
    they_count = "It has no network and counts" if seen.diverged == 1 else "They have no network and count"
    trials = texts.counted(seen.ended, "trial")
    return (
        f"{seen.diverged} of {trials} diverged{above_all}: the loss became infinite or NaN. "
        f"{they_count} with the scores of the constant predictor."
    )


def _diverging(seen: Overview) -> list[str]:
    """The levels under which trials diverge more often than on the whole, the worst first."""
    share = seen.diverged / seen.ended
    often = sorted((one for one in seen.diverging if one.share > share), key=lambda one: -one.share)
    return [f"{one.factor}={one.level} ({one.diverged} of {one.ended})" for one in often]


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


def _overfitting(found: FactorOverfitting, grid: GridAnalysis) -> str:
    levels = sorted(found.levels.items(), key=lambda one: -one[1].rise)
    (most, high), (least, low) = levels[0], levels[-1]
    practical = grid.standings.practical if grid.standings else 0.0
    apart = found.apart_at_best
    told = (
        f"Overfitting depends on {found.factor}: with {most} the validation loss is lowest after epoch {high.turn:.0f} "
        f"on average and rises by {texts.number(high.rise, 4)} until the last one; with {least} it rises by "
        f"{texts.number(low.rise, 4)}. The gap between training and validation ({found.objective.metric}) is "
        f"{texts.number(high.gap, 4)} and {texts.number(low.gap, 4)}. At each training's best epoch the levels lie "
        f"within {texts.number(apart, 4)}"
    )
    return f"{told}, so stopping early does as well." if apart <= practical else f"{told}."


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


def _cheapest(analysis: Analysis, grid: GridAnalysis) -> Iterator[str]:
    """For deployment: of those that will do, the one with the fewest parameters, then the least time."""
    best = grid.cells[0]
    equal = [best, *(cell for cell in grid.cells[1:] if cell.verdict == Verdict.EQUIVALENT)]
    if len(equal) < 2 or any(cell.parameters is None or cell.train_s is None for cell in equal):
        return
    cheapest = _least(equal)
    yield (
        f"Any of the {len(equal)} that are equivalent will do; the cheapest is "
        f"{texts.params(analysis.texts, cheapest.params)}, with {int(cheapest.parameters or 0):,} parameters and "
        f"{texts.duration(cheapest.train_s)} of training."
    )


def _cheapest_of(grid: GridAnalysis) -> list[str]:
    """The one of those that may be the best."""
    found = [grid.cells[0], *(cell for cell in grid.cells[1:] if cell.verdict != Verdict.WORSE)]
    return [short(grid.values.study, _least(found).params)]


def _least(cells: Sequence[RankedCell]) -> RankedCell:
    """The one with the fewest parameters; of equal ones, the one with the least training."""
    return min(cells, key=lambda cell: (cell.parameters or 0.0, cell.train_s or 0.0))


def _best_cell(analysis: Analysis, grid: GridAnalysis) -> str:
    objective, best = analysis.study.objectives[0], grid.cells[0]
    interval = texts.interval_text(best.mean)
    where = texts.of_which_data(analysis.study)
    sure = f", 95 % interval {where} {interval}, {best.mean.n} replicates" if interval else ", one replicate"
    sure += f", {best.diverged} of which diverged" if best.diverged and interval else ""
    text = (
        f"The best configuration is {texts.params(analysis.texts, best.params)}: "
        f"mean {objective.metric} {texts.number(best.mean.mean)}{sure}."
    )
    if not interval or len(grid.cells) < 2:
        return text
    return (
        f"{text} Trained again on these data it is the best one of all with a probability of "
        f"{texts.percent(best.p_best)}, and expected to be {texts.number(best.regret, 4)} behind the best."
        f"{_on_new_data(analysis.study, grid)}"
    )


def _on_new_data(study: Study, grid: GridAnalysis) -> str:
    """Whether what is ruled out on these data is worse on new data, too."""
    if not study.validation_ratio:
        return " All replicates are validated on the same rows, so nothing is claimed of new data."
    worse = [cell for cell in grid.cells if cell.verdict == Verdict.WORSE]
    also = sum(cell.worse_on_new_data for cell in worse)
    return (
        f" Ruled out on these data: {len(worse)}; shown to be worse on new data of this kind, too: {also} "
        "(corrected resampled t-test)."
        if worse
        else ""
    )


def _factor(objective: Objective, effect: FactorEffect) -> str:
    best, contexts = effect.best, len(effect.values.contexts)
    over = f", averaged over {contexts} combinations of the other factors" if contexts > 1 else ""
    head = f"{effect.factor}: {best.level} has the best mean {objective.metric}, {texts.number(best.mean.mean)}{over}."
    others = [level for level in effect.levels if level.difference]
    if best.mean.n < 2:
        return f"{head} {_untested(others)}"
    told = _beside_baseline(effect, others) if effect.is_baseline else _beside_best(effect, others)
    return " ".join([head, *told])


def _untested(others: list[LevelEffect]) -> str:
    gap = others[0].difference
    behind = f"{others[0].level} differs by {texts.signed(gap.interval.mean)}; " if gap else ""
    return f"{behind}one replicate says nothing of whether that is more than chance."


def _beside_best(effect: FactorEffect, others: list[LevelEffect]) -> Iterator[str]:
    heads = {
        Verdict.EQUIVALENT: f"As good within {texts.number(effect.practical)}",
        Verdict.UNDECIDED: "Undecided",
        Verdict.WORSE: "Worse",
    }
    for verdict, head in heads.items():
        levels = [level for level in others if level.verdict == verdict]
        parts = [
            f"{level.level} {texts.signed(level.difference.interval.mean)}{_also(level.worse_on_new_data)}"
            for level in levels
            if level.difference
        ]
        if parts:
            yield f"{head}: {'; '.join(parts)}."
    needed = [level for level in others if level.verdict == Verdict.UNDECIDED and level.needed]
    if needed:
        listed = texts.listed([f"{level.level} by {level.needed}" for level in needed])
        yield f"Decided, if the difference is as seen (80 % power): {listed} replicates."


def _also(on_new_data: bool) -> str:
    return " (on new data, too)" if on_new_data else ""


def _beside_baseline(effect: FactorEffect, others: list[LevelEffect]) -> Iterator[str]:
    distinct = [level for level in others if level.is_distinct]
    equal = [level for level in others if not level.is_distinct]
    if distinct:
        yield f"Against the baseline {effect.reference}: {'; '.join(map(_by_how_much, distinct))}."
    if equal:
        yield f"No difference to the baseline {effect.reference} is shown for {'; '.join(map(_by_how_much, equal))}."


def _by_how_much(level: LevelEffect) -> str:
    assert level.difference
    difference = level.difference.interval
    if level.p is None:
        return f"{level.level} {texts.signed(difference.mean)}"
    return (
        f"{level.level} {texts.signed(difference.mean)} (95 % interval "
        f"{texts.interval_text(difference, sign=True)}, {texts.p_phrase(level.p)})"
    )


def _interactions(grid: GridAnalysis) -> Iterator[str]:
    """Averages over a factor mislead where the best level of another depends on it."""
    for pair in grid.pairs:
        if pair.share < NOTABLE_SHARE:
            return
        one, other = pair.factors
        yield (
            f"{one} and {other} depend on each other: their interaction is {texts.percent(pair.share)} of what "
            f"the factors explain. Do not choose {one} by its average over {other}; look at the combinations"
            f"{_best_at_each(grid, one)}."
        )


def _best_at_each(grid: GridAnalysis, factor: str) -> str:
    effect = next((effect for effect in grid.effects if effect.factor == factor), None)
    if effect is None:
        return ""
    values = [level.at_best for level in effect.levels]
    return (
        f": each {factor} with the levels that suit it best reaches {texts.number(min(values))} "
        f"to {texts.number(max(values))}"
    )


def _doubts(analysis: Analysis, grid: GridAnalysis) -> Iterator[str]:
    if grid.looks > 1 and not analysis.study.design.adaptive:
        yield (
            f"The study was extended after a look at its results, so each of {grid.looks} looks may rule out the best "
            f"one in {texts.percent(FAMILY_ERROR / grid.looks)} of studies only (Bonferroni)."
        )
    pending = analysis.overview.budget - analysis.overview.ended
    finished, planned = len(grid.values.finished), grid.values.values.shape[1]
    if pending:
        yield (
            f"{texts.counted(pending, 'trial')} of the grid {'is' if pending == 1 else 'are'} not trained yet. "
            f"Compared are the {finished} of {planned} replicates whose every cell has ended; the rest waits."
        )
    for effect in grid.effects:
        if effect.values.excluded:
            names = texts.listed([f"{effect.factor}={level}" for level in effect.values.excluded])
            yield f"{names} failed too often to be compared on equal terms."
    missing = [effect for effect in grid.effects if len(effect.values.contexts) < effect.values.all_contexts]
    for effect in missing:
        yield (
            f"{effect.factor} is compared over {len(effect.values.contexts)} of {effect.values.all_contexts} "
            "combinations of the other factors: those in which all its levels could be trained."
        )
