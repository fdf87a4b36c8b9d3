"""The look of every figure: matplotlib draws inline SVG that takes the page's colours and fonts."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hpstudy.plain import one_line

_INK, _GRID = "#010203", "#040506"  # placeholders for the page's own colours, light or dark
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#999999")  # Okabe & Ito 2008
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")  # colour is never the only difference
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MOST_VECTOR_POINTS = 300  # of a scatter; more are drawn as a bitmap inside the SVG, so that the file stays small
BUNCHED = 0.25  # of an axis: where most take up less of it, they get a closer view
_FEW = 5  # values of which nobody can say that one lies far off
PLAIN: dict[str, Any] = {"parse_math": False}  # for labels that name a level: dollar signs do not start a formula
PANEL = (4.2, 2.9)  # inches; a phone shows one panel per row at a readable size

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlecolor": _INK,
    "axes.labelsize": 10,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 9.5,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "hpstudy",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "lines.linewidth": 1.6,
}


def draw(paint: Callable[[Any], None], size: tuple[float, float] = PANEL) -> str:
    """An SVG element; `paint` draws on the axes."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _styled():
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure.add_subplot())
        for axes in figure.axes:
            for label in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts):
                label.set(text=one_line(label.get_text()), **PLAIN)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None}, dpi=120)
    return _inline(text.getvalue())


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def marker(number: int) -> str:
    return MARKERS[number % len(MARKERS)]


def dash(number: int) -> Any:
    return DASHES[number % len(DASHES)]


def legend(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((colour(number), label) for number, label in enumerate(labels))


def shades() -> Any:
    """A colour scale with even lightness, safe for colour-blind readers, and visible on white and on black."""
    import matplotlib as mpl

    return mpl.colors.LinearSegmentedColormap.from_list("shades", mpl.colormaps["viridis"]([0.2, 0.4, 0.6, 0.8]))


def is_large(points: int) -> bool:
    return points > MOST_VECTOR_POINTS


def closer(values: Sequence[float]) -> tuple[float, float] | None:
    """Limits that leave out what lies far off (beyond three times the middle half), if it squeezes the others."""
    import numpy as np

    known = np.array(values, float)
    if len(known) < _FEW:
        return None
    low, high = np.quantile(known, (0.25, 0.75))
    near = known[np.abs(known - (low + high) / 2) <= 3.5 * (high - low)]
    if not 0 < np.ptp(near) < BUNCHED * np.ptp(known):
        return None
    margin = 0.15 * float(np.ptp(near))
    return float(near.min()) - margin, float(near.max()) + margin


def level_ticks(axes: Any, levels: Sequence[str], vertical: bool = False, most: int = 18) -> None:
    """Names of levels along an axis, at most so many letters of each, rotated if they would overlap."""
    places = range(len(levels))
    if vertical:
        axes.set_yticks(places, [shortened(level, most) for level in levels], **PLAIN)
        axes.set_ylim(len(levels) - 0.5, -0.5)
        return
    long = sum(len(level) for level in levels) > 34
    alignment = {"rotation": 35, "ha": "right"} if long else {}
    axes.set_xticks(places, [shortened(level, most) for level in levels], **alignment, **PLAIN)
    axes.set_xlim(-0.5, len(levels) - 0.5)


def shortened(text: str, most: int = 18) -> str:
    text = one_line(text)
    return text if len(text) <= most else text[: most - 1] + "…"


@contextmanager
def _styled() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # text stays text, and the reader's browser has the glyphs
        warnings.filterwarnings("ignore", message=".*Glyph .* missing from font.*")
        warnings.filterwarnings("ignore", message=".*constrained_layout not applied.*")
        yield


def _of_page(tag: str, prefix: str) -> str:
    tag = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), tag)  # nobody can see finer detail
    tag = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", tag)
    return tag.replace(_INK, "currentColor").replace(_GRID, "var(--line)")


def _inline(svg: str) -> str:
    """An SVG without the prolog, with unique ids, and in the page's colours."""
    body = svg[svg.index("<svg") :]
    prefix = f"f{hashlib.sha256(body.encode()).hexdigest()[:8]}-"
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _of_page(tag[0], prefix), body)  # not the text between tags
    body = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', body, count=1)
    return re.sub(r"\n\s*", "\n", body).strip()
