"""All configurations of a grid in one picture, which stands beside the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.ranking import RankedCell
from hpstudy.analysis.standings import Verdict
from hpstudy.report import style, texts
from hpstudy.report.answer import short
from hpstudy.report.document import Figure
from hpstudy.report.languages import say, word
from hpstudy.study.levels import is_number

_MOST_ROWS = 40  # configurations in one picture
_LOOKS: Mapping[str, tuple[str, str]] = {  # colour and marker
    "best mean": (style.COLOURS[2], "D"),
    Verdict.EQUIVALENT: (style.COLOURS[2], "o"),
    Verdict.UNDECIDED: (style.COLOURS[4], "s"),
    Verdict.WORSE: (style.COLOURS[7], "v"),
}
_ONE_SEED = "one replicate"
_BUNCHED = 0.25  # of the axis: where those that may be the best take up less of it, they get a closer view


def configuration_figures(analysis: Analysis, grid: GridAnalysis, beside: Sequence[tuple[str, float]]) -> list[Figure]:
    """Means with their intervals, the best first, and once more from nearby where the worst squeeze the axis.

    Args:
        beside: What the scores stand beside, such as ("chance", 0.1).
    """
    cells = grid.cells
    if len(cells) < 2:
        return []
    figures = [_ranking(analysis, cells, beside)]
    near = [cell for place, cell in enumerate(cells) if not place or cell.verdict != Verdict.WORSE]
    everything = [*_means(cells), *(value for _, value in beside)]
    if cells[0].mean.n > 1 and len(near) > 1 and np.ptp(_means(near)) < _BUNCHED * np.ptp(everything):
        figures.append(_ranking(analysis, near, (), closer=True))
    if len(analysis.study.vary) == 2 and len(cells) > 3:
        figures.append(_heat_map(analysis, grid))
    return figures


def _means(cells: Sequence[RankedCell]) -> list[float]:
    return [cell.mean.mean for cell in cells]


def _look(cell: RankedCell, is_best: bool) -> str:
    if cell.mean.n < 2:
        return _ONE_SEED
    return "best mean" if is_best else cell.verdict


def _ranking(
    analysis: Analysis, cells: Sequence[RankedCell], beside: Sequence[tuple[str, float]], *, closer: bool = False
) -> Figure:
    metric, shown = analysis.study.objectives[0].metric, cells[:_MOST_ROWS]
    looks = [_look(cell, not place) for place, cell in enumerate(shown)]
    looked = {**_LOOKS, _ONE_SEED: (style.COLOURS[0], "o")}

    def paint(axes: Any) -> None:
        for place, (cell, look) in enumerate(zip(shown, looks, strict=True)):
            colour, marker = looked[look]
            arms = cell.mean.arms and np.transpose([cell.mean.arms])
            axes.errorbar(cell.mean.mean, place, xerr=arms, fmt=marker, color=colour, capsize=3, markersize=5)
        ends = axes.get_xlim()
        for name, value in beside:
            axes.axvline(value, color=style._INK, linewidth=0.9, linestyle=":")
            axes.text(value, -0.4, word(name), rotation=90, va="top", ha="right", fontsize=8)
        axes.set_xlim(min([ends[0], *(value for _, value in beside)]), max([ends[1], *(value for _, value in beside)]))
        names = [short(analysis.study, cell.params) for cell in shown]
        style.level_ticks(axes, names, vertical=True, most=38)
        axes.set_xlabel(say("mean {metric}", metric=metric))
        axes.grid(axis="y", visible=False)

    several = cells[0].mean.n > 1
    bars = say("bars: 95 % intervals on new data of this kind.") if several else say("one replicate, so no intervals.")
    what = say("Those that may be the best, from nearby") if closer else say("All configurations, the best first")
    left_out = say(" The best {shown} of {all}.", shown=len(shown), all=len(cells)) if len(shown) < len(cells) else ""
    lines = say(" Dotted: {names}.", names=", ".join(word(name) for name, _ in beside)) if beside else ""
    return Figure(
        title=say("{what}: mean {metric}", what=what, metric=metric),
        caption=f"{what}; {bars} {say('Colours: verdicts on training again on these data.')}{lines}{left_out}",
        svg=style.draw(paint, (5.2, max(1.7, 0.75 + 0.235 * len(shown)))),
        legend=tuple((looked[look][0], str(look)) for look in looked if look in looks),
    )


def _heat_map(analysis: Analysis, grid: GridAnalysis) -> Figure:
    """Two factors as rows and columns; numbers along x."""
    study, metric = analysis.study, analysis.study.objectives[0].metric
    down, across = study.vary
    if _is_ordered(study.vary[down]) and not _is_ordered(study.vary[across]):
        down, across = across, down
    rows, columns = ([study.texts.text(name, level) for level in study.vary[name].levels] for name in (down, across))
    values = np.full((len(rows), len(columns)), np.nan)
    for cell in grid.cells:
        if down in cell.params and across in cell.params:
            row, column = (study.texts.text(name, cell.params[name]) for name in (down, across))
            values[rows.index(row), columns.index(column)] = cell.mean.mean

    def paint(axes: Any) -> None:
        colours = style.shades() if study.objectives[0].maximizes else style.shades().reversed()
        shown = axes.imshow(values, cmap=colours, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            text = "–" if np.isnan(value) else texts.number(float(value))
            ink = "#000000" if shown.norm(value) > 0.5 else "#ffffff"
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=9)
        style.level_ticks(axes, columns)
        style.level_ticks(axes, rows, vertical=True)
        axes.set_xlabel(across)
        axes.set_ylabel(down)
        axes.grid(visible=False)

    return Figure(
        title=say("Mean {metric} by {down} and {across}", metric=metric, down=down, across=across),
        caption=say("Mean {metric} of each combination; brighter is better.", metric=metric),
        svg=style.draw(paint, (max(4.2, 1.6 + 0.75 * len(columns)), max(1.9, 0.9 + 0.34 * len(rows)))),
    )


def _is_ordered(domain: Any) -> bool:
    return all(is_number(level) for level in domain.levels)
