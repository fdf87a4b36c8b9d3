"""Headings, columns, verdicts and captions of a report in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from hpstudy.report.document import Figure, Number, Section, Table
from hpstudy.report.languages import spoken, word
from hpstudy.report.whole import Report


def in_language(report: Report, factors: Collection[str]) -> Report:
    """The report with what has no values translated; its sentences with values already are.

    Args:
        factors: Names that stay as the study file has them.
    """
    if spoken() == "en":
        return report

    def name(text: str) -> str:
        return text if text in factors else word(text)

    return replace(
        report,
        language=spoken(),
        declaration=tuple((name(what), text) for what, text in report.declaration),
        sections=tuple(_section(section, name) for section in report.sections),
        pictures=tuple(map(_figure, report.pictures)),
        methods=tuple((word(what), word(how)) for what, how in report.methods),
    )


def _section(section: Section, name: Callable[[str], str]) -> Section:
    return replace(
        section,
        title=word(section.title),
        text=tuple(map(word, section.text)),
        tables=tuple(_table(table, name) for table in section.tables),
        figures=tuple(map(_figure, section.figures)),
    )


def _table(table: Table, name: Callable[[str], str]) -> Table:
    verdicts = [place for place, column in enumerate(table.columns) if column == "verdict"]
    return replace(
        table,
        title=word(table.title),
        columns=tuple(map(name, table.columns)),
        spare=tuple(map(name, table.spare)),
        caption=word(table.caption),
        rows=tuple(
            tuple(_entry(entry) if place in verdicts else entry for place, entry in enumerate(row))
            for row in table.rows
        ),
    )


def _entry(entry: str | Number | None) -> str | Number | None:
    return word(entry) if isinstance(entry, str) else entry


def _figure(figure: Figure) -> Figure:
    legend = tuple((colour, word(label)) for colour, label in figure.legend)
    return replace(figure, title=word(figure.title), caption=word(figure.caption), legend=legend)
