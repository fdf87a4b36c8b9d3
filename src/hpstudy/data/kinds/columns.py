"""Tables of a user's own: columns of numbers and of categories, with missing values. This file is copied into models.

What a column is, and what replaces a missing value, is found out on the training rows and kept as JSON values. The
same function makes inputs of the file's rows and of served rows.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpstudy.data.cache import Matrix
    from hpstudy.data.formats.tables import TextTable
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config
    from hpstudy.study.table import Table

Texts = NDArray[np.object_]  # of one column, (rows,): str, "" where a value is missing

MISSING = frozenset(  # in lower case: those of pandas.read_csv, a missing date, and "?" as in UCI's tables
    (
        *("", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"),
        *("<na>", "n/a", "na", "nan", "none", "null", "nat", "?"),
    )
)
_EXAMPLES = 2  # rows
_MOST_CLASSES = 100
_MOST_MISSING = 0.98  # a column with a larger share of missing values is left out
_MOST_DISTINCT = 0.5  # texts of which a larger share differs are names, not categories
_MOST_LEVELS = 20  # but no column with so few levels
_RAREST = 2  # rows that a level needs for an input of its own
_WHOLE = re.compile(r"(-?\d+)\.0+")  # as pandas writes whole numbers beside missing ones


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Rows of a file."""

    columns: Mapping[str, Texts]  # without the target
    lines: NDArray[np.int64]  # (rows,), the line of the file in which each row begins, from 1

    def __getitem__(self, numbers: NDArray[np.int32]) -> Cells:
        return Cells(columns={name: texts[numbers] for name, texts in self.columns.items()}, lines=self.lines[numbers])


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Tables as float32 (rows, inputs). A number that is missing becomes the median, and is marked in a further input.

    Categories become inputs of 0 or 1, the last of which is for levels that are rare or unseen.
    """

    table: Table

    largest = None
    is_fitted = True

    @property
    def decisive(self) -> Mapping[str, object]:
        return self.table.to_json()

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Columns:
        del levels
        assert dataset.table
        return cls(table=dataset.table)

    def read(self, source: Source, *, test: bool) -> Raw:
        """All rows, because the test split is drawn."""
        from hpstudy.data.kind import Raw

        del test
        assert self.table.content
        file, labels = read_own(source.files[0], self.table)
        numbers = {label: number for number, label in enumerate(self.table.content.classes)}
        columns = {
            name: normal(file.column(place)) for place, name in enumerate(file.names) if name != self.table.target
        }
        rows = Cells(columns=columns, lines=np.array(file.lines))
        return Raw(rows=rows, labels=np.array([numbers[label] for label in labels], np.int32))

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        assert training
        x = _inputs(raw.rows.columns, self._fitted(training.rows), len(raw.labels))
        return Matrix.of(x, raw.labels, "dense", x.shape[1])

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """The largest number of the row, with its column and line."""
        del feature
        cells: Cells = raw.rows
        numbers = {name: _numbers(texts[row : row + 1])[0] for name, texts in cells.columns.items()}
        name = max(numbers, key=lambda name: 0.0 if math.isnan(numbers[name]) else abs(numbers[name]))
        return f"{cells.columns[name][row]} as {name} in line {cells.lines[row]}"

    def description(self, training: Raw | None) -> dict[str, Any]:
        """For each column, in the order of the inputs, what was fitted on the training rows."""
        assert training
        return {"columns": self._fitted(training.rows)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        """The first rows of the file, with the columns that are used."""
        del rows
        cells: Cells = self.read(source, test=False).rows
        return {"columns": {name: _typed(cells.columns[name]) for name in self._fitted(cells)}}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode a DataFrame with columns of the file, in any order. One that it lacks is missing in every row."""
        names = {str(name).strip(): place for place, name in enumerate(rows.columns)}
        columns = {
            name: normal(rows.iloc[:, names[name]]) if name in names else np.full(len(rows), "", object)
            for name in description["columns"]
        }
        return _inputs(columns, description["columns"], len(rows))

    def _fitted(self, training: Cells) -> dict[str, dict[str, Any]]:
        """What each column is, without those that can tell nothing.

        Raises:
            DatasetError: no column is left.
        """
        from hpstudy.errors import DatasetError

        fitted = {name: self._column(name, texts) for name, texts in training.columns.items()}
        found = {name: column for name, column in fitted.items() if column}
        if not found:
            raise DatasetError(
                f"{self.table.file} has no column to predict {self.table.target!r} from: the others "
                f"({', '.join(fitted) or 'none'}) are dropped, constant, nearly all missing or identifiers. "
                "Name one in numeric= or categorical= to take it anyway."
            )
        return found

    def _column(self, name: str, texts: Texts) -> dict[str, Any] | None:
        """What one column is; None if it is left out."""
        known = texts[texts != ""]
        is_told = name in (*self.table.numeric, *self.table.categorical)
        if name in self.table.drop or not len(known):
            return None
        if not is_told and (len(known) < (1 - _MOST_MISSING) * len(texts) or len(set(texts)) == 1):
            return None
        values = _numbers(texts)
        is_number = not np.isnan(values[texts != ""]).any() and name not in self.table.categorical
        if is_number or name in self.table.numeric:
            return None if not is_told and _counts_rows(values) else _fit_number(values)
        distinct = len(set(known))
        if not is_told and distinct > max(_MOST_LEVELS, _MOST_DISTINCT * len(known)):
            return None
        return _fit_categories(texts, self.table.max_categories)


