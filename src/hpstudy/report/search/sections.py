"""A search's numbers as tables."""

from __future__ import annotations

from math import isnan

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.finalists import Finalists
from hpstudy.analysis.ranking import interval_of
from hpstudy.analysis.search import MOST_LISTED, SearchResult
from hpstudy.analysis.statistics import bounds_of
from hpstudy.report import texts
from hpstudy.report.document import Number, Table
from hpstudy.report.languages import say
from hpstudy.study.domains import Float
from hpstudy.study.factors import Level


def trials_table(analysis: Analysis, search: SearchResult) -> Table | None:
    """The best trials, or the Pareto front."""
    if not search.complete:
        return None
    study = analysis.study
    several = len(study.objectives) > 1
    shown = (search.front if several else search.trained)[:MOST_LISTED]
    repeats = len(search.complete) - len(search.trained)
    left_out = say("; {number} that repeat others are left out", number=repeats) if repeats and not several else ""
    names = [name for name in study.vary if any(name in record.params for record in shown)]
    return Table(
        title=say("Pareto front, {number} trials", number=len(search.front)) if several else say("Best trials"),
        columns=(
            "trial",
            *(objective.metric for objective in study.objectives),
            *names,
            "epochs",
            "training, s",
            "parameters",
        ),
        rows=tuple(
            (
                texts.count(record.number),
                *(texts.sortable(value) for value in record.values or ()),
                *(_level(analysis, name, record.params[name]) if name in record.params else None for name in names),
                texts.count(len(record.history)),
                texts.sortable(record.metrics.get("train_s"), 1),
                texts.sortable(record.metrics.get("parameters"), 0),
            )
            for record in shown
        ),
        caption=say(
            "The first {shown} of {trials}, each one training with the study's seed{left_out}.",
            shown=len(shown),
            trials=texts.counted(len(search.complete), "complete trial"),
            left_out=left_out,
        ),
        spare=("epochs", "training, s", "parameters"),
    )


def _level(analysis: Analysis, name: str, level: Level) -> str | Number:
    text = analysis.texts.text(name, level)
    if isinstance(analysis.study.vary[name], Float) and float(text) == float(padded := f"{level:#.4g}"):
        text = padded  # as many digits as the others of its column
    if isinstance(level, int | float) and not isinstance(level, bool):
        return Number(value=float(level), text=text, is_exact=True)
    return text


def finalists_table(analysis: Analysis, finalists: Finalists) -> Table:
    """Each finalist by the mean of its confirmations."""
    found, objective = finalists.standings, analysis.study.objectives[0]
    bounds = bounds_of(objective.metric)
    rows = []
    for place, origin in enumerate(finalists.origins):
        mean = interval_of(found, place, objective.sign, bounds)
        rows.append(
            (
                texts.count(origin.number),
                texts.sortable(mean.mean),
                texts.interval_text(mean),
                texts.count(mean.n),
                found.verdicts[place].value if mean.n > 1 else None,
                None if isnan(found.p_best[place]) else texts.sortable(100 * float(found.p_best[place]), 0),
                texts.sortable(origin.value),
            )
        )
    return Table(
        title="Finalists, best first",
        columns=(
            "trial",
            say("mean {metric}", metric=objective.metric),
            "95 % interval",
            "n",
            "verdict",
            "best with, %",
            "in the search",
        ),
        rows=tuple(rows),
        caption=(
            "The best configurations of the search, each trained again under the same fresh seeds and splits. The mean "
            "is over these alone, with its interval on new data; the verdict is about training again on these data. "
            "“In the search” is the score that made it a finalist."
        ),
    )


def importances_table(search: SearchResult) -> Table | None:
    if not search.importances:
        return None
    return Table(
        title="Importance of the factors",
        columns=("factor", "PED-ANOVA, %", "from, %", "to, %", "fANOVA, %"),
        rows=tuple(
            (
                importance.factor,
                texts.sortable(_percent(importance.ped_anova), 1),
                *(texts.sortable(_percent(end), 1) for end in importance.spread or (None, None)),
                texts.sortable(_percent(importance.fanova), 1),
            )
            for importance in search.importances
        ),
        caption=say(
            "By Optuna over {trials}, pruned ones left out. PED-ANOVA: for being among the best tenth; from and to: "
            "its range over 20 random parts of two thirds of the trials. fANOVA: share of the variance over the whole "
            "range, for factors that every trial has. All are estimates, and rough ones below a hundred trials.",
            trials=texts.counted(len(search.complete), "complete trial"),
        ),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
