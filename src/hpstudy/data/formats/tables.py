"""Text files of rows and named columns: CSV with any delimiter and encoding, and ARFF.

Every row knows its line, so that an error message can say where a wrong value is.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from hpstudy.data.integrity import bad_file

Value = TypeVar("Value")
Record = tuple[int, list[str]]  # the line in which it begins, from 1, and its cells

_DELIMITERS = "\t;|,"  # the comma last: names and numbers may hold commas if another delimiter separates the columns
_GZIP = b"\x1f\x8b"
_SAMPLE_ROWS = 100  # rows by which a delimiter is judged
MOST_SAMPLED = 1 << 16  # characters
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+(e[-+]?\d+)?\s*", re.IGNORECASE)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # first, because it begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """The cells of a file as texts."""

    path: Path
    names: tuple[str, ...]  # of the columns, as in the file
    rows: tuple[list[str], ...]  # each with one cell per column
    lines: tuple[int, ...]  # the line of the file in which each row begins, from 1
    delimiter: str = ","

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, place: int) -> list[str]:
        """The cells of one column, from top to bottom."""
        return [row[place] for row in self.rows]

    def parsed(self, place: int, name: str, parse: Callable[[str], Value]) -> list[Value]:
        """What `parse` makes of the cells of one column.

        Args:
            name: The column's name in the error message.
            parse: Raises ValueError for a cell that does not belong there; the message is what was expected.

        Raises:
            UserError: a cell was refused; the message names the value, the column and the line of the first one.
        """
        values = []
        for line, row in zip(self.lines, self.rows, strict=True):
            try:
                values.append(parse(row[place]))
            except ValueError as error:
                came = f"has {row[place]!r} as" if row[place].strip() else "lacks"
                raise bad_file(self.path, f"{came} {name} in line {line}", str(error)) from None
        return values

    def with_decimal_points(self, places: Iterable[int], is_missing: Callable[[str], bool]) -> TextTable:
        """The table with decimal points instead of decimal commas in the columns `places`.

        A comma is a decimal comma if it does not separate the columns and no number in these columns has a point.
        Otherwise it may separate thousands.

        Args:
            is_missing: Whether a cell stands for a missing value and thus is not a number.
        """
        places = tuple(places)
        cells = [row[place] for row in self.rows for place in places if not is_missing(row[place])]
        if self.delimiter == "," or any("." in cell and "," not in cell for cell in cells):
            return self

        def pointed(place: int, cell: str) -> str:
            return cell.replace(",", ".") if place in places and _DECIMAL_COMMA.fullmatch(cell) else cell

        rows = tuple([pointed(place, cell) for place, cell in enumerate(row)] for row in self.rows)
        return replace(self, rows=rows)


def read_table(path: Path, *, expected: str) -> TextTable:
    """Read a file whose first row names the columns, or an .arff file.

    The encoding (Unicode with or without a byte order mark, else CP949 or Windows-1252) and the delimiter (comma,
    semicolon, tab or bar) are detected. Empty rows are skipped, and so is the empty cell that a delimiter at the end of
    a row makes.

    Args:
        expected: What the file should be, a noun phrase for the error message.

    Raises:
        DatasetError: the file cannot be read, is not text, is cut off, or has a row with more or fewer cells than there
            are columns; the message names the line.
    """
    text = _text(path, expected)
    delimiter = ","
    if path.suffix.lower() == ".arff":
        names, records = _arff(path, text, expected)
    else:
        delimiter, spaced = format_of(text[:MOST_SAMPLED])
        records = _records(_reader(text, delimiter, spaced))
        _, names = next(_told(path, records, expected), (0, []))
    names, found = _without_last_delimiter(names, list(_told(path, records, expected)))
    _check_widths(path, len(names), found, expected, ends_whole=text.endswith(("\n", "\r")))
    lines, rows = zip(*found, strict=True) if found else ((), ())
    return TextTable(path=path, names=tuple(names), rows=rows, lines=lines, delimiter=delimiter)


def _text(path: Path, expected: str) -> str:
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
        text = content.decode(encoding_of(content))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise bad_file(path, f"cannot be read ({error})", expected) from None
    if "\0" in text:
        raise bad_file(path, "is not text but perhaps a spreadsheet or an archive", expected)
    return text


def encoding_of(content: bytes) -> str:
    """Unicode, else CP949 (Korean) if most characters beyond ASCII are Hangul then, else Windows-1252."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if 0 in content[:2]:  # half of an ASCII character in UTF-16
        return "utf-16-be" if content[0] == 0 else "utf-16-le"
    for encoding in ("utf-8", "cp949", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if encoding != "cp949" or _is_korean(text):
                return encoding
    return "latin-1"  # in which every byte is a character


def _is_korean(text: str) -> bool:
    beyond = [character for character in text if character > "\x7f"]
    return sum("가" <= character <= "힣" for character in beyond) > len(beyond) / 2


def _reader(text: str, delimiter: str, spaced: bool) -> Any:
    lines = io.StringIO(text, newline="")  # keeps line breaks within quotes
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced, strict=True)


