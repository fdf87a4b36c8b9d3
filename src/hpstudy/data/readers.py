"""Files to raw arrays: which reader for which source. Every reader refuses a truncated or wrong file by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.images import read_idx_pair, read_npz_pair
from hpstudy.data.integrity import bad_file
from hpstudy.data.passengers import parse_passengers, passenger_table
from hpstudy.data.places import Source
from hpstudy.data.splits import ScarceClassError, test_and_rest, train_and_validation
from hpstudy.data.words import Reviews, read_reviews
from hpstudy.errors import DatasetError, UserError
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
    lines: NDArray[np.int64] | None = None  # (rows,) of a table's file, from 1, that the rows begin in


def read_train(source: Source, gate: str = "xor") -> Raw:
    """The rows outside the test split, in the order of the source.

    Raises:
        DatasetError: a file is truncated or wrong, or has no rows of a class; the message names it.
    """
    return _read(source, gate, test=False)


def read_test(source: Source, gate: str = "xor") -> Raw:
    """The rows of the test split: the official one, else a stratified fifth drawn once and for all.

    Raises:
        DatasetError: a file is truncated or wrong, or has rows of one class only; the message names it.
    """
    return _read(source, gate, test=True)


def split_train(
    source: Source, labels: NDArray[np.int32], seed: int, train_rows: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Rows for training and validation, as `train_and_validation`; all of a truth table for both.

    Raises:
        DatasetError: a class has too few rows; the message names the file.
        UserError: `train_rows` is impossible.
    """
    if DATASETS[source.dataset].kind != "gate":
        with _named(source):
            return train_and_validation(labels, seed, train_rows)
    if train_rows not in (None, len(labels)):
        raise UserError(f"train_rows={train_rows}: a truth table is learned whole. Leave train_rows out.")
    rows = np.arange(len(labels), dtype=np.int32)
    return rows, rows


def _read(source: Source, gate: str, *, test: bool) -> Raw:
    match source.dataset:
        case "fashion_mnist" | "mnist":
            return _with_classes(source, _images(source, test=test), test=test)
        case "imdb":
            reviews, labels = read_reviews(source.files[0], "test" if test else "train")
            return _with_classes(source, Raw(rows=reviews, labels=labels), test=test)
        case "titanic":
            return _part(source, _with_classes(source, read_titanic(source.files[0])), test=test)
        case "digits":
            return _part(source, _read_digits(), test=test)
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
    table = passenger_table(path)
    columns, values, survived = parse_passengers(table)
    return Raw(rows=values, labels=survived, columns=columns, lines=np.array(table.lines))


def _read_digits() -> Raw:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Raw(rows=digits.data.astype(np.uint8), labels=digits.target.astype(np.int32))


def _part(source: Source, raw: Raw, *, test: bool) -> Raw:
    assert isinstance(raw.rows, np.ndarray)
    with _named(source):
        held_out, rest = test_and_rest(raw.labels)
    chosen = held_out if test else rest
    lines = None if raw.lines is None else raw.lines[chosen]
    return Raw(rows=raw.rows[chosen], labels=raw.labels[chosen], columns=raw.columns, lines=lines)


def _with_classes(source: Source, raw: Raw, *, test: bool = False) -> Raw:
    """The rows, if every class is among them. An official test split must have two at least, to tell them apart."""
    classes = DATASETS[source.dataset].classes
    present = np.unique(raw.labels)
    if len(present) == len(classes) or (test and len(present) > 1):
        return raw
    lacking = ", ".join(f"{number} ({name})" for number, name in enumerate(classes) if number not in present)
    path = _labels_file(source, test=test)
    part = "" if source.dataset == "titanic" else " for the test" if test else " for training"
    raise bad_file(
        path, f"holds {len(raw.labels):,} rows{part}, none of them of the class {lacking}", "rows of every class"
    )


def _labels_file(source: Source, *, test: bool = False) -> Path:
    """The file that the labels stand in, of a dataset that has files."""
    return source.files[0] if len(source.files) < _IDX_FILES else source.files[3 if test else 1]


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """Say which file has too few rows of a class."""
    try:
        yield
    except ScarceClassError as error:
        where = _labels_file(source)
        raise DatasetError(f"{where}: {error} Add rows of that class: seven are enough for every split.") from None
