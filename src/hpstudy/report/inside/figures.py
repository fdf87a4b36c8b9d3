"""Figures of the inside of the networks: gradients by layer and epoch, histograms of activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.inside import Histogram, InsideCell, InsideLayer, Panel
from hpstudy.report import style
from hpstudy.report.document import Figure
from hpstudy.report.languages import say
from hpstudy.study.spec import Study

_MOST_PANELS = 6
_MOST_LINES = 8
_MOST_HISTOGRAMS = 12  # configurations; one figure shows all layers of one
_TAIL = 0.005  # share of each layer's values that the axis leaves out at each end


def inside_figures(study: Study, panels: Sequence[Panel]) -> list[Figure]:
    """The gradients of every panel, then the activations of the deepest configurations."""
    figures = [figure for panel in panels[:_MOST_PANELS] for figure in _gradient_figures(study, panel)]
    cells = [cell for panel in panels for cell in panel.cells if any(layer.start for layer in cell.layers)]
    if len(cells) > _MOST_HISTOGRAMS:
        deepest = max(len(cell.layers) for cell in cells)
        cells = [cell for cell in cells if len(cell.layers) == deepest]
    return [*figures, *(_activation_figure(study, cell) for cell in cells[:_MOST_HISTOGRAMS])]


def _gradient_figures(study: Study, panel: Panel) -> list[Figure]:
    cells = [cell for cell in panel.cells if cell.learning][:_MOST_LINES]
    if not any(len(cell.learning) > 2 for cell in cells):  # of two layers the table says all
        return []
    where = say(" with {levels}", levels=study.texts.describe(panel.context)) if panel.context else ""
    cut = ""
    if len(cells) < len(panel.cells):
        cut = say(" The first {shown} of {all} levels.", shown=len(cells), all=len(panel.cells))
    lines = [(_colour(study, panel, cell), cell) for cell in cells]
    legend = tuple((style.colour(number), _label(study, panel, cell)) for number, cell in lines) if panel.factor else ()
    return [
        Figure(
            title=say("Gradient norm by layer{where}", where=where),
            caption=say(
                "Gradient norm by layer{where}, log scale: at the start (solid, marked) and after training (dashed). "
                "The last layer is the output.",
                where=where,
            )
            + cut,
            svg=style.draw(lambda axes: _by_layer(axes, lines)),
            legend=legend,
        ),
        Figure(
            title=say("Gradient norm by epoch{where}", where=where),
            caption=say(
                "Gradient norm by epoch{where}, log scale: of the first layer (solid) and of the last one (dashed); "
                "epoch 0 is before training.",
                where=where,
            )
            + cut,
            svg=style.draw(lambda axes: _by_epoch(axes, lines)),
            legend=legend,
        ),
    ]


def _colour(study: Study, panel: Panel, cell: InsideCell) -> int:
    """A level has the same colour in every panel."""
    levels = study.vary[panel.factor].levels if panel.factor else ()
    level = cell.params.get(panel.factor)
    return levels.index(level) if level in levels else 0


def _label(study: Study, panel: Panel, cell: InsideCell) -> str:
    if panel.factor not in cell.params:
        return say("without {factor}", factor=panel.factor)
    return f"{panel.factor} {study.texts.text(panel.factor, cell.params[panel.factor])}"


def _by_layer(axes: Any, lines: Sequence[tuple[int, InsideCell]]) -> None:
    for number, cell in lines:
        places = range(1, len(cell.learning) + 1)
        mark = {"color": style.colour(number), "markersize": 4}
        axes.plot(places, _drawable([layer.gradient_norms[0] for layer in cell.learning]),
                  marker=style.marker(number), **mark)  # fmt: skip
        axes.plot(places, _drawable([layer.final_norm for layer in cell.learning]), linestyle="--", **mark)
    _log_axis(axes, say("layer"))


def _by_epoch(axes: Any, lines: Sequence[tuple[int, InsideCell]]) -> None:
    for number, cell in lines:
        first, last = cell.learning[0].gradient_norms, cell.learning[-1].gradient_norms
        axes.plot(range(len(first)), _drawable(first), color=style.colour(number),
                  marker=style.marker(number), markersize=3)  # fmt: skip
        if len(cell.learning) > 1:
            axes.plot(range(len(last)), _drawable(last), color=style.colour(number), linestyle="--")
    _log_axis(axes, say("epoch"))


def _drawable(values: Any) -> Any:
    """Zero has no place on a log scale, so the line has a gap."""
    numbers = np.asarray(values, float)
    return np.where(numbers > 0, numbers, np.nan)


def _log_axis(axes: Any, along: str) -> None:
    axes.set_yscale("log")
    axes.set_xlabel(along)
    axes.set_ylabel(say("gradient norm"))
    axes.xaxis.get_major_locator().set_params(integer=True)


def _activation_figure(study: Study, cell: InsideCell) -> Figure:
    layers = [layer for layer in cell.layers if layer.start or layer.end]
    described = study.texts.describe(cell.params)
    where = say(" with {levels}", levels=described) if described else ""
    size = (style.PANEL[0], min(4.5, 0.9 + 0.42 * len(layers)))
    return Figure(
        title=say("Activations by layer{where}", where=where),
        caption=say(
            "Activations by layer{where}, the first one at the bottom: at the start (line) and after training "
            "(filled). Heights: square root of the share of values, each curve to its own maximum.",
            where=where,
        ),
        svg=style.draw(lambda axes: _ridges(axes, layers), size),
        legend=((style.colour(1), say("start")), (style.colour(0), say("after training"))),
    )


def _ridges(axes: Any, layers: Sequence[InsideLayer]) -> None:
    for place, layer in enumerate(layers):
        if layer.end:
            heights = place + _heights(layer.end)
            axes.stairs(heights, layer.end.edges, baseline=place, fill=True, color=style.colour(0), alpha=0.45)
        if layer.start:
            heights = place + _heights(layer.start)
            axes.stairs(heights, layer.start.edges, baseline=place, color=style.colour(1), linewidth=1.1)
    axes.set_yticks(range(len(layers)), [style.shortened(layer.name) for layer in layers], **style.PLAIN)
    axes.set_ylim(-0.1, len(layers))
    low, high = _limits([one for layer in layers for one in (layer.start, layer.end) if one])
    axes.set_xlim(low, high)
    axes.set_xlabel(say("activation"))
    axes.grid(axis="y", visible=False)


def _heights(histogram: Histogram) -> Any:
    """The heights of the bins, at most 0.9."""
    return 0.9 * np.sqrt(histogram.shares / (histogram.shares.max() or 1.0))


def _limits(histograms: Sequence[Histogram]) -> tuple[float, float]:
    """The limits of an axis that holds all layers except their longest tails."""
    lows, highs = zip(*(_middle(histogram) for histogram in histograms), strict=True)
    low, high = min(lows), max(highs)
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def _middle(histogram: Histogram) -> tuple[float, float]:
    below = np.cumsum(histogram.shares)
    first = int(np.searchsorted(below, _TAIL, side="right"))
    last = int(np.searchsorted(below, 1 - _TAIL))
    edges = histogram.edges
    return float(edges[min(first, len(edges) - 2)]), float(edges[min(last, len(edges) - 2) + 1])
