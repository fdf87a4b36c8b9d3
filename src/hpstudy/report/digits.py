"""Equal numbers of digits in a column, so that numbers can be compared by eye."""

from __future__ import annotations

import re
from dataclasses import replace

from hpstudy.report.document import Number, Row, Section, Table

_PLAIN = re.compile(r"([+−]?)\d+(?:\.(\d+))?(?:e−\d+)?")
_USUAL = 4  # decimals of shares and losses
_LARGE = 10  # from there on, four figures are fewer decimals


def aligned(section: Section) -> Section:
    """The section with tables whose columns have equal digits."""
    return replace(section, tables=tuple(map(_aligned, section.tables)))


def _aligned(table: Table) -> Table:
    columns = [_column([row[place] for row in table.rows]) for place in range(len(table.columns))]
    return replace(table, rows=tuple(zip(*columns, strict=True)) if table.rows else ())


def _column(entries: list[str | Number | None]) -> Row:
    """Columns of levels, of whole numbers, of two figures, of powers of ten and of texts stay as they are."""
    numbers = [entry for entry in entries if isinstance(entry, Number)]
    found = [_PLAIN.fullmatch(number.text) for number in numbers]
    decimals = {len(match[2] or "") for match in found if match}
    if len(decimals) < 2 or not all(found) or any(number.is_exact for number in numbers):
        return tuple(entries)
    if all(abs(number.value) >= _LARGE for number in numbers):
        wanted = max(decimals)
    elif _USUAL in decimals:
        wanted = _USUAL if min(abs(number.value) for number in numbers) < 1 else 2
    else:
        return tuple(entries)
    return tuple(_written(entry, wanted) if isinstance(entry, Number) else entry for entry in entries)


def _written(number: Number, decimals: int) -> Number:
    sign = "+" if number.text.startswith("+") else ""
    return replace(number, text=sign + f"{number.value:.{decimals}f}".replace("-", "−"))