def normal(cells: Any) -> Texts:
    """The cells of a column, from a file or a DataFrame, as texts that are equal where the values are."""
    return np.array([_normal(str(cell)) for cell in cells] or [], object)


def _normal(text: str) -> str:
    text = text.strip()
    lower = text.lower()
    if lower in MISSING:
        return ""
    if lower in ("true", "false"):
        return lower
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def number(text: str) -> float:
    """The number that a text is; NaN if it is none, or not a finite one."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) and "_" not in text else math.nan


def _numbers(texts: Texts) -> NDArray[np.float64]:
    return np.array([number(text) for text in texts], np.float64)


def _counts_rows(values: NDArray[np.float64]) -> bool:
    """Whether the numbers, in the order of the file, are those of the rows: whole, all different, and rising."""
    return (
        len(values) > _MOST_LEVELS
        and bool((values == np.round(values)).all())
        and bool((np.diff(values) > 0).all())
        and float(values[-1] - values[0]) < 2 * len(values)
    )


def _fit_number(values: NDArray[np.float64]) -> dict[str, Any]:
    from sklearn.impute import SimpleImputer

    is_missing = np.isnan(values)
    if is_missing.all():
        return {"kind": "number", "fill": 0.0, "marks_missing": False}
    fill = SimpleImputer(strategy="median").fit(values[:, np.newaxis]).statistics_[0]
    return {"kind": "number", "fill": float(fill), "marks_missing": bool(is_missing.any())}


def _fit_categories(texts: Texts, most: int) -> dict[str, Any]:
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(min_frequency=_RAREST, max_categories=most, handle_unknown="infrequent_if_exist")
    encoder.fit(texts[:, np.newaxis])
    rare = encoder.infrequent_categories_[0]
    dropped = set() if rare is None else set(rare)
    levels = [str(level) for level in encoder.categories_[0] if level not in dropped]
    return {"kind": "category", "levels": levels[: most - 1] if len(levels) == most else levels}


def _inputs(columns: Mapping[str, Texts], fitted: Mapping[str, Mapping[str, Any]], rows: int) -> NDArray[np.float32]:
    parts = [_column_inputs(columns[name], column) for name, column in fitted.items()]
    return np.hstack([np.empty((rows, 0), np.float32), *parts])


def _column_inputs(texts: Texts, column: Mapping[str, Any]) -> NDArray[np.float32]:
    """One column as inputs, float32 (rows, width)."""
    if column["kind"] == "number":
        values = _numbers(texts)
        is_missing = np.isnan(values)
        marks = [is_missing] if column["marks_missing"] else []
        return np.stack([np.where(is_missing, column["fill"], values), *marks], axis=1).astype(np.float32)
    places = {level: place for place, level in enumerate(column["levels"])}
    found = np.array([places.get(text, len(places)) for text in texts], np.int64)
    return np.asarray(found[:, np.newaxis] == np.arange(len(places) + 1), np.float32)


def _typed(texts: Texts) -> dict[str, Any]:
    """The first cells of a column as numbers if all that are known are numbers, else as texts."""
    shown = [text or None for text in texts[:_EXAMPLES]]
    if any(text and math.isnan(number(text)) for text in texts):
        return {"type": "string", "values": shown}
    return {"type": "double", "values": [None if text is None else float(text) for text in shown]}


def read_own(path: Path, table: Table) -> tuple[TextTable, list[str]]:
    """The rows that have a label, with decimal points in numbers, and the labels.

    Raises:
        DatasetError: the file cannot be read, lacks a column or has it twice, or has rows without a label.
    """
    from hpstudy.data.formats.tables import read_table
    from hpstudy.data.integrity import ADVICE
    from hpstudy.errors import DatasetError

    try:
        file = read_table(path, expected="a text file of rows whose first row names the columns")
    except DatasetError as error:
        raise DatasetError(f"{str(error).removesuffix(ADVICE)}Correct the file.") from None
    file = replace(file, names=tuple(name.strip() for name in file.names))
    _check_columns(file, table)
    file = file.with_decimal_points(_places_of_numbers(file), lambda text: not normal([text])[0])
    labels = list(normal(file.column(file.names.index(table.target))))
    return _labelled(file, labels, table)


def classes_of(path: Path, table: Table, labels: list[str]) -> tuple[str, ...]:
    """The labels that occur, numbers in their order and texts in that of the alphabet.

    Raises:
        DatasetError: there is only one, or there are so many that they hardly are classes.
    """
    from hpstudy.errors import DatasetError

    found = sorted(set(labels))
    if len(found) == 1:
        raise DatasetError(
            f"{path} has only the label {found[0]!r} in column {table.target!r}, so there is nothing to tell apart. "
            "Choose another target, or add rows of another class."
        )
    if len(found) > _MOST_CLASSES or len(found) > len(labels) / 2:
        raise DatasetError(
            f"{path} has {len(found):,} different labels in the {len(labels):,} rows of column {table.target!r}: that "
            "is an identifier or a quantity, not a class. Choose another target."
        )
    return tuple(sorted(found, key=float) if not any(math.isnan(number(label)) for label in found) else found)


def _check_columns(file: TextTable, table: Table) -> None:
    from hpstudy.errors import DatasetError

    if twice := [name for name in dict.fromkeys(file.names) if file.names.count(name) > 1]:
        raise DatasetError(f"{file.path} has the column {twice[0]!r} twice. Rename one of them in its first row.")
    if not len(file):
        raise DatasetError(f"{file.path} has no rows. Expected: a first row with the columns' names, then the rows.")
    for name in (table.target, *table.drop, *table.numeric, *table.categorical):
        if name not in file.names:
            near = difflib.get_close_matches(name, file.names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(file.names)}."
            raise DatasetError(f"{file.path} has no column {name!r}. {hint}")
    for name in table.numeric:
        _check_numbers(file, name)


def _check_numbers(file: TextTable, name: str) -> None:
    from hpstudy.errors import DatasetError

    for line, cell in zip(file.lines, file.column(file.names.index(name)), strict=True):
        text = normal([cell])[0]
        if text and not _is_number(text):
            raise DatasetError(
                f"{file.path} has {cell!r} as {name} in line {line}, but numeric= says that {name} holds numbers. "
                "Correct the cell, or leave the column out of numeric=."
            )


def _is_number(text: str) -> bool:
    return not math.isnan(number(text.replace(",", ".")))


def _places_of_numbers(file: TextTable) -> list[int]:
    """The columns whose cells are all numbers, with decimal points or commas."""
    return [
        place
        for place in range(len(file.names))
        if all(_is_number(text) for text in normal(file.column(place)) if text)
    ]


def _labelled(file: TextTable, labels: list[str], table: Table) -> tuple[TextTable, list[str]]:
    from hpstudy.errors import DatasetError

    missing = [line for line, label in zip(file.lines, labels, strict=True) if not label]
    if missing and (not table.drop_missing_target or len(missing) == len(labels)):
        raise DatasetError(
            f"{file.path} has no label in column {table.target!r} in {len(missing):,} of {len(labels):,} rows, first "
            f"in line {missing[0]}. Fill them in, or leave those rows out by drop_missing_target=True."
        )
    kept = [place for place, label in enumerate(labels) if label]
    rows, lines = tuple(file.rows[place] for place in kept), tuple(file.lines[place] for place in kept)
    return replace(file, rows=rows, lines=lines), [labels[place] for place in kept]


KIND: type[Kind] = Columns
