"""Configurations in one picture, which stands beside the answer: all of a grid, or the finalists of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.analyse import Analysis, GridAnalysis
from hpstudy.analysis.finalists import Finalists
from hpstudy.analysis.ranking import RankedCell, interval_of
from hpstudy.analysis.standings import Verdict
from hpstudy.analysis.statistics import Interval, bounds_of
from hpstudy.report import style, texts
from hpstudy.report.answer import short
from hpstudy.report.document import Figure
from hpstudy.report.languages import say, word
from hpstudy.study.levels import is_number
from hpstudy.study.spec import Study

_MOST_ROWS = 40  # configurations in one picture
_ONE_SEED = "one replicate"
_LOOKS: Mapping[str, tuple[str, str]] = {  # colour and marker
    "best mean": (style.COLOURS[2], "D"),
    Verdict.EQUIVALENT: (style.COLOURS[2], "o"),
    Verdict.UNDECIDED: (style.COLOURS[4], "s"),
    Verdict.WORSE: (style.COLOURS[7], "v"),
    _ONE_SEED: (style.COLOURS[0], "o"),
}
_FAR = 5.0  # times the median distance to the best mean: what is further off is not in the closer view
_LABEL_PT = 9  # height of a line's name above the axes
_CLOSE = 0.5  # of the axis: lines closer than that have names that might overlap


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A configuration in the picture."""

    name: str
    mean: Interval
    look: str  # one of _LOOKS


def configuration_figures(analysis: Analysis, grid: GridAnalysis, beside: Sequence[tuple[str, float]]) -> list[Figure]:
    """Means with their intervals, the best first, and once more from nearby where the worst squeeze the axis.

    Args:
        beside: What the scores stand beside, such as ("chance", 0.1).
    """
    cells = grid.cells
    if len(cells) < 2:
        return []
    rows = [
        _Row(
            name=short(analysis.study, cell.params),
            mean=cell.mean,
            look=_look(cell.mean, cell.verdict, is_best=not place),
        )
        for place, cell in enumerate(cells)
    ]
    figures = [_ranking(analysis.study, rows, beside, say("All configurations, the best first"))]
    near, further = _near(rows, cells)
    span = [*(row.mean.mean for row in rows), *(value for _, value in beside)]
    if cells[0].mean.n > 1 and len(near) > 1 and np.ptp([row.mean.mean for row in near]) < style.BUNCHED * np.ptp(span):
        left_out = say(" Further off: {names}.", names=texts.shortened(further, 3)) if further else ""
        figures.append(_ranking(analysis.study, near, (), say("Those that may be the best, from nearby"), left_out))
    if len(analysis.study.vary) == 2 and len(cells) > 3:
        figures.append(_heat_map(analysis, grid))
    return figures


def finalists_figure(analysis: Analysis, finalists: Finalists, beside: Sequence[tuple[str, float]]) -> Figure:
    """Means of the confirmations, the best first."""
    found, objective = finalists.standings, analysis.study.objectives[0]
    means = [
        interval_of(found, place, objective.sign, bounds_of(objective.metric))
        for place in range(len(finalists.origins))
    ]
    rows = [
        _Row(name=say("trial {number}", number=origin.number), mean=mean, look=_look(mean, verdict, is_best=not place))
        for place, (origin, mean, verdict) in enumerate(zip(finalists.origins, means, found.verdicts, strict=True))
    ]
    return _ranking(analysis.study, rows, beside, say("Finalists, best first"))


def _near(rows: Sequence[_Row], cells: Sequence[RankedCell]) -> tuple[list[_Row], list[str]]:
    """Those that may be the best, and the names of those of them that are so far off that they squeeze the axis."""
    able = [row for row, cell in zip(rows, cells, strict=True) if row is rows[0] or cell.verdict != Verdict.WORSE]
    gaps = [abs(row.mean.mean - rows[0].mean.mean) for row in able]
    limit = _FAR * float(np.median(gaps)) if len(gaps) > 3 else np.inf
    near = [row for row, gap in zip(able, gaps, strict=True) if gap <= limit]
    return near, [row.name for row in able if row not in near]


def _look(mean: Interval, verdict: str, *, is_best: bool) -> str:
    if mean.n < 2:
        return _ONE_SEED
    return "best mean" if is_best else verdict


