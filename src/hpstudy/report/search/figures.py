"""Figures of a search: history, slices, a contour, parallel coordinates, the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.search import SearchResult
from hpstudy.analysis.statistics import Floats
from hpstudy.records import TrialRecord, TrialState
from hpstudy.report import style
from hpstudy.report.document import Figure
from hpstudy.report.languages import say, word
from hpstudy.study.domains import Choice, Domain, Int
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

_FEW_PLACES = 4  # places on an axis; with so few there is no plane to interpolate over
_MOST_SLICES = 12
_MOST_LINES = 400  # in parallel coordinates; more would be a smear


def search_figures(analysis: Analysis, search: SearchResult) -> list[Figure]:
    """All but the history, which stands beside the answer."""
    if len(search.complete) < 2:
        return []
    figures = []
    if len(analysis.study.objectives) > 1:
        figures.append(pareto_figure(analysis, search))
    figures.append(parallel_figure(analysis, search))
    seen = [name for name in _by_importance(analysis, search) if sum(name in one.params for one in search.complete) > 1]
    figures += [slice_figure(analysis, search, name) for name in seen[:_MOST_SLICES]]
    contour = contour_figure(analysis, search)
    return [*figures, contour] if contour else figures


def history_figure(analysis: Analysis, search: SearchResult) -> Figure:
    metric = analysis.study.objectives[0].metric
    pruned = [record for record in analysis.records if record.state == TrialState.PRUNED and record.pruning]
    complete = [(record.number, record.value or 0.0) for record in search.complete]
    ended = [(record.number, record.pruning[max(record.pruning)]) for record in pruned]
    steps = [*search.best_so_far, (max(record.number for record in analysis.records), search.best_so_far[-1][1])]

    def paint(axes: Any) -> None:
        large = style.is_large(len(complete) + len(ended))
        _dots(axes, complete, 0, "o", large)
        _dots(axes, ended, 7, "x", large)
        axes.step(*zip(*steps, strict=True), where="post", color=style.colour(1))
        axes.set_ylim(*_limits([value for _, value in (*complete, *ended)]))
        axes.set_xlabel(say("trial"))
        axes.set_ylabel(metric)

    legend = [(style.colour(0), say("complete ●")), (style.colour(1), say("best so far —"))]
    if ended:
        legend.append((style.colour(7), say("pruned ×, value when it ended")))
    return Figure(
        title=say("{metric} by trial", metric=metric),
        caption="The course of the search: every trial in the order in which they started.",
        svg=style.draw(paint),
        legend=tuple(legend),
    )


def _dots(axes: Any, points: Sequence[tuple[float, float]], number: int, marker: str, large: bool) -> None:
    if points:
        x, y = zip(*points, strict=True)
        look: dict[str, Any] = {"linewidth": 1.2 if marker == "x" else 0}
        axes.scatter(x, y, s=20, color=style.colour(number), marker=marker, alpha=0.75, rasterized=large, **look)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Limits without the few values that are so far off that the others would become one line."""
    finite = np.array([value for value in values if math.isfinite(value)])
    low, middle, high = np.quantile(finite, (0.02, 0.5, 0.98)) if len(finite) else (0.0, 0.5, 1.0)
    low, high = max(finite.min(), middle - 4 * (middle - low)), min(finite.max(), middle + 4 * (high - middle))
    margin = 0.06 * (high - low) or 0.01 * abs(high) or 0.01
    return float(low - margin), float(high + margin)


