"""The evaluated model as MLflow keeps it: raw rows in, class probabilities out.

This file is copied into the model, beside the networks and a description of the rows. So it imports nothing of
hpstudy: whoever loads the model needs Keras, TensorFlow, NumPy and pandas. How words and texts are numbered, and which
texts stand for a missing value, is written here and not in `data`, which reads it from here, so that training and
serving cannot differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FACTS = "rows.json"  # beside the networks: {"classes": […], "networks": [{"file": …, "rows": {…}}, …]}
START, OUT_OF_VOCABULARY, INDEX_FROM = 1, 2, 3  # of keras.datasets.imdb.load_data
MISSING = frozenset(  # in lower case
    (
        *("", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"),  # of pandas.read_csv
        *("<na>", "n/a", "na", "nan", "none", "null"),  # of pandas.read_csv, too
        *("nat", "-", "?", "*"),  # a missing date of pandas; others' tables, ARFF, bokeh_sampledata
    )
)
LARGEST = 2.0**126  # of a number in a table: float32 holds its inverse, which it is scaled by, in full precision
CODES = {  # texts of a passenger list → numbers
    "pclass": {
        text: place for place in (1, 2, 3) for text in (f"{place}", f"{place}.0", ("1st", "2nd", "3rd")[place - 1])
    },
    "sex": {"female": 0, "male": 1},
    "embarked": {"c": 0, "q": 1, "s": 2},
}
_BATCH = 1024  # rows at a time: encoded words are many times larger than lists of them


def _load_pyfunc(path: str) -> Ensemble:
    """What MLflow calls, by this very name."""
    return Ensemble(Path(path))


class Ensemble:
    """Networks of one configuration, trained under several seeds, each with its own fitted preprocessing."""

    def __init__(self, folder: Path) -> None:
        import keras

        facts = json.loads((folder / FACTS).read_text("utf-8"))
        self.classes: list[str] = facts["classes"]
        self._members = [
            (keras.models.load_model(folder / member["file"], compile=False), member["rows"])
            for member in facts["networks"]
        ]

    def predict(self, rows: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The average of the networks' probabilities: a DataFrame with a column for each class, a line for each row.

        Args:
            rows: As the dataset has them: images, lists of word numbers, passengers, or pairs of truth values.
            params: None are known.
        """
        import pandas as pd

        del params
        batches = [self._predict(rows[first : first + _BATCH]) for first in range(0, len(rows), _BATCH)]
        found = np.concatenate(batches) if batches else np.empty((0, len(self.classes)))
        return pd.DataFrame(found, columns=self.classes)

    def _predict(self, rows: Any) -> np.ndarray:
        found = [probabilities(network, encode(rows, facts)) for network, facts in self._members]
        return np.asarray(np.mean(found, axis=0))


def probabilities(network: Any, rows: np.ndarray) -> np.ndarray:
    """float64 (rows, classes). A network with one output gives the probability of the second of two classes."""
    found = np.asarray(network(rows, training=False), np.float64)
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


def encode(rows: Any, facts: Mapping[str, Any]) -> np.ndarray:
    """Raw rows as numbers, float32 (rows, *input shape); the network itself scales them.

    Args:
        facts: What `kind` of rows they are, and what was fitted on the training rows.

    Raises:
        ValueError: a row holds something that the dataset does not have.
    """
    if facts["kind"] == "words":
        return _multi_hot(rows, facts["num_words"])
    if facts["kind"] == "table":
        return _passengers(rows, facts["fills"])
    return np.asarray(rows, np.float32).reshape(-1, *facts["shape"])


def _multi_hot(rows: Any, num_words: int) -> np.ndarray:
    """Which words a review has. Numbered as in imdb.npz: 1 is the most frequent word."""
    reviews = rows.iloc[:, 0] if hasattr(rows, "iloc") else rows
    cells = np.zeros((len(reviews), num_words), np.float32)
    cells[:, START] = 1
    for cell, review in zip(cells, reviews, strict=True):
        words = np.asarray(review, np.int64) + INDEX_FROM
        if len(words) and words.min() < INDEX_FROM:
            raise ValueError(f"A word has the number {words.min() - INDEX_FROM}. Expected: numbers of at least 0.")
        cell[np.where(words < num_words, words, OUT_OF_VOCABULARY)] = 1
    return cells


def is_missing(text: str) -> bool:
    """Whether the text stands for a missing value."""
    return text.strip().lower() in MISSING


def number(text: str) -> float:
    """The number that the text of a table's cell is; NaN where it is missing.

    Raises:
        ValueError: it is none, or too large for float32; the message is what was expected.
    """
    if is_missing(text):
        return math.nan
    try:
        found = float(text)
    except ValueError:
        raise ValueError("a number such as 7.25, or nothing where it is missing") from None
    if abs(found) > LARGEST:
        raise ValueError(f"a number of magnitude {LARGEST:.1e} at most, as float32 and its scaling can hold")
    return found


def place_of(names: Sequence[object], wanted: str) -> int | None:
    """Where the column is whose name is `wanted` in any case and with any spaces around it; None: nowhere.

    Raises:
        ValueError: several columns have that name.
    """
    places = [place for place, name in enumerate(names) if str(name).strip().lower() == wanted]
    if len(places) > 1:
        doubles = " and ".join(repr(str(names[place])) for place in places)
        raise ValueError(f"has the columns {doubles}, which are one name when case and spaces do not count")
    return places[0] if places else None


def passenger_place(names: Sequence[object], column: str) -> int | None:
    """As `place_of`. The ticket class is called pclass, or else class."""
    place = place_of(names, column)
    return place_of(names, "class") if place is None and column == "pclass" else place


def passenger_value(column: str, text: str) -> float:
    """The number that a text of a passenger list stands for; NaN where it is missing.

    Raises:
        ValueError: it does not belong into the column; the message is what was expected.
    """
    if column not in CODES:
        found = number(text)
        if found < 0:
            raise ValueError("a number of at least 0, or nothing where it is missing")
        return found
    try:
        return math.nan if is_missing(text) else float(CODES[column][text.strip().lower()])
    except KeyError:
        raise ValueError(f"{', '.join(CODES[column])}, or nothing where it is missing") from None


def _passengers(rows: Any, fills: Mapping[str, float]) -> np.ndarray:
    """Missing values are filled in; the class is one ordered number from 0; sex and port become columns of 0 and 1.

    Args:
        fills: For each column in the order of the features, what stands for a missing value.
    """
    features = []
    for name, fill in fills.items():
        values = _column(rows, name)[:, np.newaxis]
        values = np.where(np.isnan(values), fill, values)
        if name == "pclass":
            features.append(values - 1)
        elif name in CODES:
            features.append(values == np.arange(len(CODES[name])))
        else:
            features.append(values)
    return np.hstack(features).astype(np.float32)


def _column(rows: Any, name: str) -> np.ndarray:
    """float64 (rows,), NaN where a value or the whole column is missing."""
    try:
        place = passenger_place(list(rows.columns), name)
    except ValueError as error:
        raise ValueError(f"The table {error}. Expected: one of them.") from None
    if place is None:
        return np.full(len(rows), np.nan)
    values = np.empty(len(rows))
    for row, cell in enumerate(rows.iloc[:, place]):
        try:
            values[row] = passenger_value(name, str(cell))
        except ValueError as error:
            raise ValueError(f"{name} is {str(cell)!r}. Expected: {error}.") from None
    return values
