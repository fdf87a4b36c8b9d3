"""The findings of a grid, in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis import statistics
from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.effects import FactorEffect, LevelEffect
from hpstudy.analysis.overview import Overview
from hpstudy.report import texts
from hpstudy.report.inside.sections import inside_findings
from hpstudy.study.objective import Objective

_NOTABLE_SHARE = 0.1  # share of the variance from which an interaction is reported


def grid_findings(analysis: Analysis, grid: GridAnalysis) -> list[str]:
    """The best configuration first, then factor by factor, then problems and what to do next."""
    objective = analysis.study.objectives[0]
    if not grid.cells:
        return [*trouble(analysis.overview), *inside_findings(analysis)]
    found = [_best_cell(analysis, grid)]
    found += [_factor(objective, effect) for effect in grid.effects]
    found += list(_interactions(grid))
    found += inside_findings(analysis)
    found += list(_doubts(analysis, grid))
    found += list(trouble(analysis.overview))
    found += list(_next_steps(grid))
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
    """By the levels under which most trials diverge."""
    share = seen.diverged / seen.ended
    often = sorted((one for one in seen.diverging if one.share > share), key=lambda one: -one.share)
    levels = [f"{one.factor}={one.level} ({one.diverged} of {one.ended})" for one in often]
    above_all = f", above all with {texts.shortened(levels, 3)}" if levels else ""
    they_count = "It has no network and counts" if seen.diverged == 1 else "They have no network and count"
    trials = texts.counted(seen.ended, "trial")
    return (
        f"{seen.diverged} of {trials} diverged{above_all}: the loss became infinite or NaN. "
        f"{they_count} with the scores of the constant predictor."
    )


def _best_cell(analysis: Analysis, grid: GridAnalysis) -> str:
    objective, best = analysis.study.objectives[0], grid.cells[0]
    interval = texts.interval_text(best.mean)
    sure = f", 95 % interval {interval}, {best.mean.n} replicates" if interval else ", one replicate"
    sure += f", {best.diverged} of which diverged" if best.diverged and interval else ""
    text = (
        f"The best configuration is {texts.params(analysis.texts, best.params)}: "
        f"mean {objective.metric} {texts.number(best.mean.mean)}{sure}."
    )
    others = grid.cells[1:]
    if not others:
        return text
    equal = [cell for cell in others if cell.p is not None and not cell.is_distinct]
    if len(equal) == len(others):
        return f"{text} None of the {len(others)} others can be told from it (paired t-tests, Holm over all pairs)."
    if equal:
        return f"{text} {len(equal)} of the {len(others)} others cannot be told from it (paired t-tests, Holm)."
    return text


def _factor(objective: Objective, effect: FactorEffect) -> str:
    best, contexts = effect.best, len(effect.values.contexts)
    over = f", averaged over {contexts} combinations of the other factors" if contexts > 1 else ""
    head = f"{effect.factor}: {best.level} has the best mean {objective.metric}, {texts.number(best.mean.mean)}{over}."
    others = [level for level in effect.levels if level.difference]
    if best.mean.n < statistics.MIN_REPLICATES:
        return f"{head} {_untested(effect, others)}"
    return " ".join([head, *_told_apart(effect, others)])


def _untested(effect: FactorEffect, others: list[LevelEffect]) -> str:
    n = effect.best.mean.n
    gap = others[0].difference
    behind = f"{others[0].level} differs by {texts.signed(gap.interval.mean)}; " if gap else ""
    return (
        f"{behind}{texts.counted(n, 'replicate')} {'is' if n == 1 else 'are'} too few for a test "
        f"(at least {statistics.MIN_REPLICATES}), so nothing says whether that is more than chance."
    )


def _told_apart(effect: FactorEffect, others: list[LevelEffect]) -> Iterator[str]:
    what = "the baseline " if effect.is_baseline else ""
    distinct = [level for level in others if level.is_distinct]
    equal = [level for level in others if not level.is_distinct]
    if distinct:
        parts = [f"{level.level} {_by_how_much(level)}" for level in distinct]
        yield f"Against {what}{effect.reference}: {'; '.join(parts)}."
    if equal:
        names = texts.shortened([level.level for level in equal])
        yield f"Not distinguishable from {what}{effect.reference}: {names} ({_range(equal)})."


def _by_how_much(level: LevelEffect) -> str:
    assert level.difference
    difference = level.difference.interval
    if level.p is None:
        return f"{texts.signed(difference.mean)} in every replicate"
    return (
        f"{texts.signed(difference.mean)} (95 % interval {texts.interval_text(difference, sign=True)}, "
        f"{texts.p_phrase(level.p)})"
    )


def _range(levels: list[LevelEffect]) -> str:
    if len(levels) == 1 and levels[0].difference:
        level, difference = levels[0], levels[0].difference.interval
        p = f", {texts.p_phrase(level.p)}" if level.p is not None else ""
        return f"{texts.signed(difference.mean)}, 95 % interval {texts.interval_text(difference, sign=True)}{p}"
    means = [level.difference.interval.mean for level in levels if level.difference]
    return f"differences from {texts.signed(min(means))} to {texts.signed(max(means))}"


def _interactions(grid: GridAnalysis) -> Iterator[str]:
    """Averages over a factor mislead where the best level of another depends on it."""
    for pair in grid.pairs:
        if pair.share < _NOTABLE_SHARE:
            return
        one, other = pair.factors
        yield (
            f"{one} and {other} depend on each other: their interaction is {texts.percent(pair.share)} of the "
            f"variance. Do not choose {one} by its average over {other}; look at the combinations"
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


def _next_steps(grid: GridAnalysis) -> Iterator[str]:
    """How many replicates would tell the nearest levels apart."""
    for effect in grid.effects:
        open_levels = [level for level in effect.levels if level.difference and not level.is_distinct]
        if not open_levels or effect.best.mean.n < 2:
            continue
        nearest = min(open_levels, key=lambda level: level.rank)
        assert nearest.difference
        size = texts.number(abs(nearest.difference.interval.mean))
        if nearest.difference.interval.mean == 0:
            continue
        if nearest.needed is None:
            enough = f"more than {statistics.MOST_REPLICATES} replicates: take them as equal"
        else:
            enough = f"about {max(nearest.needed, effect.best.mean.n + 1)} replicates"
        yield (
            f"To tell {effect.factor}={nearest.level} from {effect.reference}, if the difference is {size} as seen, "
            f"would take {enough} (80 % power, paired t-test; Cohen 1988)."
        )
    if grid.effects and grid.effects[0].best.mean.n < statistics.MIN_REPLICATES:
        yield "Next: `hpstudy run` with --replicates 5 under another name gives intervals that can be trusted."
