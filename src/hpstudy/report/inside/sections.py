"""The inside of the networks, in sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from hpstudy.analysis.analyse import Analysis
from hpstudy.analysis.inside import Histogram, InsideCell, InsideLayer, panels
from hpstudy.report import texts
from hpstudy.report.document import Figure, Number, Row, Section, Table
from hpstudy.report.languages import say, word
from hpstudy.study.spec import Study

MOST_CELLS = 40  # rows of a table
_VANISHING = 0.1  # share of the last layer's gradient below which the first layer's is called vanishing
_EXPLODING = 100.0  # a gradient norm: a step of learning rate 0.01 moves the weights of its layer by as much as 1
_NOTABLE_IDLE = 0.1  # share of the units


def inside_findings(analysis: Analysis) -> list[str]:
    """Where the gradient vanishes or explodes, what prevents that, and where units are idle."""
    return [*_gradients(analysis), *_explosion(analysis), *_idle(analysis)]


def inside_sections(study: Study, cells: Sequence[InsideCell], *, figures: bool) -> list[Section]:
    """The sections; empty if no trial has diagnostics."""
    if not cells:
        return []
    drawn: list[Figure] = []
    if figures:
        from hpstudy.report.inside.figures import inside_figures

        drawn = inside_figures(study, panels(study, cells))
    return [
        Section(
            title="Inside the network",
            text=(_explanation(study, cells),),
            tables=(_cells_table(study, cells),),
            figures=tuple(drawn),
        ),
        Section(title="Layer by layer", tables=(_layers_table(study, cells),)),
    ]


def inside_numbers(cells: Sequence[InsideCell]) -> list[dict[str, Any]]:
    """The numbers for scripts."""
    return [
        {
            "params": dict(cell.params),
            "trials": list(cell.trials),
            "probe_rows": cell.rows,
            "ratio": {"start": cell.ratio, "end": cell.final_ratio},
            "idle": {"start": cell.idle_start, "end": cell.idle_end},
            "layers": [_layer_numbers(layer) for layer in cell.layers],
        }
        for cell in cells
    ]


def ratio_text(ratio: float) -> str:
    """A ratio as `1/430`, or as a factor above one."""
    if math.isnan(ratio):
        return "–"
    if 0 < ratio < 0.5:
        return f"1/{_two_figures(1 / ratio)}"
    return "0" if ratio == 0 else _two_figures(ratio)


def _two_figures(value: float) -> str:
    if value >= 1e9:
        return f"{value:.1e}"
    return f"{float(f'{value:.2g}'):,.{0 if value >= 9.5 else 1}f}"


def _gradients(analysis: Analysis) -> Iterator[str]:
    known = [cell for cell in analysis.inside if not math.isnan(cell.ratio)]
    if not known:
        return
    worst = min(known, key=lambda cell: cell.ratio)
    if worst.ratio > _VANISHING:
        where = say("in every configuration")
        if len(known) == 1:
            where = say("with {levels}", levels=_where(analysis, worst))
        yield say(
            "At the start the gradient reaches the first layer {where}: it is {ratio} the last layer's{or_more}.",
            where=where,
            ratio=_of(worst.ratio),
            or_more=say(" or more") if len(known) > 1 else "",
        )
        return
    remedies = _remedies(analysis, worst, known)
    yield say(
        "At the start, with {levels}, {gradient}{remedies}.",
        levels=_where(analysis, worst),
        gradient=_phrase(worst.ratio),
        remedies=remedies,
    )


def _explosion(analysis: Analysis) -> Iterator[str]:
    cells = analysis.inside
    known = [cell for cell in cells if cell.largest_norm > _EXPLODING]
    if known:
        worst = max(known, key=lambda cell: cell.largest_norm)
        others = ""
        if len(known) > 1:
            others = say(
                " ({number} of {all} configurations are above {limit})",
                number=len(known),
                all=len(cells),
                limit=f"{_EXPLODING:g}",
            )
        yield say(
            "The gradient explodes with {levels}: at the start its norm is {norm}{others}.",
            levels=_where(analysis, worst),
            norm=_two_figures(worst.largest_norm),
            others=others,
        )


def _remedies(analysis: Analysis, worst: InsideCell, cells: Sequence[InsideCell]) -> str:
    """The ratio with the best other level of each factor alone, and the ratio in the best configuration."""
    told = []
    for name in analysis.study.vary:
        others = [cell for cell in cells if _differs_in(cell, worst) == {name}]
        kindest = min(others, key=_distance, default=worst)
        if kindest.ratio > worst.ratio:
            level, ratio = analysis.texts.pair(name, kindest.params[name]), ratio_text(kindest.ratio)
            told.append(say("{level} alone makes it {ratio}", level=level, ratio=ratio))
    winner = analysis.grid.cells[0].params if analysis.grid and analysis.grid.cells else worst.params
    for cell in cells:
        if cell.params == winner and cell is not worst:
            told.append(say("in the best configuration it is {ratio}", ratio=ratio_text(cell.ratio)))
    return f"; {texts.listed(told)}" if told else ""


def _differs_in(one: InsideCell, other: InsideCell) -> set[str]:
    names = {*one.params, *other.params}
    return {name for name in names if one.params.get(name, ...) != other.params.get(name, ...)}


def _distance(cell: InsideCell) -> float:
    """The distance from equal gradients in the first and the last layer, in powers of e."""
    return abs(math.log(cell.ratio)) if cell.ratio > 0 else math.inf


def _phrase(ratio: float) -> str:
    if ratio == 0:
        return say("no gradient reaches the first layer")
    return say("the gradient of the first layer is {ratio} the last layer's", ratio=_of(ratio))


def _of(ratio: float) -> str:
    told = ratio_text(ratio)
    return say("{ratio} of", ratio=told) if ratio < 0.5 else say("{ratio} times", ratio=told)


def _idle(analysis: Analysis) -> Iterator[str]:
    known = [(cell.idle_end, cell) for cell in analysis.inside if cell.idle_end is not None]
    if not known:
        return
    share, worst = max(known, key=lambda pair: pair[0])
    if share >= _NOTABLE_IDLE:
        yield say(
            "Most idle units: with {levels} {share} of the hidden units are {idle} after training, {before} at the "
            "start.",
            levels=_where(analysis, worst),
            share=texts.percent(share),
            idle=word(worst.idle_word),
            before=texts.percent(worst.idle_start or 0.0),
        )


def _where(analysis: Analysis, cell: InsideCell) -> str:
    return texts.params(analysis.texts, cell.params)


def _explanation(study: Study, cells: Sequence[InsideCell]) -> str:
    which = ""
    if not study.design.has_cells:
        which = say(" In a search, this is the best trial: {number}.", number=cells[0].trials[0])
    return say(
        "Each network is examined with {rows} of its training rows, the same for all configurations of a "
        "replicate.{which} Gradient: Euclidean norm over a layer's weights of the mean loss without penalties.",
        rows=cells[0].rows,
        which=which,
    )


def _cells_table(study: Study, cells: Sequence[InsideCell]) -> Table:
    return Table(
        title="Gradient and idle units",
        columns=(
            *study.vary,
            "layers",
            "gradient, first layer",
            "gradient, last layer",
            "first to last, start",
            "first to last, end",
            "idle units, start, %",
            "idle units, end, %",
            "n",
        ),
        rows=tuple(_cell_row(study, cell) for cell in cells[:MOST_CELLS]),
        caption=say(
            "Geometric means of the gradient norms over n trials, before the first epoch (start) and after the last. "
            "Idle units are dead (ReLU and its relatives: never positive on these rows) or saturated (sigmoid, tanh: "
            "within 5 % of the range from a bound on more than half of the rows); mean over hidden layers and trials."
        )
        + _first(MOST_CELLS, len(cells)),
        spare=("gradient, first layer", "gradient, last layer", "layers"),
    )


def _cell_row(study: Study, cell: InsideCell) -> Row:
    layers = cell.learning
    return (
        *_levels(study, cell),
        texts.count(len(cell.layers)),
        _norm(layers[0].gradient_norms[0]) if layers else None,
        _norm(layers[-1].gradient_norms[0]) if layers else None,
        _ratio_cell(cell.ratio),
        _ratio_cell(cell.final_ratio),
        _percent(cell.idle_start),
        _percent(cell.idle_end),
        texts.count(len(cell.trials)),
    )


def _layers_table(study: Study, cells: Sequence[InsideCell]) -> Table:
    """The same figures layer by layer; too long for a terminal."""
    shown = cells[: MOST_CELLS // 2]
    return Table(
        title="Gradient and idle units of each layer",
        columns=(
            *study.vary,
            "layer",
            "activation",
            "gradient, start",
            "gradient, end",
            "idle units, start, %",
            "idle units, end, %",
        ),
        rows=tuple(
            (
                *_levels(study, cell),
                layer.name,
                layer.activation,
                _norm(layer.gradient_norms[0]) if layer.gradient_norms.size else None,
                _norm(layer.final_norm),
                _percent(layer.start.idle if layer.start else None),
                _percent(layer.end.idle if layer.end else None),
            )
            for cell in shown
            for layer in cell.layers
        ),
        caption=say("Inside the network, means over trials as above.") + _first(len(shown), len(cells)),
        is_short=False,
    )


def _first(shown: int, every: int) -> str:
    """What a table leaves out."""
    if shown >= every:
        return ""
    return say(" The first {shown} of {all} configurations.", shown=shown, all=every)


def _levels(study: Study, cell: InsideCell) -> list[str | None]:
    return study.texts.row(study.vary, cell.params)


def _norm(value: float) -> Number | None:
    """Two figures, as norms differ by powers of ten."""
    text = f"{value:#.2g}".rstrip(".").replace("-", "−")
    return None if math.isnan(value) else Number(value=float(value), text=text, is_exact=True)


def _ratio_cell(ratio: float) -> Number | None:
    return None if math.isnan(ratio) else Number(value=ratio, text=ratio_text(ratio), is_exact=True)


def _percent(share: float | None) -> Number | None:
    return None if share is None else texts.sortable(100 * share, 1)


def _layer_numbers(layer: InsideLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "activation": layer.activation,
        "gradient_norms": layer.gradient_norms.tolist(),
        "final_gradient_norm": layer.final_norm,
        "start": _histogram_numbers(layer.start),
        "end": _histogram_numbers(layer.end),
    }


def _histogram_numbers(histogram: Histogram | None) -> dict[str, Any] | None:
    if histogram is None:
        return None
    return {
        "low": float(histogram.edges[0]),
        "high": float(histogram.edges[-1]),
        "shares": [round(share, 6) for share in histogram.shares.tolist()],
        "idle": histogram.idle,
    }
