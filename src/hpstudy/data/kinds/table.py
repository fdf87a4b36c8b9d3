"""Tables: named columns of numbers and texts, with missing values. This file is copied into models.

What a text stands for and how a column becomes inputs is defined here once, for files and for served rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

Values = NDArray[np.float64]  # NaN where a value is missing

MISSING = frozenset(  # in lower case
    (
        *("", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"),  # of pandas.read_csv
        *("<na>", "n/a", "na", "nan", "none", "null"),  # of pandas.read_csv, too
        *("nat", "-", "?", "*"),  # a missing date in pandas; other tables, ARFF, bokeh_sampledata
    )
)
LARGEST = 2.0**126  # largest number in a table: float32 still holds its inverse, a scale, in full precision
_EXAMPLES = 2  # rows


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: numbers of at least 0, or texts that each stand for a number, the code."""

    name: str  # in lower case
    other_name: str = ""  # used if the table has no column `name`
    codes: Mapping[str, int] = field(
        default_factory=dict
    )  # texts in lower case → whole numbers; empty for a column of numbers
    is_ordered: bool = False  # whether the codes become one input; else each becomes an input of 0 or 1
    is_needed: bool = False

    @property
    def width(self) -> int:
        """The number of inputs that the column becomes."""
        return len(set(self.codes.values())) if self.codes and not self.is_ordered else 1

    @property
    def lowest(self) -> int:
        """The lowest code, which becomes the input 0; 0 for a column of numbers."""
        return min(self.codes.values(), default=0)

    def place(self, names: Sequence[object]) -> int | None:
        """The position of the column among these names, ignoring case and outer spaces; None if it is missing.

        Raises:
            ValueError: several columns have that name.
        """
        place = _place(names, self.name)
        return _place(names, self.other_name) if place is None and self.other_name else place

    def value(self, text: str) -> float:
        """The number that a cell's text stands for; NaN where it is missing.

        Raises:
            ValueError: it does not belong in the column; the message is what was expected.
        """
        if is_missing(text):
            return math.nan
        if not self.codes:
            return _number(text)
        try:
            return float(self.codes[text.strip().lower()])
        except KeyError:
            raise ValueError(f"{', '.join(self.codes)}, or nothing where it is missing") from None

    def inputs(self, values: Values, fill: float) -> Values:
        """The values (rows,) as inputs (rows, width). `fill` replaces a missing one."""
        filled = np.where(np.isnan(values), fill, values)[:, np.newaxis] - self.lowest
        return filled if self.width == 1 else (filled == np.arange(self.width)).astype(np.float64)


SURVIVED = Column(name="survived", codes={"0": 0, "1": 1, "0.0": 0, "1.0": 1})
PASSENGERS = (  # the columns of a passenger list that are used, in the order of the inputs
    Column(
        name="pclass",
        other_name="class",
        codes={
            text: code
            for code, texts in enumerate((("1", "1.0", "1st"), ("2", "2.0", "2nd"), ("3", "3.0", "3rd")), start=1)
            for text in texts
        },
        is_ordered=True,
        is_needed=True,
    ),
    Column(name="sex", codes={"female": 0, "male": 1}, is_needed=True),
    Column(name="age", is_needed=True),
    Column(name="sibsp"),
    Column(name="parch"),
    Column(name="fare"),
    Column(name="embarked", codes={"c": 0, "q": 1, "s": 2}),
)
_EXPECTED = (
    "a Titanic passenger list with the columns survived, pclass (or class), sex and age, as Kaggle's train.csv, "
    "OpenML's titanic (.arff or .csv) and bokeh_sampledata's titanic_all.csv have them"
)


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """Rows of a file, as the numbers that their cells stand for."""

    columns: tuple[Column, ...]  # those that are used and that the file has
    values: Values  # (rows, columns)
    lines: NDArray[np.int64]  # (rows,), the line of the file in which each row begins, from 1

    def __getitem__(self, numbers: NDArray[np.int32]) -> TableRows:
        return TableRows(columns=self.columns, values=self.values[numbers], lines=self.lines[numbers])


