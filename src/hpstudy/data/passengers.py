"""Titanic: the passenger list in the layouts that it comes in, and its encoding as numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.integrity import bad_file
from hpstudy.data.tables import Table, read_table
from hpstudy.serving.hpstudy_model import CODES, passenger_place, passenger_value

Values = NDArray[np.float64]  # (rows, columns), NaN where a value is missing

_EXPECTED = (
    "a Titanic passenger list with the columns survived, pclass (or class), sex and age, as Kaggle's train.csv, "
    "OpenML's titanic (.arff or .csv) and bokeh_sampledata's titanic_all.csv have them"
)
_TARGET = "survived"
_SURVIVED = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}
_FEATURES = ("pclass", "sex", "age", "sibsp", "parch", "fare", "embarked")  # every column that is used, in their order
_NEEDED = (_TARGET, "pclass", "sex", "age")


def read_passengers(path: Path) -> tuple[tuple[str, ...], Values, NDArray[np.int32]]:
    """Read every passenger of a .csv or .arff file.

    Returns:
        As `parse_passengers`.

    Raises:
        DatasetError: as `passenger_table` and `parse_passengers`.
    """
    return parse_passengers(passenger_table(path))


def passenger_table(path: Path) -> Table:
    """The file's cells as texts, its numbers with decimal points.

    Raises:
        DatasetError: the file is truncated, lacks a column, or has it twice.
    """
    table = read_table(path, expected=_EXPECTED)
    places = _places(table)
    if lacking := [name for name in _NEEDED if name not in places]:
        hint = " (Kaggle's test.csv has no labels: take train.csv)" if lacking == [_TARGET] else ""
        raise bad_file(path, f"lacks the column {', '.join(lacking)}{hint}", _EXPECTED)
    if not len(table):
        raise bad_file(path, "holds no passengers", _EXPECTED)
    return table.with_decimal_points(place for name, place in places.items() if name not in CODES)


def parse_passengers(table: Table) -> tuple[tuple[str, ...], Values, NDArray[np.int32]]:
    """What the texts of a passenger list mean.

    Returns:
        The names of the columns that the file has of pclass, sex, age, sibsp, parch, fare, embarked; their
        values, float64 (passengers, columns) with codes for texts and NaN for what is missing; and int32
        (passengers,) with 1 for those who survived.

    Raises:
        DatasetError: a value does not belong there; the message names it, its column and its line.
    """
    places = _places(table)
    columns = tuple(name for name in _FEATURES if name in places)
    values = [table.parsed(places[name], name, partial(passenger_value, name)) for name in columns]
    survived = table.parsed(places[_TARGET], _TARGET, _label)
    return columns, np.array(values, np.float64).T.copy(), np.array(survived, np.int32)


def encoded_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """For each feature that `fit_encoder` makes, the column that it comes from."""
    width = {name: len(set(codes.values())) for name, codes in CODES.items() if name != "pclass"}
    return tuple(name for name in columns for _ in range(width.get(name, 1)))


def fit_encoder(columns: tuple[str, ...], training: Values) -> Callable[[Values], NDArray[np.float32]]:
    """Fit imputation and encoding on training rows.

    Missing numbers become the median, missing texts the most frequent one. The ticket class stays one ordered
    number (0 to 2); sex becomes two columns and the port three, of which one is 1.

    Returns:
        A function from (rows, columns) with NaN to float32 (rows, features). The number of features depends
        on `columns` alone.
    """
    transformer = _fitted(columns, training)
    return lambda table: np.ascontiguousarray(transformer.transform(table), np.float32)


def fit_fills(columns: tuple[str, ...], training: Values) -> dict[str, float]:
    """What `fit_encoder` puts where a value is missing, by column: for texts the code."""
    fitted = _fitted(columns, training).named_transformers_
    imputers = {name: fitted[name] if hasattr(fitted[name], "statistics_") else fitted[name][0] for name in columns}
    return {name: float(np.nan_to_num(imputer.statistics_[0])) for name, imputer in imputers.items()}


def _fitted(columns: tuple[str, ...], training: Values) -> Any:
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
        DatasetError: as `passenger_table`.
    """
    table = passenger_table(path)
    places = sorted(place for name, place in _places(table).items() if name != _TARGET)
    return {table.names[place]: table.column(place) for place in places}


def _places(table: Table) -> dict[str, int]:
    """Where the columns are that are used, as far as the file has them."""
    try:
        found = {name: passenger_place(table.names, name) for name in (_TARGET, *_FEATURES)}
    except ValueError as error:
        raise bad_file(table.path, str(error), "one of them") from None
    return {name: place for name, place in found.items() if place is not None}


def _label(text: str) -> int:
    try:
        return _SURVIVED[text.strip()]
    except KeyError:
        raise ValueError("0 or 1 in every row") from None