def slice_figure(analysis: Analysis, search: SearchResult, name: str) -> Figure:
    """The objective by the levels of one factor."""
    metric = analysis.study.objectives[0].metric
    domain = analysis.study.vary[name]
    trials = [record for record in search.complete if name in record.params]

    def paint(axes: Any) -> None:
        x = _places(domain, trials, name)
        if isinstance(domain, Choice):
            x = x + np.random.default_rng(0).uniform(-0.15, 0.15, len(x))  # keeps equal levels from hiding each other
            style.level_ticks(axes, [text for _, text in _marks(analysis.study, name)])
        elif domain.log:
            axes.set_xscale("log")
        elif isinstance(domain, Int):
            axes.xaxis.get_major_locator().set_params(integer=True)
        numbers = [record.number for record in trials]
        y = [record.value for record in trials]
        dots = axes.scatter(
            x, y, c=numbers, cmap=style.shades(), s=20, alpha=0.85, linewidth=0, rasterized=style.is_large(len(trials))
        )
        axes.set_ylim(*_limits([record.value or 0.0 for record in trials]))
        axes.figure.colorbar(dots, ax=axes, label=say("trial"))
        axes.set_xlabel(name)
        axes.set_ylabel(metric)

    return Figure(
        title=say("{metric} by {factor}", metric=metric, factor=name),
        caption=say(
            "Slice: {metric} of every complete trial by {factor}; later trials are lighter.", metric=metric, factor=name
        ),
        svg=style.draw(paint),
    )


def contour_figure(analysis: Analysis, search: SearchResult) -> Figure | None:
    """The objective over the two most important ranges."""
    names = [
        name
        for name in _by_importance(analysis, search)
        if not isinstance(analysis.study.vary[name], Choice)
        and len({record.params.get(name) for record in search.complete}) > _FEW_PLACES
        and all(name in record.params for record in search.complete)
    ][:2]
    if len(names) < 2:
        return None
    metric = analysis.study.objectives[0].metric
    domains = [analysis.study.vary[name] for name in names]

    def paint(axes: Any) -> None:
        x, y = (_places(domain, search.complete, name) for domain, name in zip(domains, names, strict=True))
        values = np.array([record.value for record in search.complete])
        low, high = _limits(values.tolist())
        look = {"vmin": low, "vmax": high, "cmap": style.shades()}
        logs = [not isinstance(domain, Choice) and domain.log for domain in domains]
        _filled(axes, x, y, values.clip(low, high), logs, look)
        dots = axes.scatter(
            x, y, c=values, s=16, edgecolor=style._INK, linewidth=0.4, rasterized=style.is_large(len(x)), **look
        )
        axes.set_xscale("log" if logs[0] else "linear")
        axes.set_yscale("log" if logs[1] else "linear")
        axes.figure.colorbar(dots, ax=axes, label=metric)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])

    return Figure(
        title=say("{metric} over {one} and {other}", metric=metric, one=names[0], other=names[1]),
        caption=say(
            "Contour: {metric} between the trials (points), interpolated linearly over the two main ranges.",
            metric=metric,
        ),
        svg=style.draw(paint),
    )


def _filled(axes: Any, x: Floats, y: Floats, values: Floats, logs: Sequence[bool], look: dict[str, Any]) -> None:
    """Linear interpolation between the trials (Delaunay), if they span a plane."""
    from matplotlib.tri import Triangulation

    try:
        flat = Triangulation(np.log(x) if logs[0] else x, np.log(y) if logs[1] else y)
    except (RuntimeError, ValueError):
        return
    axes.tricontourf(Triangulation(x, y, flat.triangles), values, levels=12, alpha=0.55, **look)