def _ranking(
    study: Study, rows: Sequence[_Row], beside: Sequence[tuple[str, float]], what: str, left_out: str = ""
) -> Figure:
    metric, where = study.objectives[0].metric, texts.of_which_data(study)
    shown, looks = rows[:_MOST_ROWS], {row.look for row in rows[:_MOST_ROWS]}

    def paint(axes: Any) -> None:
        for place, row in enumerate(shown):
            colour, marker = _LOOKS[row.look]
            arms = row.mean.arms and np.transpose([row.mean.arms])
            axes.errorbar(row.mean.mean, place, xerr=arms, fmt=marker, color=colour, capsize=3, markersize=5)
        _mark_lines(axes, beside)
        style.level_ticks(axes, [row.name for row in shown], vertical=True, most=38)
        axes.set_xlabel(say("mean {metric}", metric=metric))
        axes.grid(axis="y", visible=False)

    several = rows[0].mean.n > 1
    bars = say("bars: 95 % intervals {where}.", where=where) if several else say("one replicate, so no intervals.")
    if len(shown) < len(rows):
        left_out += say(" The best {shown} of {all}.", shown=len(shown), all=len(rows))
    lines = say(" Dotted: {names}.", names=", ".join(word(name) for name, _ in beside)) if beside else ""
    return Figure(
        title=say("{what}: mean {metric}", what=what, metric=metric),
        caption=f"{what}; {bars} {say('Colours: verdicts on training again on these data.')}{lines}{left_out}",
        svg=style.draw(paint, (5.2, max(1.7, 0.75 + 0.235 * len(shown)))),
        legend=tuple((_LOOKS[look][0], str(look)) for look in _LOOKS if look in looks),
    )


def _mark_lines(axes: Any, beside: Sequence[tuple[str, float]]) -> None:
    """Dotted lines, whose names stand above the axes; those of lines that are close, one above the other."""
    values = [value for _, value in beside]
    low, high = axes.get_xlim()
    axes.set_xlim(min([low, *values]), max([high, *values]))
    is_close = bool(values) and np.ptp(values) < _CLOSE * np.ptp(axes.get_xlim())
    for place, (name, value) in enumerate(beside):
        axes.axvline(value, color=style._INK, linewidth=0.9, linestyle=":")
        above = {
            "xytext": (0, 3 + _LABEL_PT * place * is_close),
            "textcoords": "offset points",
            "annotation_clip": False,
        }
        side = "right" if value > sum(axes.get_xlim()) / 2 else "left"
        axes.annotate(
            word(name), (value, 1), xycoords=axes.get_xaxis_transform(), ha=side, va="bottom", fontsize=8, **above
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

    known = values[np.isfinite(values)]
    maximizes = study.objectives[0].maximizes
    best = known.max() if maximizes else known.min()
    far = _FAR / 2 * float(np.median(np.abs(known - best)))  # one bad cell does not make all others alike
    low, high = (max(known.min(), best - far), best) if maximizes else (best, min(known.max(), best + far))

    def paint(axes: Any) -> None:
        colours = style.shades() if maximizes else style.shades().reversed()
        shown = axes.imshow(values, cmap=colours, aspect="auto", vmin=low, vmax=high if high > low else None)
        for (row, column), value in np.ndenumerate(values):
            text = "–" if np.isnan(value) else texts.number(float(value))
            is_bright = (shown.norm(value) > 0.5) == maximizes
            axes.text(
                column, row, text, ha="center", va="center", color="#000000" if is_bright else "#ffffff", fontsize=9
            )
        style.level_ticks(axes, columns)
        style.level_ticks(axes, rows, vertical=True)
        axes.set_xlabel(across)
        axes.set_ylabel(down)
        axes.grid(visible=False)

    caption = say("Mean {metric} of each combination; brighter is better.", metric=metric)
    if low > known.min() or high < known.max():
        caption += say(" The darkest colour is {value} and worse.", value=texts.number(low if maximizes else high))
    if np.isnan(values).any():
        caption += say(" A dash: no trial of this combination could be compared.")
    return Figure(
        title=say("Mean {metric} by {down} and {across}", metric=metric, down=down, across=across),
        caption=caption,
        svg=style.draw(paint, (max(4.2, 1.6 + 0.75 * len(columns)), max(1.9, 0.9 + 0.34 * len(rows)))),
    )


def _is_ordered(domain: Any) -> bool:
    return all(is_number(level) for level in domain.levels)
