"""A search's numbers as tables."""

from __future__ import annotations

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.search import MOST_LISTED, SearchResult
from hpstudy.report import texts
from hpstudy.report.document import Number, Table
from hpstudy.study.factors import Level


def trials_table(analysis: Analysis, search: SearchResult) -> Table | None:
    """The best trials, or the Pareto front."""
    if not search.complete:
        return None
    study = analysis.study
    several = len(study.objectives) > 1
    shown = (search.front if several else search.trained)[:MOST_LISTED]
    repeats = len(search.complete) - len(search.trained)
    left_out = f"; {repeats} that repeat others are left out" if repeats and not several else ""
    names = [name for name in study.vary if any(name in record.params for record in shown)]
    return Table(
        title=f"Pareto front, {len(search.front)} trials" if several else "Best trials",
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
        caption=(
            f"The first {len(shown)} of {texts.counted(len(search.complete), 'complete trial')}, each one training "
            f"with the study's seed{left_out}."
        ),
        spare=("epochs", "training, s", "parameters"),
    )


def _level(analysis: Analysis, name: str, level: Level) -> str | Number:
    text = analysis.texts.text(name, level)
    if isinstance(level, int | float) and not isinstance(level, bool):
        return Number(value=float(level), text=text)
    return text


def importances_table(search: SearchResult) -> Table | None:
    if not search.importances:
        return None
    return Table(
        title="Importance of the factors",
        columns=("factor", "PED-ANOVA, %", "fANOVA, %"),
        rows=tuple(
            (
                importance.factor,
                texts.sortable(_percent(importance.ped_anova), 1),
                texts.sortable(_percent(importance.fanova), 1),
            )
            for importance in search.importances
        ),
        caption=(
            f"By Optuna over {texts.counted(len(search.complete), 'complete trial')}, pruned ones left out. PED-ANOVA: "
            "for being among the best tenth. fANOVA: share of the variance over the whole range, for factors that "
            "every trial has. Both are estimates, and rough ones below a hundred trials."
        ),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
