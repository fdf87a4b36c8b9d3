"""Equal numbers of digits in a column, so that numbers can be compared by eye."""

from __future__ import annotations

import re
from dataclasses import replace

from hpstudy.report.document import Number, Row, Section, Table

_PLAIN = re.compile(r"([+−]?)\d+(?:\.(\d+))?")
_USUAL = 4  # decimals of shares and losses


def aligned(section: Section) -> Section:
    """The section with tables whose columns have equal digits."""
    return replace(section, tables=tuple(map(_aligned, section.tables)))


def _aligned(table: Table) -> Table:
    columns = [_column([row[place] for row in table.rows]) for place in range(len(table.columns))]
    return replace(table, rows=tuple(zip(*columns, strict=True)) if table.rows else ())


def _column(entries: list[str | Number | None]) -> Row:
    """Columns of whole numbers, of two figures, of powers of ten and of texts stay as they are."""
    numbers = [entry for entry in entries if isinstance(entry, Number)]
    found = [_PLAIN.fullmatch(number.text) for number in numbers]
    decimals = {len(match[2] or "") for match in found if match}
    if len(decimals) < 2 or _USUAL not in decimals or not all(found):
        return tuple(entries)
    return tuple(_written(entry) if isinstance(entry, Number) else entry for entry in entries)


def _written(number: Number) -> Number:
    sign = "+" if number.text.startswith("+") else ""
    return replace(number, text=sign + f"{number.value:.{_USUAL}f}".replace("-", "−"))
