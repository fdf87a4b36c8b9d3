"""Tables of a user's own: numbers, categories, truth values, dates, texts. This file is copied into models.

Any value may be missing. What a column is, and what replaces a missing value, is found out on the training rows and
kept as JSON values. The same function makes inputs of the file's rows and of served rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpstudy.data.cache import Matrix
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config
    from hpstudy.study.table import Table

Texts = NDArray[np.object_]  # of one column, (rows,): str, "" where a value is missing
Values = NDArray[Any]  # of one column, (rows,): float64 with NaN, datetime64[s] with NaT, or `Texts`

MISSING = frozenset(  # in lower case: those of pandas.read_csv, a missing date, and "?" as in UCI's tables
    (
        *("", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"),
        *("<na>", "n/a", "na", "nan", "none", "null", "nat", "?"),
    )
)
_EXAMPLES = 2  # rows
_MOST_MISSING = 0.98  # a column with a larger share of missing values is left out
_MOST_DISTINCT = 0.5  # texts of which a larger share differs are names, not categories
_MOST_LEVELS = 20  # but no column with so few levels
_FEWEST_WORDS = 3  # on average, in columns of texts rather than of names
_WORD = re.compile(r"\w+")
_WHOLE = re.compile(r"(-?\d+)\.0+")  # as pandas writes whole numbers beside missing ones
_TRUTH = frozenset(("true", "false"))
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\d).*")
_DATE_FORMATS = (  # the first that fits every known cell; the day before the month only where the month cannot be first
    *("ISO8601", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %H:%M"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y"),
)
_DATE_PARTS = 4  # days, month, day of the month and of the week
_NO_DATE = np.datetime64("NaT", "s")
_DAY = np.timedelta64(86_400, "s")


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Rows of a file."""

    columns: Mapping[str, Values]  # those that may become inputs
    numbers: NDArray[np.int64]  # (rows,), the place of each row in the file, from 0

    def __getitem__(self, taken: NDArray[np.int32]) -> Cells:
        columns = {name: values[taken] for name, values in self.columns.items()}
        return Cells(columns=columns, numbers=self.numbers[taken])


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Tables as float32 (rows, inputs). A number that is missing becomes the median, and is marked in a further input.

    Categories become inputs of 0 or 1, the last of which is for levels that are rare or unseen. Dates become the days
    since the earliest one, the month, the day of the month and of the week, and the hour if there are times. Texts of
    several words become inputs of 0 or 1 for the most frequent words.
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
        from hpstudy.study.table import Table

        assert isinstance(dataset.own, Table)
        return cls(table=dataset.own)

    def read(self, source: Source, *, test: bool) -> Raw:
        """All rows if the test split is drawn, else those of one of the two files."""
        from hpstudy.data.kind import Raw
        from hpstudy.data.own_rows import read_rows

        assert self.table.content
        path = source.files[1 if test and len(source.files) > 1 else 0]
        rows = read_rows(path, self.table, MISSING, texts_of)
        columns: dict[str, Values] = {
            str(name): texts_of(cells) if name in (*self.table.categorical, *self.table.text) else values_of(cells)
            for name, cells in rows.frame.items()
            if name not in self.table.told_columns
        }
        return Raw(
            rows=Cells(columns=columns, numbers=rows.numbers),
            labels=rows.numbered(self.table.content.classes),
            keys=rows.keys,
            weights=rows.weights,
            places=rows.numbers,
        )

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        assert training
        x = _inputs(raw.rows.columns, self.fitted(training.rows), len(raw.labels))
        return Matrix.of(x, raw.labels, "dense", x.shape[1])

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """The largest number of the row, with its column."""
        del feature
        cells: Cells = raw.rows
        numbers = {name: _numbers(values[row : row + 1])[0] for name, values in cells.columns.items()}
        name = max(numbers, key=lambda name: 0.0 if math.isnan(numbers[name]) else abs(numbers[name]))
        return f"{numbers[name]:g} as {name} in row {cells.numbers[row] + 1}"

    def description(self, training: Raw | None) -> dict[str, Any]:
        """For each column, in the order of the inputs, what was fitted on the training rows."""
        assert training
        return {"columns": self.fitted(training.rows)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        """The first rows of the file, with the columns that are used."""
        del rows
        cells: Cells = self.read(source, test=False).rows
        return {"columns": {name: _typed(cells.columns[name]) for name in self.fitted(cells)}}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode a DataFrame with columns of the file, in any order. One that it lacks is missing in every row."""
        places = {str(name).strip(): place for place, name in enumerate(rows.columns)}
        columns = {
            name: _served(rows.iloc[:, places[name]], column["kind"]) if name in places else np.full(len(rows), "", "O")
            for name, column in description["columns"].items()
        }
        return _inputs(columns, description["columns"], len(rows))

    def fitted(self, training: Cells) -> dict[str, dict[str, Any]]:
        """What each column is, without those that can tell nothing.

        Raises:
            DatasetError: no column is left.
        """
        from hpstudy.errors import DatasetError

        columns = self.understood(training)
        found = {name: column for name, column in columns.items() if not isinstance(column, str)}
        if not found:
            targets = ", ".join(self.table.targets)
            if not columns:
                raise DatasetError(f"{self.table.file} has no column besides {targets}, so nothing can predict it.")
            raise DatasetError(
                f"{self.table.file} has no column to predict {targets} from: the others "
                f"({', '.join(name or 'one without a name' for name in columns)}) are dropped, constant, nearly all "
                "missing, or identifiers. Name one in numeric=, categorical= or text= to take it anyway."
            )
        return found

    def understood(self, training: Cells) -> dict[str, dict[str, Any] | str]:
        """What each column is as an input, or why it is none: "dropped", "constant", …"""
        return {name: self._column(name, values) for name, values in training.columns.items()}

    def _column(self, name: str, values: Values) -> dict[str, Any] | str:
        known = values[~is_missing(values)]
        is_told = name in (*self.table.numeric, *self.table.categorical, *self.table.text)
        if name in self.table.drop:
            return "dropped"
        if not len(known):
            return "all missing"
        if not is_told and len(known) < (1 - _MOST_MISSING) * len(values):
            return "nearly all missing"
        if not is_told and len(known) == len(values) and (known == known[0]).all():
            return "constant"
        from hpstudy.data import column_fits

        if values.dtype.kind == "f":
            return (
                column_fits.fit_number(values) if is_told or not (why := column_fits.identifier(name, values)) else why
            )
        if values.dtype.kind == "M":
            return column_fits.fit_date(values, "ISO8601")
        return self._text_column(name, values, known)

    def _text_column(self, name: str, texts: Texts, known: Texts) -> dict[str, Any] | str:
        from hpstudy.data import column_fits

        levels = set(known)
        if name in self.table.categorical:
            return column_fits.fit_categories(texts, self.table.max_categories)
        if name in self.table.text:
            return self._fit_words(texts)
        if levels <= _TRUTH:
            return column_fits.fit_truth(texts)
        if form := _date_format(sorted(levels)):
            return column_fits.fit_date(_dates(texts, form), form)
        if len(levels) > max(_MOST_LEVELS, _MOST_DISTINCT * len(known)):
            is_prose = np.mean([len(words_of(text)) for text in levels]) > _FEWEST_WORDS
            return self._fit_words(texts) if is_prose else "an identifier: nearly every text differs"
        return column_fits.fit_categories(texts, self.table.max_categories)

    def _fit_words(self, texts: Texts) -> dict[str, Any] | str:
        from hpstudy.data import column_fits

        fitted = column_fits.fit_text(texts, words_of, self.table.max_words)
        return fitted if fitted["words"] else "texts without a word that occurs twice"


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.lower())


def texts_of(cells: Any) -> Texts:
    """A column of a DataFrame as texts that are equal where the values are."""
    import pandas as pd

    codes, levels = pd.factorize(cells)  # what is done with a level is done once, not in each row
    return _normal_levels(levels)[codes]


def _normal_levels(levels: Any) -> Texts:
    """The levels of a column as texts, and last the text of a missing value."""
    return np.array([*(_normal(str(level)) for level in levels), ""], object)


def values_of(cells: Any) -> Values:
    """A column of a DataFrame as numbers, dates, or texts. Texts become numbers if all that are known are numbers."""
    import pandas as pd

    kind = cells.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        return np.asarray(pd.to_datetime(cells, utc=True).dt.tz_localize(None).to_numpy("datetime64[s]"))
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        numbers = cells.to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers), numbers, np.nan)
    codes, levels = pd.factorize(cells)
    texts = _normal_levels(levels)
    numbers = _numbers(texts)
    return texts[codes] if np.isnan(numbers[texts != ""]).any() else numbers[codes]


def _served(cells: Any, kind: str) -> Values:
    return texts_of(cells) if kind in ("category", "truth", "text") else values_of(cells)


def _normal(text: str) -> str:
    text = text.strip()
    lower = text.lower()
    if lower in MISSING:
        return ""
    if lower in _TRUTH:
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


def _numbers(values: Values) -> NDArray[np.float64]:
    if values.dtype.kind == "f":
        return values
    if values.dtype.kind == "M":
        return np.full(len(values), np.nan)
    return np.array([number(text) for text in values], np.float64)


def is_missing(values: Values) -> NDArray[np.bool_]:
    """Which values are missing, (rows,)."""
    return np.asarray(
        values == "" if values.dtype.kind == "O" else np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    )


def _date_format(levels: list[str]) -> str | None:
    """The format of which all texts are dates; None if there is none."""
    if not all(_DATE.fullmatch(text) for text in levels):
        return None
    texts = np.array(levels, object)
    return next((form for form in _DATE_FORMATS if not np.isnat(_dates(texts, form)).any()), None)


def _dates(values: Values, form: str) -> NDArray[np.datetime64]:
    """datetime64[s], NaT where a value is missing or no date of this format."""
    import pandas as pd

    if values.dtype.kind == "M":
        return values
    if values.dtype.kind == "f":
        return np.full(len(values), _NO_DATE)
    codes, levels = pd.factorize(values)
    found = pd.to_datetime(pd.Series(levels, dtype=object), format=form, errors="coerce", utc=True)
    return np.asarray(found.dt.tz_localize(None).to_numpy("datetime64[s]")[codes])


def _inputs(columns: Mapping[str, Values], fitted: Mapping[str, Mapping[str, Any]], rows: int) -> NDArray[np.float32]:
    found = np.empty((rows, sum(map(_width, fitted.values()))), np.float32)  # filled in place, to save memory
    first = 0
    for name, column in fitted.items():
        found[:, first : first + _width(column)] = column_inputs(columns[name], column)
        first += _width(column)
    return found


def _width(column: Mapping[str, Any]) -> int:
    match column["kind"]:
        case "category":
            return len(column["levels"]) + 1
        case "text":
            return len(column["words"])
        case "date":
            return _DATE_PARTS + bool(column["has_times"]) + bool(column["marks_missing"])
        case _:
            return 1 + bool(column["marks_missing"])


def column_inputs(values: Values, column: Mapping[str, Any]) -> NDArray[np.float32]:
    """One column as inputs, float32 (rows, width)."""
    match column["kind"]:
        case "category":
            import pandas as pd

            places = {level: place for place, level in enumerate(column["levels"])}
            codes, levels = pd.factorize(values)
            found = np.array([places.get(level, len(places)) for level in levels], np.int64)[codes]
            return np.asarray(found[:, np.newaxis] == np.arange(len(places) + 1), np.float32)
        case "text":
            return _multi_hot(values, column["words"])
        case "date":
            return _date_inputs(_dates(values, column["format"]), column)
        case "truth":
            numbers = np.select(
                [values == "true", values == "1", values == "false", values == "0"], [1, 1, 0, 0], np.nan
            )
        case _:
            numbers = _numbers(values)
    lacks = np.isnan(numbers)
    return _marked([np.where(lacks, column["fill"], numbers)], lacks, column)


def _multi_hot(texts: Texts, words: Sequence[str]) -> NDArray[np.float32]:
    """Which of these words occur in each text, (rows, words)."""
    places = {word: place for place, word in enumerate(words)}
    found = np.zeros((len(texts), len(words)), np.float32)
    for row, text in zip(found, texts, strict=True):
        row[[places[word] for word in words_of(text) if word in places]] = 1
    return found


def _date_inputs(dates: NDArray[np.datetime64], column: Mapping[str, Any]) -> NDArray[np.float32]:
    is_missing = np.isnat(dates)
    known = np.where(is_missing, np.datetime64(column["fill"], "s"), dates)
    days, months = known.astype("datetime64[D]"), known.astype("datetime64[M]")
    parts = [
        (known - np.datetime64(column["first"], "s")) / _DAY,
        months.astype(np.int64) % 12 + 1,
        (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        (days.astype(np.int64) + 3) % 7,  # 1 January 1970 was a Thursday; Monday is 0
        *([(known - days) / np.timedelta64(3_600, "s")] if column["has_times"] else []),
    ]
    return _marked(parts, is_missing, column)


def _marked(parts: list[Any], is_missing: NDArray[np.bool_], column: Mapping[str, Any]) -> NDArray[np.float32]:
    return np.stack([*parts, *([is_missing] if column["marks_missing"] else [])], axis=1).astype(np.float32)


def _typed(values: Values) -> dict[str, Any]:
    """The first cells of a column, with their type.

    Only that of plain texts is told: rows to predict may have whole numbers where the file has others, and dates or
    truth values as such or as texts.
    """
    first = values[:_EXAMPLES]
    cells = [str(one) for one in first] if values.dtype.kind == "M" else first.tolist()
    shown = [None if lacks else cell for cell, lacks in zip(cells, is_missing(first), strict=True)]
    levels = set(values) - {""} if values.dtype.kind == "O" else set()
    is_plain = not levels <= _TRUTH and not any(_DATE.fullmatch(text) or math.isfinite(number(text)) for text in levels)
    return {"type": "string" if is_plain else "any", "values": shown}


KIND: type[Kind] = Columns