@dataclass(frozen=True, kw_only=True)
class Table:
    """Tables as float32 (rows, inputs). Missing numbers become the median, missing texts the most frequent one."""

    columns: tuple[Column, ...]  # those that are used if a file has them
    target: Column

    largest = None
    is_fitted = True

    @property
    def decisive(self) -> Mapping[str, object]:
        return {}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Table:
        del dataset, levels
        return cls(columns=PASSENGERS, target=SURVIVED)

    def read(self, source: Source, *, test: bool) -> Raw:
        """Read a .csv or .arff file as `TableRows`: all rows, because no table has an official test split."""
        from hpstudy.data.kind import Raw

        del test
        file = self.file(source)
        places = self._places(file)
        columns = tuple(column for column in self.columns if column.name in places)
        values = [file.parsed(places[column.name], column.name, column.value) for column in columns]
        labels = file.parsed(places[self.target.name], self.target.name, self._label)
        rows = TableRows(columns=columns, values=np.array(values, np.float64).T.copy(), lines=np.array(file.lines))
        return Raw(rows=rows, labels=np.array(labels, np.int32))

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        assert training
        rows: TableRows = raw.rows
        fills = _fills(training.rows)
        inputs = [
            column.inputs(values, fills[column.name])
            for column, values in zip(rows.columns, rows.values.T, strict=True)
        ]
        x = np.hstack(inputs).astype(np.float32)
        return Matrix.of(x, raw.labels, "dense", x.shape[1])

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """The value in the file, with its column and line."""
        rows: TableRows = raw.rows
        place = np.repeat(np.arange(len(rows.columns)), [column.width for column in rows.columns])[feature]
        return f"{rows.values[row, place]:g} as {rows.columns[place].name} in line {rows.lines[row]}"

    def description(self, training: Raw | None) -> dict[str, Any]:
        """For each column, in the order of the inputs, the number that replaces a missing value."""
        assert training
        return {"fills": _fills(training.rows)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        """The first rows of the file, with the column names of the file."""
        del rows
        file = self.file(source)
        places = sorted(place for name, place in self._places(file).items() if name != self.target.name)
        return {"columns": {file.names[place]: _typed(file.column(place)) for place in places}}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode a DataFrame with the columns of the file. A column that it lacks counts as missing in every row."""
        columns = {column.name: column for column in PASSENGERS}
        inputs = [
            columns[name].inputs(_served(rows, columns[name]), fill) for name, fill in description["fills"].items()
        ]
        return np.hstack(inputs).astype(np.float32)

    def file(self, source: Source) -> TextTable:
        """The cells of the file as texts, with decimal points in numbers.

        Raises:
            DatasetError: the file is truncated, lacks a column, or has it twice.
        """
        from hpstudy.data.formats.tables import read_table
        from hpstudy.data.integrity import bad_file

        path = source.files[0]
        file = read_table(path, expected=_EXPECTED)
        places = self._places(file)
        needed = [self.target, *(column for column in self.columns if column.is_needed)]
        if lacking := [column.name for column in needed if column.name not in places]:
            hint = " (Kaggle's test.csv has no labels: take train.csv)" if lacking == [self.target.name] else ""
            raise bad_file(path, f"lacks the column {', '.join(lacking)}{hint}", _EXPECTED)
        if not len(file):
            raise bad_file(path, "holds no passengers", _EXPECTED)
        numbers = [column.name for column in (self.target, *self.columns) if not column.codes or column is self.target]
        return file.with_decimal_points([places[name] for name in numbers if name in places], is_missing)

    def _places(self, file: TextTable) -> dict[str, int]:
        """The positions of the used columns that the file has, by name."""
        from hpstudy.data.integrity import bad_file

        try:
            found = {column.name: column.place(file.names) for column in (self.target, *self.columns)}
        except ValueError as error:
            raise bad_file(file.path, str(error), "one of them") from None
        return {name: place for name, place in found.items() if place is not None}

    def _label(self, text: str) -> int:
        try:
            return self.target.codes[text.strip()]
        except KeyError:
            raise ValueError("0 or 1 in every row") from None


def is_missing(text: str) -> bool:
    """Whether the text stands for a missing value."""
    return text.strip().lower() in MISSING


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise ValueError("a number such as 7.25, or nothing where it is missing") from None
    if abs(found) > LARGEST:
        raise ValueError(f"a number of magnitude {LARGEST:.1e} at most, which float32 can hold and scale")
    if found < 0:
        raise ValueError("a number of at least 0, or nothing where it is missing")
    return found


def _place(names: Sequence[object], wanted: str) -> int | None:
    places = [place for place, name in enumerate(names) if str(name).strip().lower() == wanted]
    if len(places) > 1:
        doubles = " and ".join(repr(str(names[place])) for place in places)
        raise ValueError(f"has the columns {doubles}, which are the same name apart from case and spaces")
    return places[0] if places else None


def _fills(training: TableRows) -> dict[str, float]:
    """What replaces missing values, by column: the median, or the most frequent code (the lowest if there is none)."""
    from sklearn.impute import SimpleImputer

    fills = {}
    for column, values in zip(training.columns, training.values.T, strict=True):
        fills[column.name] = float(column.lowest)
        if not np.isnan(values).all():
            imputer = SimpleImputer(strategy="most_frequent" if column.codes else "median")
            fills[column.name] = float(imputer.fit(values[:, np.newaxis]).statistics_[0])
    return fills


def _served(rows: Any, column: Column) -> Values:
    """One column of a DataFrame, (rows,). A missing value, or every value of a missing column, is NaN."""
    try:
        place = column.place(list(rows.columns))
    except ValueError as error:
        raise ValueError(f"The table {error}. Expected: one of them.") from None
    if place is None:
        return np.full(len(rows), np.nan)
    return np.array([_served_value(str(cell), column) for cell in rows.iloc[:, place]], np.float64)


def _served_value(text: str, column: Column) -> float:
    try:
        return column.value(text)
    except ValueError as error:
        raise ValueError(f"{column.name} is {text!r}. Expected: {error}.") from None


def _typed(texts: Sequence[str]) -> dict[str, Any]:
    """A column as pandas reads it: whole numbers if none is missing, else numbers, or texts."""
    known = [text for text in texts if not is_missing(text)]
    shown = [None if is_missing(text) else text for text in texts[:_EXAMPLES]]
    try:
        numbers = [float(text) for text in known]
    except ValueError:
        return {"type": "string", "values": shown}
    if len(known) == len(texts) and all(number.is_integer() for number in numbers):
        return {"type": "long", "values": [int(number) for number in numbers[:_EXAMPLES]]}
    return {"type": "double", "values": [None if text is None else float(text) for text in shown]}


KIND: type[Kind] = Table
