"""What a report consists of, in whatever form it is written: sections with sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number with the text that people read. Tables are sorted by the number."""

    value: float
    text: str
    is_exact: bool = False  # its digits stay: of a level, a norm, or a score with a unit of its own

    def __str__(self) -> str:
        return self.text


Row: TypeAlias = tuple[str | Number | None, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]  # with units where there are any
    rows: tuple[Row, ...]
    caption: str = ""  # what the numbers are, and by which method
    is_short: bool = True  # whether the terminal shows it, too
    spare: tuple[str, ...] = ()  # columns that a narrow terminal leaves out
    most_short: int = 20  # rows that the terminal shows
    is_shaded: bool = False  # whether counts are coloured by their share of the row, as in a confusion matrix

    def to_json(self) -> list[dict[str, str | float | None]]:
        """Each row as a mapping from column names, with numbers in full."""
        entries = ([one.value if isinstance(one, Number) else one for one in row] for row in self.rows)
        return [dict(zip(self.columns, row, strict=True)) for row in entries]


@dataclass(frozen=True, kw_only=True)
class Figure:
    title: str  # what the figure shows, also for people who cannot see it
    caption: str
    svg: str
    legend: tuple[tuple[str, str], ...] = ()  # (colour, label)
    is_wide: bool = False  # whether it takes the whole width of a page


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    text: tuple[str, ...] = ()  # paragraphs
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """The content of a report, which all forms in which it is written share."""

    study: str
    title: str
    question: str
    status: str  # one sentence: how far the study is
    is_finished: bool
    at: datetime | None  # when the last trial began or ended: the state that is reported
    declaration: tuple[tuple[str, str], ...]  # (name, text) of its lines, for the head of the report
    findings: tuple[str, ...]  # the answer, in a few short lines
    details: tuple[str, ...]  # what else is found, in sentences
    sections: tuple[Section, ...]
    pictures: tuple[Figure, ...] = ()  # what the answer looks like, beside it
    methods: tuple[tuple[str, str], ...]  # (what, how and source)
    data: Mapping[str, Any] = field(default_factory=dict)  # the numbers, for scripts
    language: str = "en"  # its ISO 639 code
