"""A report as one HTML file that needs nothing else: no network, light and dark, paper and phone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from hpstudy.plain import printable
from hpstudy.report.document import Document, Figure, Number, Section, Table
from hpstudy.report.languages import word
from hpstudy.report.render.markdown import is_numeric

_OPTION, _WHOLE = re.compile(r"--[a-z]+"), r'<span class="whole">\g<0></span>'  # a line does not break within
MOST_OPEN = 12  # figures; the others unfold


def to_html(report: Document) -> str:
    """The page: only escaped text, our own SVG, one style sheet and a script that sorts tables.

    The same trials give the same page, so that it is sent to the tracker only once.
    """
    return "\n".join(_page(report)) + "\n"


def _page(report: Document) -> Iterator[str]:
    yield f'<!doctype html>\n<html lang="{report.language}">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield f"<title>{_text(report.title)}</title>\n<style>\n{_asset('report.css')}</style>\n</head>\n<body>"
    yield f"<header><h1>{_text(report.title)}</h1>"
    yield from (f'<p class="question">{_text(paragraph)}</p>' for paragraph in _paragraphs(report.question))
    mark = "status" if report.is_finished else "status unfinished"
    yield f'<p class="{mark}">{_text(report.status)}</p></header>\n<main>'
    yield f'<section id="findings"><h2>{_word("Findings", report)}</h2><ul>'
    yield from (f"<li>{_OPTION.sub(_WHOLE, _text(finding))}</li>" for finding in report.findings)
    yield "</ul>"
    if report.pictures:
        yield from _figures(report.pictures, "figures large")
    yield "</section>"
    if report.details:
        yield f'<section id="details"><h2>{_word("In detail", report)}</h2><ul>'
        yield from (f"<li>{_text(detail)}</li>" for detail in report.details)
        yield "</ul></section>"
    anchors = _anchors(report.sections)
    yield "<nav>" + " · ".join(
        f'<a href="#{anchor}">{_text(section.title)}</a>'
        for anchor, section in zip(anchors, report.sections, strict=True)
    )
    if report.details:
        yield f' · <a href="#details">{_word("In detail", report)}</a>'
    declaration, methods = _word("Declaration", report), _word("Methods", report)
    yield f' · <a href="#declaration">{declaration}</a> · <a href="#methods">{methods}</a></nav>'
    shares = _shares([len(section.figures) for section in report.sections], MOST_OPEN - len(report.pictures))
    for anchor, section, room in zip(anchors, report.sections, shares, strict=True):
        yield from _section(anchor, section, room, report.language)
    yield f'<section id="declaration"><h2>{declaration}</h2><dl>'
    yield from (f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in report.declaration)
    yield f'</dl></section>\n<section id="methods"><h2>{methods}</h2><dl>'
    yield from (f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in report.methods)
    yield f"</dl></section>\n</main>\n<footer>{_text(_state(report))}</footer>"
    yield f"<script>\n{_asset('report.js')}</script>\n</body>\n</html>"


def _state(report: Document) -> str:
    written = word("Written by hpstudy from the study database.", report.language)
    return f"{written} {report.at:%Y-%m-%d %H:%M} UTC" if report.at else written


def _shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many figures of each section are open: in turn one of each, as long as there is room."""
    given = [0] * len(wanted)
    for _ in range(max(wanted, default=0)):
        for place, number in enumerate(wanted):
            if given[place] < number and sum(given) < room:
                given[place] += 1
    return given


def _section(anchor: str, section: Section, room: int, language: str) -> Iterator[str]:
    """A section; its figures beyond the room are folded."""
    yield f'<section id="{anchor}"><h2>{_text(section.title)}</h2>'
    yield from (f"<p>{_text(text)}</p>" for text in section.text)
    for table in section.tables:
        yield from _table(table, language)
    if open_ones := section.figures[:room]:
        yield from _figures(open_ones)
    if folded := section.figures[room:]:
        yield f"<details><summary>{_text(word('Show more figures', language))} ({len(folded)})</summary>"
        yield from _figures(folded)
        yield "</details>"
    yield "</section>"


def _figures(figures: Sequence[Figure], style: str = "figures") -> Iterator[str]:
    yield f'<div class="{style}">'
    yield from map(_figure, figures)
    yield "</div>"


def _table(table: Table, language: str) -> Iterator[str]:
    numeric = [is_numeric(table, place) for place in range(len(table.columns))]
    style = ' class="shaded"' if table.is_shaded else ""
    yield f'<figure class="table"><h3>{_text(table.title)}</h3><div class="scroll" tabindex="0">'
    yield f"<table{style}><thead><tr>"
    for column, is_number in zip(table.columns, numeric, strict=True):
        yield f'<th scope="col"{_right(is_number)}><button type="button">{_text(column)}</button></th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        whole = sum(entry.value for entry in row if isinstance(entry, Number)) if table.is_shaded else 0.0
        entries = (_entry(entry, is_number, whole) for entry, is_number in zip(row, numeric, strict=True))
        yield f"<tr>{''.join(entries)}</tr>"
    goes_on = word("The table goes on: scroll sideways.", language)
    yield f'</tbody></table></div><p class="cut" hidden>{_text(goes_on)}</p>'
    yield f"<figcaption>{_text(table.caption)}</figcaption></figure>"


def _entry(entry: str | Number | None, is_number: bool, whole: float) -> str:
    """A cell; with a whole it is coloured by its share of that."""
    if isinstance(entry, Number):
        shade = f' style="--share:{entry.value / whole:.2f}"' if whole else ""
        return f'<td data-value="{entry.value!r}"{_right(is_number)}{shade}>{_text(entry.text)}</td>'
    return f"<td{_right(is_number)}>{'–' if entry is None else _text(entry)}</td>"


def _right(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _figure(figure: Figure) -> str:
    legend = "".join(
        f'<span><i style="background:{_text(colour)}"></i>{_text(label)}</span>' for colour, label in figure.legend
    )
    wide = ' class="wide"' if figure.is_wide else ""
    picture = f'<div role="img" aria-label="{_text(figure.title)}">{figure.svg}</div>'
    labels = f'<div class="legend">{legend}</div>' if legend else ""
    return f"<figure{wide}>{picture}{labels}<figcaption>{_text(figure.caption)}</figcaption></figure>"


def _anchors(sections: Sequence[Section]) -> list[str]:
    """An anchor for each section, without spaces. Factors named `C` and `c` get different ones."""
    found: list[str] = []
    for section in sections:
        wanted = _text("-".join(section.title.lower().split()))
        numbered = (f"{wanted}-{number}" for number in itertools.count(2))
        found.append(next(anchor for anchor in itertools.chain((wanted,), numbered) if anchor not in found))
    return found


def _word(heading: str, report: Document) -> str:
    return _text(word(heading, report.language))


def _text(text: str) -> str:
    """Escaped text for an element or an attribute."""
    return escape(printable(text))


def _paragraphs(text: str) -> list[str]:
    return [paragraph.replace("\n", " ").strip() for paragraph in text.split("\n\n") if paragraph.strip()]


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
