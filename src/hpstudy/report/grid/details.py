"""What else a grid shows, in whole sentences: factor by factor, then what was in the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.candidates import FAMILY_ERROR
from hpstudy.analysis.effects import FactorEffect, LevelEffect
from hpstudy.analysis.overfitting import FactorOverfitting
from hpstudy.analysis.overview import Overview
from hpstudy.analysis.ranking import RankedCell
from hpstudy.analysis.standings import Verdict
from hpstudy.report import texts
from hpstudy.report.inside.sections import inside_findings
from hpstudy.report.languages import say
from hpstudy.study.objective import Objective
from hpstudy.study.spec import Study

NOTABLE_SHARE = 0.1  # share of what the factors explain from which an interaction is reported


def grid_details(analysis: Analysis, grid: GridAnalysis) -> list[str]:
    """Factor by factor, then what was in the way."""
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
    span = say(", {time} from the first start to the last end", time=texts.duration(seen.span_s)) if seen.span_s else ""
    compiling = say(" ({time} of it compiling)", time=texts.duration(seen.compile_s)) if seen.compile_s else ""
    return say(
        "{trials} with {epochs} took {time} of training{compiling}{span}.",
        trials=texts.counted(seen.ended, "trial"),
        epochs=texts.counted(seen.epochs, "epoch"),
        time=texts.duration(seen.train_s),
        compiling=compiling,
        span=span,
    )


def trouble(seen: Overview) -> Iterator[str]:
    """What diverged, what failed and why; silent if nothing did."""
    if seen.ended and not seen.complete:
        yield say("No trial is complete, so there is nothing to compare.")
    if seen.diverged:
        yield _divergence(seen)
    if seen.failed:
        reasons = len(seen.failures)
        yield say(
            "{failed} of {trials} failed{several}: {reason}",
            failed=seen.failed,
            trials=texts.counted(seen.ended, "trial"),
            several=say(" (the most common of {number} reasons)", number=reasons) if reasons > 1 else "",
            reason=seen.failures[0].reason,
        )
    if seen.failing and seen.complete:
        levels = [_part(f"{one.factor}={one.level}", one.failed, one.ended) for one in seen.failing]
        yield say(
            "Trials fail above all with {levels}. Means are over what could be trained, so a level that fails often "
            "looks better than it is.",
            levels=texts.shortened(levels),
        )
    if seen.not_finite:
        yield say(
            "{trials} ended with a value that is not finite; counted as failed.",
            trials=texts.counted(seen.not_finite, "trial"),
        )


def _part(name: str, part: int, whole: int) -> str:
    return say("{name} ({part} of {all})", name=name, part=part, all=whole)


def _divergence(seen: Overview) -> str:
    levels = diverging(seen)
    if seen.diverged == 1:
        they_count = say("It has no network and counts with the scores of the constant predictor.")
    else:
        they_count = say("They have no network and count with the scores of the constant predictor.")
    return say(
        "{diverged} of {trials} diverged{above_all}: the loss became infinite or NaN. {they_count}",
        diverged=seen.diverged,
        trials=texts.counted(seen.ended, "trial"),
        above_all=say(", above all with {levels}", levels=texts.shortened(levels, 3)) if levels else "",
        they_count=they_count,
    )


def diverging(seen: Overview) -> list[str]:
    """The levels under which trials diverge more often than on the whole, the worst first."""
    share = seen.diverged / seen.ended
    often = sorted((one for one in seen.diverging if one.share > share), key=lambda one: -one.share)
    return [_part(f"{one.factor}={one.level}", one.diverged, one.ended) for one in often]


def least(cells: Sequence[RankedCell]) -> RankedCell:
    """The one with the fewest parameters; of equal ones, the one with the least training."""
    return min(cells, key=lambda cell: (cell.parameters or 0.0, cell.train_s or 0.0))


def _cheapest(analysis: Analysis, grid: GridAnalysis) -> Iterator[str]:
    """For deployment: of those that will do, the one with the fewest parameters, then the least time."""
    best = grid.cells[0]
    equal = [best, *(cell for cell in grid.cells[1:] if cell.verdict == Verdict.EQUIVALENT)]
    if len(equal) < 2 or any(cell.parameters is None or cell.train_s is None for cell in equal):
        return
    cheapest = least(equal)
    yield say(
        "Any of the {number} that are equivalent will do; the cheapest is {name}, with {parameters} parameters and "
        "{time} of training.",
        number=len(equal),
        name=texts.params(analysis.texts, cheapest.params),
        parameters=f"{int(cheapest.parameters or 0):,}",
        time=texts.duration(cheapest.train_s),
    )


def _best_cell(analysis: Analysis, grid: GridAnalysis) -> str:
    objective, best = analysis.study.objectives[0], grid.cells[0]
    interval = texts.interval_text(best.mean)
    sure = say(", one replicate")
    if interval:
        sure = say(
            ", 95 % interval {where} {interval}, {replicates} replicates",
            where=texts.of_which_data(analysis.study),
            interval=interval,
            replicates=best.mean.n,
        )
    if best.diverged and interval:
        sure += say(", {diverged} of which diverged", diverged=best.diverged)
    text = say(
        "The best configuration is {name}: mean {metric} {value}{sure}.",
        name=texts.params(analysis.texts, best.params),
        metric=objective.metric,
        value=texts.number(best.mean.mean),
        sure=sure,
    )
    if not interval or len(grid.cells) < 2:
        return text
    again = say(
        "Trained again on these data it is the best one of all with a probability of {probability}, and expected to be "
        "{regret} behind the best.",
        probability=texts.percent(best.p_best),
        regret=texts.number(best.regret, 4),
    )
    return f"{text} {again}{_on_new_data(analysis.study, grid)}"


def _on_new_data(study: Study, grid: GridAnalysis) -> str:
    """Whether what is ruled out on these data is worse on new data, too."""
    if not study.validation_ratio:
        return say(" All replicates are validated on the same rows, so nothing is claimed of new data.")
    worse = [cell for cell in grid.cells if cell.verdict == Verdict.WORSE]
    if not worse:
        return ""
    return say(
        " Ruled out on these data: {worse}; shown to be worse on new data of this kind, too: {also} (corrected "
        "resampled t-test).",
        worse=len(worse),
        also=sum(cell.worse_on_new_data for cell in worse),
    )


def _factor(objective: Objective, effect: FactorEffect) -> str:
    best, contexts = effect.best, len(effect.values.contexts)
    head = say(
        "{factor}: {level} has the best mean {metric}, {value}{over}.",
        factor=effect.factor,
        level=best.level,
        metric=objective.metric,
        value=texts.number(best.mean.mean),
        over=say(", averaged over {number} combinations of the other factors", number=contexts) if contexts > 1 else "",
    )
    others = [level for level in effect.levels if level.difference]
    if best.mean.n < 2:
        return f"{head} {_untested(others)}"
    told = _beside_baseline(effect, others) if effect.is_baseline else _beside_best(effect, others)
    return " ".join([head, *told])


def _untested(others: list[LevelEffect]) -> str:
    gap = others[0].difference
    behind = ""
    if gap:
        behind = say(
            "{level} differs by {difference}; ",
            level=others[0].level,
            difference=texts.signed(gap.interval.mean),
        )
    return say("{behind}one replicate says nothing of whether that is more than chance.", behind=behind)


def _beside_best(effect: FactorEffect, others: list[LevelEffect]) -> Iterator[str]:
    heads = {
        Verdict.EQUIVALENT: say("As good within {practical}: ", practical=texts.number(effect.practical)),
        Verdict.UNDECIDED: say("Undecided: "),
        Verdict.WORSE: say("Worse: "),
    }
    for verdict, head in heads.items():
        levels = [level for level in others if level.verdict == verdict]
        parts = [
            f"{level.level} {texts.signed(level.difference.interval.mean)}{_also(level.worse_on_new_data)}"
            for level in levels
            if level.difference
        ]
        if parts:
            yield f"{head}{'; '.join(parts)}."
    needed = [level for level in others if level.verdict == Verdict.UNDECIDED and level.needed]
    if needed:
        by = [say("{level} by {replicates}", level=level.level, replicates=level.needed) for level in needed]
        yield say(
            "Decided, if the difference is as seen (80 % power): {levels} replicates.",
            levels=texts.listed(by),
        )


def _also(on_new_data: bool) -> str:
    return say(" (on new data, too)") if on_new_data else ""


def _beside_baseline(effect: FactorEffect, others: list[LevelEffect]) -> Iterator[str]:
    distinct = "; ".join(_by_how_much(level) for level in others if level.is_distinct)
    equal = "; ".join(_by_how_much(level) for level in others if not level.is_distinct)
    if distinct:
        yield say("Against the baseline {baseline}: {levels}.", baseline=effect.reference, levels=distinct)
    if equal:
        yield say(
            "No difference to the baseline {baseline} is shown for {levels}.", baseline=effect.reference, levels=equal
        )


def _by_how_much(level: LevelEffect) -> str:
    assert level.difference
    difference = level.difference.interval
    if level.p is None:
        return f"{level.level} {texts.signed(difference.mean)}"
    return say(
        "{level} {difference} (95 % interval {interval}, {p})",
        level=level.level,
        difference=texts.signed(difference.mean),
        interval=texts.interval_text(difference, sign=True),
        p=texts.p_phrase(level.p),
    )


def _interactions(grid: GridAnalysis) -> Iterator[str]:
    """Averages over a factor mislead where the best level of another depends on it."""
    for pair in grid.pairs:
        if pair.share < NOTABLE_SHARE:
            return
        one, other = pair.factors
        yield say(
            "{one} and {other} depend on each other: their interaction is {share} of what the factors explain. Do not "
            "choose {one} by its average over {other}; look at the combinations{best}.",
            one=one,
            other=other,
            share=texts.percent(pair.share),
            best=_best_at_each(grid, one),
        )


def _best_at_each(grid: GridAnalysis, factor: str) -> str:
    effect = next((effect for effect in grid.effects if effect.factor == factor), None)
    if effect is None:
        return ""
    values = [level.at_best for level in effect.levels]
    return say(
        ": each {factor} with the levels that suit it best reaches {low} to {high}",
        factor=factor,
        low=texts.number(min(values)),
        high=texts.number(max(values)),
    )


def _overfitting(found: FactorOverfitting, grid: GridAnalysis) -> str:
    levels = sorted(found.levels.items(), key=lambda one: -one[1].rise)
    (most, high), (least, low) = levels[0], levels[-1]
    practical = grid.standings.practical if grid.standings else 0.0
    apart = found.apart_at_best
    told = say(
        "Overfitting depends on {factor}: with {most} the validation loss is lowest after epoch {turn} on average and "
        "rises by {high} until the last one; with {least} it rises by {low}. The gap between training and validation "
        "({metric}) is {high_gap} and {low_gap}. At each training's best epoch the levels lie within {apart}",
        factor=found.factor,
        most=most,
        turn=f"{high.turn:.0f}",
        high=texts.number(high.rise, 4),
        least=least,
        low=texts.number(low.rise, 4),
        metric=found.objective.metric,
        high_gap=texts.number(high.gap, 4),
        low_gap=texts.number(low.gap, 4),
        apart=texts.number(apart, 4),
    )
    return f"{told}{say(', so stopping early does as well.')}" if apart <= practical else f"{told}."


def _doubts(analysis: Analysis, grid: GridAnalysis) -> Iterator[str]:
    if grid.looks > 1 and not analysis.study.design.adaptive:
        yield say(
            "The study was extended after a look at its results, so each of {looks} looks may rule out the best one in "
            "{share} of studies only (Bonferroni).",
            looks=grid.looks,
            share=texts.percent(FAMILY_ERROR / grid.looks),
        )
    pending = analysis.overview.budget - analysis.overview.ended
    if pending:
        yield say(
            "{trials} of the grid {verb} not trained yet. Compared are the {finished} of {planned} replicates whose "
            "every cell has ended; the rest waits.",
            trials=texts.counted(pending, "trial"),
            verb="is" if pending == 1 else "are",
            finished=len(grid.values.finished),
            planned=grid.values.values.shape[1],
        )
    for effect in grid.effects:
        if effect.values.excluded:
            names = texts.listed([f"{effect.factor}={level}" for level in effect.values.excluded])
            yield say("{levels} failed too often to be compared on equal terms.", levels=names)
        if left_out := dropped(effect):
            yield left_out


def dropped(effect: FactorEffect) -> str:
    """Which combinations of the other factors count for no level, as values are missing; "" if none are."""
    compared, every = len(effect.values.contexts), effect.values.all_contexts
    if compared == every:
        return ""
    return say(
        "{factor} is compared over {number} of {all} combinations of the other factors: those in which all its levels "
        "could be trained.",
        factor=effect.factor,
        number=compared,
        all=every,
    )
