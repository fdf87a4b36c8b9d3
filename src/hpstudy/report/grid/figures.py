"""Figures of a grid: intervals, interactions, learning curves, cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.curves import Curve, FactorCurves
from hpstudy.analysis.effects import FactorEffect
from hpstudy.analysis.ranking import RankedCell
from hpstudy.analysis.variance import PairCells
from hpstudy.report import style, texts
from hpstudy.report.document import Figure
from hpstudy.report.grid.details import dropped
from hpstudy.report.languages import say
from hpstudy.study.levels import is_number

_MOST_CURVES = 8  # levels in one figure


def effect_figures(analysis: Analysis, effect: FactorEffect) -> list[Figure]:
    """Means and differences, each with intervals, level by level."""
    metric = analysis.study.objectives[0].metric
    text = analysis.study.texts.text
    declared = [text(effect.factor, level) for level in analysis.study.vary[effect.factor].levels]
    shown = sorted(effect.levels, key=lambda level: declared.index(level.level))
    levels, along = [level.level for level in shown], _is_numeric(analysis, effect.factor)

    def means(axes: Any) -> None:
        _whiskers(axes, [level.mean for level in shown], levels, along=along)
        _name_axes(axes, effect.factor, say("mean {metric}", metric=metric), along=along)

    def differences(axes: Any) -> None:
        gaps = [level.difference.interval if level.difference else None for level in shown]
        _whiskers(axes, gaps, levels, along=along)
        (axes.axhline if along else axes.axvline)(0, color=style._INK, linewidth=1)
        _name_axes(
            axes,
            effect.factor,
            say("difference to {reference}", reference=style.shortened(effect.reference)),
            along=along,
        )

    size = style.PANEL if along else (style.PANEL[0], max(1.6, 0.9 + 0.3 * len(levels)))
    n = effect.best.mean.n
    bars = say("one replicate, so no intervals.")
    if n > 1:
        bars = say("bars: 95 % t-intervals over {n} replicates.", n=n)
    left_out = f" {dropped(effect)}".rstrip()
    return [
        Figure(
            title=say("{metric} by {factor}", metric=metric, factor=effect.factor),
            caption=say("Mean {metric} by {factor}; ", metric=metric, factor=effect.factor) + bars + left_out,
            svg=style.draw(means, size),
        ),
        Figure(
            title=say("Differences of {metric} by {factor}", metric=metric, factor=effect.factor),
            caption=say("Differences to {reference} on the same replicates; ", reference=effect.reference)
            + bars
            + say(" Zero is no difference.")
            + left_out,
            svg=style.draw(differences, size),
        ),
    ]


def _whiskers(axes: Any, intervals: Sequence[Any], levels: Sequence[str], *, along: bool) -> None:
    """A point with its interval for each level.

    Args:
        along: The levels are numbers and stand along x; names stand one below the other.
    """
    look = {"fmt": "o", "color": style.colour(0), "capsize": 3, "markersize": 5}
    for place, interval in enumerate(intervals):
        at = (place, 0.0 if interval is None else interval.mean)
        if interval is None:
            axes.plot(*(at if along else at[::-1]), "_" if along else "|", color=style._INK, markersize=9)
            continue
        arms = interval.arms and np.transpose([interval.arms])
        axes.errorbar(*(at if along else at[::-1]), **{"yerr" if along else "xerr": arms}, **look)
    style.level_ticks(axes, levels, vertical=not along)
    axes.grid(axis="x" if along else "y", visible=False)


def _name_axes(axes: Any, factor: str, label: str, *, along: bool) -> None:
    if along:
        axes.set_xlabel(factor)
        axes.set_ylabel(label)
    else:
        axes.set_xlabel(label)


def pair_figures(analysis: Analysis, pair: PairCells) -> list[Figure]:
    """The interaction plot, a line for each level of the factor with fewer levels; once more from nearby."""
    metric = analysis.study.objectives[0].metric
    numeric = [_is_numeric(analysis, factor) for factor in pair.factors]
    flipped = len(pair.levels[0]) < len(pair.levels[1])
    if numeric[0] != numeric[1]:  # numbers along x, names as lines
        flipped = numeric[1]
    lines, along = (pair.levels[0], pair.levels[1]) if flipped else (pair.levels[1], pair.levels[0])
    line_name, along_name = (pair.factors[0], pair.factors[1]) if flipped else (pair.factors[1], pair.factors[0])

    def paint(axes: Any) -> None:
        for number, line in enumerate(lines):
            found = [pair.means.get((line, level) if flipped else (level, line)) for level in along]
            shift = 0.08 * (number - (len(lines) - 1) / 2)
            places = [place + shift for place, interval in enumerate(found) if interval]
            known = [interval for interval in found if interval]
            if known:
                axes.errorbar(
                    places,
                    [interval.mean for interval in known],
                    yerr=np.transpose([interval.arms or (0.0, 0.0) for interval in known]),
                    color=style.colour(number),
                    marker=style.marker(number),
                    linestyle=style.dash(number),
                    markersize=5,
                    capsize=2,
                    elinewidth=0.9,
                )
        style.level_ticks(axes, along)
        axes.set_xlabel(along_name)
        axes.set_ylabel(say("mean {metric}", metric=metric))

    figure = Figure(
        title=say("Interaction of {along} and {line}", along=along_name, line=line_name),
        caption=say(
            "Mean {metric} by {along}, a line for each {line}; bars: 95 % t-intervals. Lines that are not parallel are "
            "an interaction, here {share} of the variance.",
            metric=metric,
            along=along_name,
            line=line_name,
            share=texts.percent(pair.share),
        ),
        svg=style.draw(paint),
        legend=style.legend([f"{line_name} {line}" for line in lines]),
    )
    return _with_closer(figure, paint, [found.mean for found in pair.means.values()])


def _with_closer(figure: Figure, paint: Callable[[Any], None], values: Sequence[float]) -> list[Figure]:
    """A figure, and the same without what lies far off along y, where that squeezes the others."""
    limits = style.closer(values)
    if limits is None:
        return [figure]

    def paint_closer(axes: Any) -> None:
        paint(axes)
        axes.set_ylim(*limits)

    title = say("{what}, from nearby", what=figure.title)
    caption = figure.caption + say(" From nearby: what lies far off is left out.")
    return [figure, replace(figure, title=title, caption=caption, svg=style.draw(paint_closer))]


def _is_numeric(analysis: Analysis, factor: str) -> bool:
    return all(is_number(level) for level in analysis.study.vary[factor].levels)


def curve_figures(curves: FactorCurves) -> list[Figure]:
    """Validation and training by epoch, and the gap between them."""
    shown = curves.levels[:_MOST_CURVES]
    left_out = ""
    if len(shown) < len(curves.levels):
        left_out = say(" The first {shown} of {all} levels.", shown=len(shown), all=len(curves.levels))
    training_metric = curves.metric.removeprefix("val_")
    sign = 1 if curves.metric == "val_accuracy" else -1

    def validation(axes: Any) -> None:
        for number, level in enumerate(shown):
            _line(axes, level.validation, number)
        _finish(axes, curves.metric)

    def training(axes: Any) -> None:
        for number, level in enumerate(shown):
            _line(axes, level.training, number)
        _finish(axes, say("training {metric}", metric=training_metric))

    def gap(axes: Any) -> None:
        for number, level in enumerate(shown):
            length = min(len(level.training.mean), len(level.validation.mean))
            gaps = sign * (level.training.mean[:length] - level.validation.mean[:length])
            axes.plot(level.validation.epochs[:length], gaps, color=style.colour(number), linestyle=style.dash(number))
        axes.axhline(0, color=style._INK, linewidth=0.8)
        _finish(axes, say("gap"))

    legend = style.legend([level.level if curves.at_best else f"{curves.factor} {level.level}" for level in shown])
    over = say("mean over trials")
    if curves.at_best:
        over = say("each {factor} with the levels of the other factors that suit it best", factor=curves.factor)
    bands = say("One replicate.")
    if shown[0].validation.low is not None:
        bands = say("Bands: 95 % t-intervals over replicates.")
    return [
        Figure(
            title=say("{metric} by epoch and {factor}", metric=curves.metric, factor=curves.factor),
            caption=say("Validation by epoch, {over}. ", over=over) + bands + left_out,
            svg=style.draw(validation),
            legend=legend,
        ),
        Figure(
            title=say("Training {metric} by epoch and {factor}", metric=training_metric, factor=curves.factor),
            caption=say("Training by epoch, {over}, measured while the weights change, with dropout on. ", over=over)
            + bands
            + left_out,
            svg=style.draw(training),
            legend=legend,
        ),
        Figure(
            title=say("Gap between training and validation by epoch and {factor}", factor=curves.factor),
            caption=say("Gap: how much better training is than validation. Growing means overfitting."),
            svg=style.draw(gap),
            legend=legend,
        ),
    ]


def _line(axes: Any, curve: Curve, number: int) -> None:
    few = {"marker": style.marker(number), "markersize": 3.5} if len(curve.epochs) <= 12 else {}
    axes.plot(curve.epochs, curve.mean, color=style.colour(number), linestyle=style.dash(number), **few)
    if curve.low is not None and curve.high is not None:
        axes.fill_between(curve.epochs, curve.low, curve.high, color=style.colour(number), alpha=0.15, linewidth=0)


def _finish(axes: Any, label: str) -> None:
    axes.set_xlabel(say("epoch"))
    axes.set_ylabel(label)
    axes.xaxis.get_major_locator().set_params(integer=True)


def cost_figures(analysis: Analysis, cells: Sequence[RankedCell]) -> list[Figure]:
    """The objective against the time and the size of the network, with a point for each configuration."""
    return [
        figure
        for quantity, label in cost_axes()
        for figure in cost_figure(
            [(getattr(cell, quantity), cell.mean.mean) for cell in cells if getattr(cell, quantity) is not None],
            label,
            analysis.study.objectives[0].metric,
        )
        if analysis.study.objectives[0].metric != quantity
    ]


def cost_axes() -> tuple[tuple[str, str], ...]:
    """What a configuration costs: the name of the metric, and of the axis."""
    return ("train_s", say("training time, s")), ("parameters", say("parameters of the network"))


def cost_figure(points: Sequence[tuple[float, float]], label: str, metric: str) -> list[Figure]:
    """Empty if all cost the same; two if a few values squeeze the axis."""
    if len({x for x, _ in points}) < 2:
        return []
    values = np.array(points)

    def paint(axes: Any) -> None:
        axes.scatter(
            values[:, 0], values[:, 1], s=22, color=style.colour(0), alpha=0.7, linewidth=0,
            rasterized=style.is_large(len(points)),
        )  # fmt: skip
        if values[:, 0].min() > 0 and values[:, 0].max() > 20 * values[:, 0].min():
            axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.set_ylabel(metric)

    figure = Figure(
        title=say("{metric} against {label}", metric=metric, label=label),
        caption=say(
            "{metric} against {label}, a point for each configuration (mean over replicates) or trial.",
            metric=metric,
            label=label,
        ),
        svg=style.draw(paint),
    )
    return _with_closer(figure, paint, values[:, 1].tolist())
