"""Titanic: readers of the layouts that the passenger list comes in, and its encoding as numbers."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.integrity import bad_file
from hpstudy.serving.hpstudy_model import CODES, MISSING

Table = NDArray[np.float64]  # (rows, columns), NaN where a value is missing

_EXPECTED = (
    "a Titanic passenger list with the columns survived, pclass (or class), sex and age, as Kaggle's train.csv, "
    "OpenML's titanic (.arff or .csv) and bokeh_sampledata's titanic_all.csv have them"
)
_SURVIVED = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


def _code(codes: dict[str, int]) -> Callable[[str], float]:
    return lambda text: float(codes[text])


def _amount(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(text)
    return number


# Every column that is used, in the order of the features, and how its texts become numbers.
_PARSERS: dict[str, Callable[[str], float]] = {
    "pclass": _code(CODES["pclass"]),
    "sex": _code(CODES["sex"]),
    "age": _amount,
    "sibsp": _amount,
    "parch": _amount,
    "fare": _amount,
    "embarked": _code(CODES["embarked"]),
}
_NEEDED = ("survived", "pclass", "sex", "age")


def read_passengers(path: Path) -> tuple[tuple[str, ...], Table, NDArray[np.int32]]:
    """Read every passenger of a .csv or .arff file.

    Returns:
        The names of the columns that the file has of pclass, sex, age, sibsp, parch, fare, embarked; their
        values, float64 (passengers, columns) with codes for texts and NaN for what is missing; and int32
        (passengers,) with 1 for those who survived.

    Raises:
        UserError: the file is truncated, lacks a column, or holds a value that does not belong there.
    """
    text = _text(path)
    header, rows = _arff(path, text) if path.suffix.lower() == ".arff" else _csv(text)
    names = [name.strip().lower() for name in header]
    if "pclass" not in names:
        names = ["pclass" if name == "class" else name for name in names]
    if lacking := [name for name in _NEEDED if name not in names]:
        hint = " (Kaggle's test.csv has no labels: take train.csv)" if lacking == ["survived"] else ""
        raise bad_file(path, f"lacks the column {', '.join(lacking)}{hint}", _EXPECTED)
    records = _records(path, names, rows, text.endswith("\n"))
    columns = tuple(name for name in _PARSERS if name in names)
    values = [[_number(path, line, name, row[name]) for name in columns] for line, row in records]
    survived = [_label(path, line, row["survived"]) for line, row in records]
    return columns, np.array(values, np.float64), np.array(survived, np.int32)


def fit_encoder(columns: tuple[str, ...], training: Table) -> Callable[[Table], NDArray[np.float32]]:
    """Fit imputation and encoding on training rows.

    Missing numbers become the median, missing texts the most frequent one. The ticket class stays one ordered
    number (0 to 2); sex becomes two columns and the port three, of which one is 1.

    Returns:
        A function from (rows, columns) with NaN to float32 (rows, features). The number of features depends
        on `columns` alone.
    """
    transformer = _fitted(columns, training)
    return lambda table: np.ascontiguousarray(transformer.transform(table), np.float32)


def fit_fills(columns: tuple[str, ...], training: Table) -> dict[str, float]:
    """What `fit_encoder` puts where a value is missing, by column: for texts the code."""
    fitted = _fitted(columns, training).named_transformers_
    imputers = {name: fitted[name] if hasattr(fitted[name], "statistics_") else fitted[name][0] for name in columns}
    return {name: float(np.nan_to_num(imputer.statistics_[0])) for name, imputer in imputers.items()}


def _fitted(columns: tuple[str, ...], training: Table) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    def one_hot(codes: dict[str, int]) -> Any:
        frequent = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
        known = [sorted(set(codes.values()))]
        return make_pipeline(frequent, OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False))

    # The categories are given, because a small training set may lack one of them.
    ordinal = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True), OrdinalEncoder(categories=[[1, 2, 3]])
    )
    encoders = {"pclass": ordinal, "sex": one_hot(CODES["sex"]), "embarked": one_hot(CODES["embarked"])}
    transformer = ColumnTransformer(
        [
            (name, encoders.get(name, SimpleImputer(strategy="median", keep_empty_features=True)), [index])
            for index, name in enumerate(columns)
        ]
    )
    return transformer.fit(training)


def raw_passengers(path: Path) -> dict[str, list[str]]:
    """The columns that are used, under the names of the file, as the texts in it.

    Raises:
        UserError: the file cannot be read.
    """
    text = _text(path)
    header, rows = _arff(path, text) if path.suffix.lower() == ".arff" else _csv(text)
    cells = [row for _, row in rows if len(row) == len(header)]
    used = {*_PARSERS, "class"} if "pclass" not in {name.strip().lower() for name in header} else {*_PARSERS}
    return {name: [row[place] for row in cells] for place, name in enumerate(header) if name.strip().lower() in used}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise bad_file(path, f"cannot be read ({error})", _EXPECTED) from None


def _csv(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    return header, ((reader.line_num, row) for row in reader)


def _arff(path: Path, text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Split an ARFF file into attribute names and rows (format: Weka's; only dense data)."""
    lines = text.splitlines(keepends=True)
    marks = [number for number, line in enumerate(lines) if line.strip().lower() == "@data"]
    if not marks:
        raise bad_file(path, "has no @data section", _EXPECTED)
    declared = [line.split(None, 2) for line in lines[: marks[0]] if line.lower().startswith("@attribute")]
    names = [parts[1].strip("'\"") for parts in declared if len(parts) > 1]
    body = [line for line in lines[marks[0] + 1 :] if not line.startswith("%")]
    # Both quotes are allowed, and names hold either: the one that cells begin with is the quote.
    begins = {quote: sum(line.count(f",{quote}") for line in body) for quote in "'\""}
    quote = max(begins, key=lambda candidate: begins[candidate])
    reader = csv.reader(body, quotechar=quote, escapechar="\\", skipinitialspace=True, strict=True)
    return names, ((marks[0] + 1 + reader.line_num, row) for row in reader)


def _records(
    path: Path, names: list[str], rows: Iterator[tuple[int, list[str]]], ends_whole: bool
) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells by column name of every passenger."""
    records = []
    last: list[str] = []
    try:
        for line, row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise bad_file(path, f"has {len(row)} cells in line {line}", f"{len(names)}, as in its header")
            records.append((line, dict(zip(names, row, strict=True))))
            last = row
    except csv.Error as error:
        raise bad_file(path, f"breaks off or is damaged ({error})", _EXPECTED) from None
    if not records:
        raise bad_file(path, "holds no passengers", _EXPECTED)
    if not ends_whole and not last[-1]:
        raise bad_file(path, "breaks off in its last line", f"{_EXPECTED}, ending with a line break")
    return records


def _number(path: Path, line: int, column: str, text: str) -> float:
    plain = text.strip().lower()
    if plain in MISSING:
        return math.nan
    try:
        return _PARSERS[column](plain)
    except (KeyError, ValueError):
        raise bad_file(path, f"has {text!r} as {column} in line {line}", _EXPECTED) from None


def _label(path: Path, line: int, text: str) -> int:
    try:
        return _SURVIVED[text.strip()]
    except KeyError:
        raise bad_file(path, f"has {text!r} as survived in line {line}", "0 or 1") from None
