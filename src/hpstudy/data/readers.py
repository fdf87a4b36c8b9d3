"""Files to raw arrays: which reader for which source. Every reader refuses a truncated or wrong file by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.images import read_idx_pair, read_npz_pair
from hpstudy.data.passengers import read_passengers
from hpstudy.data.places import Source
from hpstudy.data.splits import test_and_rest
from hpstudy.data.words import Reviews, read_reviews
from hpstudy.study.catalog import DATASETS

_IDX_FILES = 4
GATES = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "nand": (1, 1, 1, 0), "xor": (0, 1, 1, 0)}


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows as the source has them, before any encoding.

    `rows` is uint8 (rows, features) for images, float32 (rows, 2) for gates, float64 (rows, columns) with
    NaN for what is missing for tables, and Reviews for words.
    """

    rows: NDArray[Any] | Reviews
    labels: NDArray[np.int32]  # (rows,)
    columns: tuple[str, ...] = ()  # names of a table's columns


def read_train(source: Source, gate: str = "xor") -> Raw:
    """The rows outside the test split, in the order of the source.

    Raises:
        UserError: a file is truncated or wrong; the message names it.
    """
    return _read(source, gate, test=False)


def read_test(source: Source, gate: str = "xor") -> Raw:
    """The rows of the test split: the official one, else a stratified fifth drawn once and for all.

    Raises:
        UserError: a file is truncated or wrong; the message names it.
    """
    return _read(source, gate, test=True)


def _read(source: Source, gate: str, *, test: bool) -> Raw:
    match source.dataset:
        case "fashion_mnist" | "mnist":
            return _images(source, test=test)
        case "imdb":
            reviews, labels = read_reviews(source.files[0], "test" if test else "train")
            return Raw(rows=reviews, labels=labels)
        case "titanic":
            return _part(read_titanic(source.files[0]), test=test)
        case "digits":
            return _part(_read_digits(), test=test)
        case _:  # the four rows of a truth table are training, validation and test alike
            corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
            return Raw(rows=corners, labels=np.array(GATES[gate], np.int32))


def _images(source: Source, *, test: bool) -> Raw:
    facts = DATASETS[source.dataset]
    if len(source.files) == _IDX_FILES:
        images, labels = source.files[2:] if test else source.files[:2]
        pixels, classes = read_idx_pair(images, labels, facts.input_shape, len(facts.classes))
    else:
        split = "test" if test else "train"
        pixels, classes = read_npz_pair(source.files[0], split, facts.input_shape, len(facts.classes))
    return Raw(rows=pixels, labels=classes)


def read_titanic(path: Path) -> Raw:
    """All labelled passengers of one file, whichever of the known layouts it has."""
    columns, values, survived = read_passengers(path)
    return Raw(rows=values, labels=survived, columns=columns)


def _read_digits() -> Raw:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Raw(rows=digits.data.astype(np.uint8), labels=digits.target.astype(np.int32))


def _part(raw: Raw, *, test: bool) -> Raw:
    assert isinstance(raw.rows, np.ndarray)
    held_out, rest = test_and_rest(raw.labels)
    chosen = held_out if test else rest
    return Raw(rows=raw.rows[chosen], labels=raw.labels[chosen], columns=raw.columns)
