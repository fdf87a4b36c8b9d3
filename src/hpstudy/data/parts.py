"""The parts of a dataset: the test split, and training and validation rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.integrity import bad_file
from hpstudy.data.kind import Kind, Raw
from hpstudy.data.places import Source
from hpstudy.data.splits import Keys, RowNumbers, ScarceClassError, test_and_rest, train_and_validation
from hpstudy.errors import DatasetError, UserError
from hpstudy.study.factors import dataset_info
from hpstudy.study.own import Own
from hpstudy.study.splits import RESAMPLE, Splits


def read_train(kind: Kind, source: Source) -> Raw:
    """The rows outside the test split, in the order of the source.

    Raises:
        DatasetError: a file is truncated or wrong, or lacks rows of a class; the message names it.
    """
    return _read(kind, source, test=False)


def read_test(kind: Kind, source: Source) -> Raw:
    """The rows of the test split: the official one, else a stratified fifth that is always the same.

    Raises:
        DatasetError: a file is truncated or wrong, or has rows of only one class; the message names it.
    """
    return _read(kind, source, test=True)


def read_both(kind: Kind, source: Source) -> tuple[Raw, Raw]:
    """What `read_train` and `read_test` give, of files that are read only once."""
    if dataset_info(source.dataset).test != "drawn":
        return read_train(kind, source), read_test(kind, source)
    raw = kind.read(source, test=False)
    held_out, rest = _drawn(source, raw)
    return raw.taken(rest), raw.taken(held_out)


def split_train(
    source: Source,
    labels: NDArray[Any],
    seed: int,
    train_rows: int | None = None,
    keys: Keys | None = None,
    splits: Splits = RESAMPLE,
) -> tuple[RowNumbers, RowNumbers]:
    """Rows for training and for validation, as in `train_and_validation`. A truth table is whole in both.

    Raises:
        DatasetError: a class has too few rows; the message names the file.
        UserError: `train_rows` is more or fewer than is possible.
    """
    if dataset_info(source.dataset).test != "all":
        with _named(source):
            return train_and_validation(labels, seed, train_rows, keys, splits)
    if train_rows not in (None, len(labels)):
        raise UserError(f"train_rows={train_rows}: a truth table is learned as a whole. Leave train_rows out.")
    rows = np.arange(len(labels), dtype=np.int32)
    return rows, rows


def _read(kind: Kind, source: Source, *, test: bool) -> Raw:
    raw = kind.read(source, test=test)
    match dataset_info(source.dataset).test:
        case "official":
            _check_classes(source, raw, test=test)
            return raw
        case "drawn":
            held_out, rest = _drawn(source, raw)
            return raw.taken(held_out if test else rest)
        case "all":
            return raw


def _drawn(source: Source, raw: Raw) -> tuple[RowNumbers, RowNumbers]:
    """The rows of the test split, and the others."""
    _check_classes(source, raw)
    with _named(source):
        return test_and_rest(raw.labels, dataset_info(source.dataset).test_share, raw.keys)


def _check_classes(source: Source, raw: Raw, *, test: bool | None = None) -> None:
    """Refuse rows that lack a class. An official test split needs only two, so that there is something to tell apart.

    Args:
        test: Whether the rows are the official test split, or the others; None if they are the whole dataset.
    """
    classes = dataset_info(source.dataset).classes
    if not classes:
        return
    present = np.unique(raw.labels)
    if len(present) == len(classes) or (test and len(present) > 1):
        return
    lacking = ", ".join(f"{number} ({name})" for number, name in enumerate(classes) if number not in present)
    part = "" if test is None else " for the test" if test else " for training"
    file, problem = (
        source.labels_file(test=bool(test)),
        f"holds {len(raw.labels):,} rows{part}, none of them of the class {lacking}",
    )
    if isinstance(source.dataset, Own):
        raise DatasetError(f"{file} {problem}. Add some, or split the rows in another way.")
    raise bad_file(file, problem, "rows of every class")


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """Say which file has too few rows of a class."""
    try:
        yield
    except ScarceClassError as error:
        sentence = str(error)
        advice = "" if error.label is None else " Add rows of that class: seven are enough for every split."
        if isinstance(source.dataset, Own) and error.label is not None:  # its own name says more than a number
            name = dataset_info(source.dataset).classes[error.label]
            sentence = sentence.replace(f"the label {error.label} ", f"the label {name!r} ")
            advice = f"{advice[:-1]}. Or join it with another one, or leave it out."
        raise DatasetError(f"{source.labels_file()}: {sentence}{advice}") from None
