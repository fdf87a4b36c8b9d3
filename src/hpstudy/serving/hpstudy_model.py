"""The evaluated model as MLflow keeps it: raw rows in, class probabilities out.

This file is copied into the model, beside the networks and a description of the rows. So it imports nothing of
hpstudy: whoever loads the model needs Keras, TensorFlow, NumPy and pandas. How words and texts are numbered stands here
and not in `data`, which reads it from here, so that training and serving cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FACTS = "rows.json"  # beside the networks: {"classes": […], "networks": [{"file": …, "rows": {…}}, …]}
START, OUT_OF_VOCABULARY, INDEX_FROM = 1, 2, 3  # of keras.datasets.imdb.load_data
MISSING = ("", "?", "na", "nan", "none", "<na>", "*")
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


def _passengers(rows: Any, fills: Mapping[str, float]) -> np.ndarray:
    """Missing values are filled in; the class is one ordered number from 0; sex and port become columns of 0 and 1.

    Args:
        fills: For each column in the order of the features, what stands for a missing value.
    """
    columns = {str(name).strip().lower(): rows[name] for name in rows.columns}
    if "pclass" not in columns and "class" in columns:
        columns["pclass"] = columns["class"]
    features = []
    for name, fill in fills.items():
        values = np.full(len(rows), fill)
        for place, text in enumerate(columns.get(name, ())):
            plain = str(text).strip().lower()
            if plain not in MISSING:
                values[place] = _number(name, plain)
        if name == "pclass":
            features.append(values[:, np.newaxis] - 1)
        elif name in CODES:
            features.append(values[:, np.newaxis] == np.arange(len(CODES[name])))
        else:
            features.append(values[:, np.newaxis])
    return np.hstack(features).astype(np.float32)


def _number(column: str, text: str) -> float:
    try:
        return float(CODES[column][text] if column in CODES else text)
    except (KeyError, ValueError):
        expected = ", ".join(CODES[column]) if column in CODES else "a number"
        raise ValueError(f"{column} is {text!r}. Expected: {expected}, or nothing where it is missing.") from None
