"""A report's figures as separate files, with title and legend inside: SVG that any viewer can show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from hpstudy.plain import one_line
from hpstudy.report.document import Document, Figure

_SCALE = 3  # a figure is then about as wide as a slide
_LINE = 14  # height of a line of the legend, in the figure's units
_COLOURS = "color:#1b1f24;--line:#d4dae0;background:#ffffff;font-family:sans-serif"  # the page's light colours
_XML = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def pictures(report: Document) -> dict[str, str]:
    """File name → SVG, in the order of the report."""
    figures = [*report.pictures, *(figure for section in report.sections for figure in section.figures)]
    return {f"{number:02d}-{_slug(figure.title)}.svg": _alone(figure) for number, figure in enumerate(figures, start=1)}


def _slug(title: str) -> str:
    return re.sub(r"[^\w]+", "-", title.lower()).strip("-")[:60]


def _alone(figure: Figure) -> str:
    head = re.match(r'<svg viewBox="([-\d.]+) ([-\d.]+) ([\d.]+) ([\d.]+)"[^>]*>', figure.svg)
    if head is None:
        return figure.svg
    left, top, width, height = map(float, head.groups())
    whole = height + _LINE * len(figure.legend)
    opening = (
        f'<svg {_XML} viewBox="{left:g} {top:g} {width:g} {whole:g}" width="{_SCALE * width:g}" '
        f'height="{_SCALE * whole:g}" style="{_COLOURS}"><title>{escape(one_line(figure.title))}</title>'
    )
    body = figure.svg[head.end() :].removesuffix("</svg>")
    return f"{opening}{body}{''.join(_legend(figure, left, top + height))}</svg>\n"


def _legend(figure: Figure, left: float, top: float) -> Iterator[str]:
    for place, (colour, label) in enumerate(figure.legend):
        y = top + place * _LINE
        yield f'<rect x="{left + 6:g}" y="{y + 2:g}" width="9" height="9" fill="{escape(colour)}"/>'
        text = escape(one_line(label))
        yield f'<text x="{left + 20:g}" y="{y + 10:g}" font-size="9" fill="currentColor">{text}</text>'
