"""The searches of a Compare in the report: what they found, and how the score depends on what they tuned."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.statistics import Floats
from hpstudy.analysis.tuning import spans
from hpstudy.report import style, texts
from hpstudy.report.answer import short
from hpstudy.report.document import Figure, Section, Table
from hpstudy.report.languages import say
from hpstudy.study.domains import Choice, Domain

_MOST_CELLS = 8  # lines in one figure


def tuned_findings(analysis: Analysis) -> list[str]:
    """Which levels of the nuisance factors won, cell by cell."""
    study = analysis.study
    found = []
    for name in study.tune:
        ranges = [(cell, spans(cell, name)) for cell in analysis.tuned]
        told = [f"{short(study, cell.params)} {texts.range_text(span)}" for cell, span in ranges if span]
        if told:
            found.append(say("{factor} that won, over replicates: {levels}.", factor=name, levels="; ".join(told)))
    return found


def tuned_section(analysis: Analysis, *, figures: bool) -> Section | None:
    if not analysis.tuned:
        return None
    pictures = [_course(analysis), *_slices(analysis)] if figures else []
    return Section(title="Tuning", tables=(_winners(analysis),), figures=tuple(pictures))


def _winners(analysis: Analysis) -> Table:
    study = analysis.study
    metric = study.objectives[0].metric
    rows = [
        (
            *study.texts.row(study.vary, cell.params),
            texts.count(record.replicate),
            *(study.texts.text(name, record.params[name]) if name in record.params else None for name in study.tune),
            texts.sortable(record.value),
        )
        for cell in analysis.tuned
        for record in cell.winners
    ]
    return Table(
        title="What each search found",
        columns=(*study.vary, "replicate", *study.tune, say("{metric} of its confirmation", metric=metric)),
        rows=tuple(rows),
        caption=(
            "The nuisance levels with the best score of each search, trained once more under a seed and split that no "
            "search has. Levels that lie close together over replicates say that it matters to hit them."
        ),
        is_short=False,
    )


def _course(analysis: Analysis) -> Figure:
    """The best score so far by trials, a line for each cell."""
    shown, metric = analysis.tuned[:_MOST_CELLS], analysis.study.objectives[0].metric

    def paint(axes: Any) -> None:
        for number, cell in enumerate(shown):
            trials = np.arange(1, len(cell.best) + 1)
            colour = style.colour(number)
            axes.plot(trials, cell.best, color=colour, linestyle=style.dash(number), marker=style.marker(number), ms=3)
            if cell.low is not None and cell.high is not None:
                axes.fill_between(trials, cell.low, cell.high, color=colour, alpha=0.12, linewidth=0)
        axes.set_xlabel(say("trials of a search"))
        axes.set_ylabel(say("best {metric} so far", metric=metric))

    return Figure(
        title=say("Best {metric} by number of trials", metric=metric),
        caption=(
            "The best score of a search after so many trials, mean over replicates; bands: 95 % t-intervals. A line "
            "that still rises at its end says that more trials would find better ones."
        ),
        svg=style.draw(paint),
        legend=style.legend([short(analysis.study, cell.params) for cell in shown]),
    )


def _slices(analysis: Analysis) -> list[Figure]:
    """The score of every trial by a nuisance factor, coloured by cell."""
    return [_slice(analysis, name, domain) for name, domain in analysis.study.tune.items() if _is_range(domain)]


def _is_range(domain: Domain) -> bool:
    return not isinstance(domain, Choice)


def _slice(analysis: Analysis, name: str, domain: Any) -> Figure:
    metric = analysis.study.objectives[0].metric
    shown = [cell for cell in analysis.tuned if any(name in record.params for record in cell.trials)][:_MOST_CELLS]

    def paint(axes: Any) -> None:
        for number, cell in enumerate(shown):
            points = sorted((r.params[name], r.value) for r in cell.trials if name in r.params)
            x, y = (np.array(values, float) for values in zip(*points, strict=True))
            look = {"color": style.colour(number), "marker": style.marker(number)}
            axes.scatter(x, y, s=14, alpha=0.7, linewidth=0, rasterized=style.is_large(len(x)), **look)
            axes.plot(*_smoothed(x, y, log=domain.log), color=style.colour(number), linestyle=style.dash(number))
        axes.set_xscale("log" if domain.log else "linear")
        axes.set_xlabel(name)
        axes.set_ylabel(metric)

    return Figure(
        title=say("{metric} by {factor}", metric=metric, factor=name),
        caption=say(
            "Every complete trial of the searches by {factor}; the line joins medians of tenths of the range. A narrow "
            "peak says that a level stands or falls with this factor.",
            factor=name,
        ),
        svg=style.draw(paint),
        legend=style.legend([short(analysis.study, cell.params) for cell in shown]),
    )


def _smoothed(x: Floats, y: Floats, *, log: bool) -> tuple[Floats, Floats]:
    """Medians of the scores in ten even parts of the range, where there are trials."""
    along = np.log(x) if log else x
    parts = np.linspace(along.min(), along.max() + 1e-12, 11)
    owner = np.clip(np.digitize(along, parts) - 1, 0, 9)
    known = [part for part in range(10) if (owner == part).any()]
    middles = np.array([along[owner == part].mean() for part in known])
    return np.exp(middles) if log else middles, np.array([np.median(y[owner == part]) for part in known])