def format_of(text: str) -> tuple[str, bool]:
    """The delimiter, and whether spaces follow it: those for which most rows have as many cells as the header.

    `csv.Sniffer` fails if rows differ in length, and takes an apostrophe for a quote.
    """
    return max(((mark, spaced) for spaced in (False, True) for mark in _DELIMITERS), key=lambda it: _fit(text, *it))


def _fit(text: str, delimiter: str, spaced: bool) -> tuple[bool, float, int]:
    """Whether there are several columns, the share of rows with as many cells, and the number of columns."""
    sample: list[list[str]] = []
    with suppress(csv.Error):  # the rows before an error count
        for _, cells in islice(_records(_reader(text, delimiter, spaced)), _SAMPLE_ROWS):
            sample.append(cells)
    width = len(sample[0]) if sample else 0
    return width > 1, sum(len(cells) == width for cells in sample) / max(1, len(sample)), width


def _records(reader: Any, first_line: int = 1) -> Iterator[Record]:
    """The records that are not empty."""
    before = 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield first_line + before, cells
        before = reader.line_num


def _told(path: Path, records: Iterator[Record], expected: str) -> Iterator[Record]:
    """The records. If they are cut off, the error names the line of the last whole one."""
    last = 0
    try:
        for last, cells in records:
            yield last, cells
    except csv.Error as error:
        after = f"after line {last}" if last else "in its first line"
        raise bad_file(path, f"is cut off or damaged {after} ({error})", expected) from None


def _without_last_delimiter(names: list[str], records: list[Record]) -> tuple[list[str], list[Record]]:
    """Names and records without the empty column that a delimiter at the end of each row, or of the header, makes."""
    named = names[:-1] if names and not names[-1].strip() else names
    if records and all(len(cells) == len(named) + 1 and not cells[-1].strip() for _, cells in records):
        return named, [(line, cells[:-1]) for line, cells in records]
    if all(len(cells) == len(named) for _, cells in records):
        return named, records
    return names, records


def _check_widths(path: Path, width: int, records: list[Record], expected: str, *, ends_whole: bool) -> None:
    if records and not ends_whole:
        line, cells = records[-1]
        if len(cells) < width or not cells[-1].strip():
            raise bad_file(path, f"is cut off in its last line, {line}", f"{expected}, ending with a line break")
    for line, cells in records:
        if len(cells) != width:
            raise bad_file(path, f"has {len(cells)} cells in line {line}", f"{width}, as in its header")


def _arff(path: Path, text: str, expected: str) -> tuple[list[str], Iterator[Record]]:
    """Split an ARFF file into attribute names and rows (format: Weka's; only dense data)."""
    lines = list(io.StringIO(text, newline=""))
    marks = [number for number, line in enumerate(lines) if line.strip().lower() == "@data"]
    if not marks:
        raise bad_file(path, "has no @data section", expected)
    declared = [line.split(None, 2) for line in lines[: marks[0]] if line.lower().startswith("@attribute")]
    names = [parts[1].strip("'\"") for parts in declared if len(parts) > 1]
    body = ["\n" if line.startswith("%") else line for line in lines[marks[0] + 1 :]]
    # Both quotes are allowed, and names may hold either: the quote is the one with which cells begin.
    begins = {quote: sum(line.count(f",{quote}") for line in body) for quote in "'\""}
    quote = max(begins, key=lambda candidate: begins[candidate])
    reader = csv.reader(body, quotechar=quote, escapechar="\\", skipinitialspace=True, strict=True)
    return names, _records(reader, first_line=marks[0] + 2)
