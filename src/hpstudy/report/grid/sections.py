"""A grid's numbers as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.curves import FactorCurves
from hpstudy.analysis.effects import FactorEffect, LevelEffect
from hpstudy.analysis.ranking import RankedCell
from hpstudy.analysis.standings import Verdict
from hpstudy.analysis.variance import PairCells, Share
from hpstudy.report import texts
from hpstudy.report.document import Number, Row, Table
from hpstudy.report.grid.details import dropped
from hpstudy.report.languages import say
from hpstudy.study.spec import Study

MOST_CELLS = 200  # in the table of configurations
MOST_PAIRS = 6  # of factors, in tables and figures


def cells_table(analysis: Analysis, grid: GridAnalysis) -> Table:
    """The best configurations, each against the best on the same replicates."""
    metric = analysis.study.objectives[0].metric
    shown = grid.cells[:MOST_CELLS]
    more = (
        say(" The best {shown} of {all}.", shown=len(shown), all=len(grid.cells))
        if len(grid.cells) > len(shown)
        else ""
    )
    return Table(
        title=_cells_title(len(shown), len(grid.cells)),
        columns=(
            *analysis.study.vary,
            say("mean {metric}", metric=metric),
            "95 % interval",
            "n",
            *_diverged_column(shown),
            "difference to best",
            "verdict",
            "on new data",
            "best with",
            "within practical",
            "training, s",
            "parameters",
        ),
        rows=tuple(_cell_row(analysis, cell, bool(_diverged_column(shown))) for cell in shown),
        caption=_cells_caption(analysis.study, grid) + more,
        spare=("training, s", "parameters", "within practical"),
    )


def _cells_title(shown: int, every: int) -> str:
    if shown < every:
        return say("Configurations, the best {shown} of {all}", shown=shown, all=every)
    return say("Configurations, best first")


def _diverged_column(cells: Sequence[RankedCell]) -> tuple[str, ...]:
    """None where no trial diverged."""
    return ("diverged",) if any(cell.diverged for cell in cells) else ()


def _cell_row(analysis: Analysis, cell: RankedCell, has_diverged: bool) -> Row:
    levels = analysis.texts.row(analysis.study.vary, cell.params)
    return (
        *levels,
        texts.sortable(cell.mean.mean),
        texts.interval_text(cell.mean),
        texts.count(cell.mean.n),
        *((texts.count(cell.diverged),) if has_diverged else ()),
        Number(value=cell.difference, text=texts.signed(cell.difference)) if cell.difference else None,
        cell.verdict.value if cell.mean.n > 1 else None,
        Verdict.WORSE.value if cell.worse_on_new_data else None,
        _probability(cell.p_best),
        _probability(cell.equivalent),
        texts.sortable(cell.train_s, 1),
        texts.count(int(cell.parameters)) if cell.parameters is not None else None,
    )


def _probability(share: float) -> Number | None:
    """Whole percent, as all of a column."""
    if math.isnan(share):
        return None
    return Number(value=share, text="< 1 %" if 0 <= share < 0.005 else f"{100 * share:.0f} %")


def _cells_caption(study: Study, grid: GridAnalysis) -> str:
    practical = texts.number(grid.standings.practical) if grid.standings else "–"
    return say(
        "Mean over n replicates with its 95 % interval {where}. The other columns are about training again on these "
        "data. Equivalent: within {practical} of the best one with a probability of at least 95 %. Worse: ruled out as "
        "the best (multiple comparisons with the best, family error 5 %); on new data, by the corrected resampled "
        "t-test. Best with: probability of being the best. Within practical: probability of lying within {practical} "
        "of it.",
        practical=practical,
        where=texts.of_which_data(study),
    )


def factor_table(analysis: Analysis, effect: FactorEffect) -> Table:
    metric = analysis.study.objectives[0].metric
    reference = say("baseline {level}", level=effect.reference) if effect.is_baseline else effect.reference
    beside = ("its 95 % interval", "p (Holm)", "effect size g") if effect.is_baseline else ()
    return Table(
        title=say("Factor {factor}", factor=effect.factor),
        columns=(
            "rank",
            effect.factor,
            say("mean {metric}", metric=metric),
            "95 % interval",
            say("difference to {reference}", reference=reference),
            *beside,
            "verdict",
            "on new data",
            "best with",
            "at its best",
            "replicates needed",
        ),
        rows=tuple(_level_row(effect, level) for level in effect.levels),
        caption=_factor_caption(analysis.study, effect),
        spare=("effect size g", "at its best", "replicates needed"),
    )


def _level_row(effect: FactorEffect, level: LevelEffect) -> Row:
    difference = level.difference
    beside: Row = ()
    if effect.is_baseline:
        beside = (
            texts.interval_text(difference.interval, sign=True) if difference else None,
            texts.p_number(level.p),
            texts.sortable(difference.effect, 2) if difference else None,
        )
    return (
        texts.count(level.rank),
        level.level,
        texts.sortable(level.mean.mean),
        texts.interval_text(level.mean),
        Number(value=difference.interval.mean, text=texts.signed(difference.interval.mean)) if difference else None,
        *beside,
        level.verdict.value if level.mean.n > 1 else None,
        Verdict.WORSE.value if level.worse_on_new_data else None,
        _probability(level.p_best),
        texts.sortable(level.at_best),
        texts.count(level.needed) if level.needed is not None else None,
    )


def _factor_caption(study: Study, effect: FactorEffect) -> str:
    contexts, n = len(effect.values.contexts), len(effect.values.replicates)
    over = say("one configuration each")
    if contexts > 1:
        over = say("{combinations} of the other factors", combinations=texts.counted(contexts, "combination"))
    tests = ""
    if effect.is_baseline:
        tests = say(
            " Intervals of differences and paired t-tests over {n} replicates, p corrected for all comparisons.", n=n
        )
    any_effect = ""
    if effect.p_any:
        any_effect = say(" Do the levels differ at all? {p} (F-test).", p=texts.p_phrase(effect.p_any))
    caption = say(
        "Means over {over}, with 95 % intervals {where}.{tests} Verdicts are about training again on these data: "
        "equivalent within {practical} of the best level, worse, or undecided.{any_effect} “At its best” is the mean "
        "of the level's best configuration. “Replicates needed” would decide it, if the difference is as seen, with "
        "80 % power.",
        over=over,
        where=texts.of_which_data(study),
        tests=tests,
        practical=texts.number(effect.practical),
        any_effect=any_effect,
    )
    return f"{caption} {left_out}" if (left_out := dropped(effect)) else caption


def shares_table(grid: GridAnalysis) -> Table | None:
    if not grid.shares:
        return None
    return Table(
        title="Share of variance",
        columns=("source", "share, %"),
        rows=tuple((share_name(share), texts.sortable(100 * share.share, 1)) for share in grid.shares),
        caption=(
            "Shares of the sum of squares over all trials (analysis of variance, type II) that seed and split, which "
            "replicates share, leave to explain. A × B is what the two do together beyond each alone; the rest is "
            "chance and higher interactions."
        ),
    )


def share_name(share: Share) -> str:
    if not share.factors:
        return say("rest")
    return " × ".join(share.factors)


def pair_table(analysis: Analysis, pair: PairCells) -> Table:
    one, other = pair.factors
    metric = analysis.study.objectives[0].metric
    rows = tuple(
        (level, *(_mean_of(pair, level, column) for column in pair.levels[1]))
        for level in pair.levels[0]
        if any((level, column) in pair.means for column in pair.levels[1])
    )
    return Table(
        title=say("{one} × {other}: mean {metric}", one=one, other=other, metric=metric),
        columns=(one, *(f"{other} {level}" for level in pair.levels[1])),
        rows=rows,
        caption=say(
            "The interaction is {share} of the variance. Means over replicates{others}.{missing}",
            share=texts.percent(pair.share),
            others=say(" and the other factors") if len(analysis.study.vary) > 2 else "",
            missing=_missing(pair),
        ),
        is_short=False,
    )


def _missing(pair: PairCells) -> str:
    if len(pair.means) == len(pair.levels[0]) * len(pair.levels[1]):
        return ""
    return say(" A dash: no trial of this combination could be compared.")


def _mean_of(pair: PairCells, level: str, column: str) -> Number | None:
    found = pair.means.get((level, column))
    return texts.sortable(found.mean) if found else None


def curves_table(curves: FactorCurves) -> Table:
    return Table(
        title=say("Learning by {factor}", factor=curves.factor),
        columns=(
            curves.factor,
            "trials",
            say("last training {metric}", metric=curves.metric.removeprefix("val_")),
            say("last {metric}", metric=curves.metric),
            "gap",
            say("best {metric}", metric=curves.metric),
            "in epoch",
        ),
        rows=tuple(
            (
                level.level,
                texts.count(level.trials),
                texts.sortable(level.final_training),
                texts.sortable(level.final_validation),
                texts.sortable(level.gap),
                texts.sortable(level.best_value),
                texts.sortable(level.best_epoch, 1),
            )
            for level in curves.levels
        ),
        caption=(
            "Means over complete trials. The gap is how much better the training score is than the validation score "
            "after the last epoch: overfitting. “In epoch” is where validation was best."
        ),
        is_short=False,
    )