def parallel_figure(analysis: Analysis, search: SearchResult) -> Figure:
    """Every trial is a line across the factors; the best tenth stands out."""
    study = analysis.study
    names = list(study.vary)
    trials = search.complete[:_MOST_LINES]
    strong = max(1, len(trials) // 10)

    def paint(axes: Any) -> None:
        for place in range(len(trials) - 1, -1, -1):  # the best on top
            heights = [_height(study.vary[name], trials[place].params, name) for name in names]
            look = {"linewidth": 1.7, "alpha": 1.0} if place < strong else {"linewidth": 0.8, "alpha": 0.35}
            axes.plot(
                range(len(names)),
                heights,
                color=style.colour(1 if place < strong else 0),
                rasterized=style.is_large(len(trials)),
                **look,
            )
        style.level_ticks(axes, names)
        for place, name in enumerate(names):
            _mark_levels(axes, place, _marks(study, name))
        axes.set_ylim(-0.06, 1.12)
        axes.set_yticks([])
        axes.grid(axis="x", visible=True)
        axes.spines["left"].set_visible(False)

    return Figure(
        title=say("Parallel coordinates of {metric}", metric=study.objectives[0].metric),
        caption=say(
            "Parallel coordinates: each line is a complete trial{only_best}. A line has a gap where a factor does not "
            "exist. Marks name the levels, or the two ends of a range.",
            only_best=_only_best(search),
        ),
        svg=style.draw(paint, (2 * style.PANEL[0], 3.4)),
        legend=(
            (style.colour(1), say("best {number} by {metric}", number=strong, metric=study.objectives[0].metric)),
            (style.colour(0), say("others")),
        ),
        is_wide=True,
    )


def _mark_levels(axes: Any, place: int, marks: Sequence[tuple[float, str]]) -> None:
    for height, text in marks:
        axes.annotate(
            style.shortened(text, 13),
            (place, height),
            xytext=(3, 5),
            textcoords="offset points",
            fontsize=7.5,
        )


def _only_best(search: SearchResult) -> str:
    return say(", of the best {number}", number=_MOST_LINES) if len(search.complete) > _MOST_LINES else ""


def pareto_figure(analysis: Analysis, search: SearchResult) -> Figure:
    one, other = analysis.study.objectives[:2]

    def paint(axes: Any) -> None:
        large = style.is_large(len(search.complete))
        _dots(axes, [(r.values[0], r.values[1]) for r in search.complete if r.values], 7, "o", large)
        front = sorted((record.values[0], record.values[1]) for record in search.front if record.values)
        axes.plot(*zip(*front, strict=True), marker="o", color=style.colour(1), markersize=5)
        axes.set_xlabel(f"{one.metric} ({word(one.direction)})")
        axes.set_ylabel(f"{other.metric} ({word(other.direction)})")

    return Figure(
        title=say("Pareto front of {one} and {other}", one=one.metric, other=other.metric),
        caption=say("The front: trials that no other trial dominates; behind them, all complete trials."),
        svg=style.draw(paint),
        legend=((style.colour(1), say("Pareto front")), (style.colour(7), say("other trials"))),
    )


def _by_importance(analysis: Analysis, search: SearchResult) -> list[str]:
    ranked = [importance.factor for importance in search.importances]
    return [*ranked, *(name for name in analysis.study.vary if name not in ranked)]


def _places(domain: Domain, trials: Sequence[TrialRecord], name: str) -> Floats:
    if isinstance(domain, Choice):
        return np.array([float(domain.levels.index(record.params[name])) for record in trials])
    return np.array([float(record.params[name]) for record in trials])  # type: ignore[arg-type]


def _height(domain: Domain, params: Mapping[str, Any], name: str) -> float:
    """The place on a factor's axis, 0 to 1; NaN if the factor does not exist."""
    if name not in params:
        return math.nan
    if isinstance(domain, Choice):
        return domain.levels.index(params[name]) / max(1, len(domain.levels) - 1)
    if domain.low == domain.high:
        return 0.5
    low, high, at = (math.log(x) if domain.log else float(x) for x in (domain.low, domain.high, params[name]))
    return (at - low) / (high - low)


def _marks(study: Study, name: str) -> list[tuple[float, str]]:
    """Heights on a factor's axis and their labels."""
    domain = study.vary[name]
    return [(_height(domain, {name: level}, name), study.texts.text(name, level)) for level in _marked(domain)]


def _marked(domain: Domain) -> Sequence[Level]:
    return domain.levels if isinstance(domain, Choice) else (domain.low, domain.high)
