"""Which rows are for training, validation and test. Always stratified: each part has the classes' shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import UserError

Rows = NDArray[np.int32]  # sorted row numbers

_TEST_SEED = 0  # the test split is the same whatever the study's seed is


def test_and_rest(labels: NDArray[np.int32]) -> tuple[Rows, Rows]:
    """A fifth of the rows for the test, and the rest, of a dataset without an official test split.

    Raises:
        UserError: too few rows of a class.
    """
    rest, test = _split(np.arange(len(labels), dtype=np.int32), labels, test_size=0.2, seed=_TEST_SEED)
    return test, rest


def train_and_validation(labels: NDArray[np.int32], seed: int, train_rows: int | None = None) -> tuple[Rows, Rows]:
    """Four fifths for training and one for validation, of the rows outside the test split.

    Args:
        labels: (rows,) class numbers.
        seed: Decides both the split and which training rows a subset keeps.
        train_rows: Keep so many training rows; None keeps all. The validation rows stay the same.

    Raises:
        UserError: too few rows of a class, or `train_rows` is more than there are or too few to stratify.
    """
    train, validation = _split(np.arange(len(labels), dtype=np.int32), labels, test_size=0.2, seed=seed)
    if train_rows is None or train_rows == len(train):
        return train, validation
    if train_rows > len(train):
        raise UserError(
            f"train_rows={train_rows} is more than the {len(train)} training rows. Take fewer, or None for all."
        )
    try:
        kept, _ = _split(train, labels[train], test_size=len(train) - train_rows, seed=seed)
    except UserError as error:
        raise UserError(f"train_rows={train_rows} of {len(train)} training rows: {error}") from None
    return kept, validation


def _split(rows: Rows, labels: NDArray[np.int32], *, test_size: float, seed: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import train_test_split

    # A handful of rows less than all keeps the classes' shares anyway, and cannot hold every class itself.
    is_handful = 1 <= test_size < len(np.unique(labels))
    try:
        first, second = train_test_split(
            rows, test_size=test_size, random_state=seed, stratify=None if is_handful else labels
        )
    except ValueError as error:
        raise UserError(f"The rows cannot be split with every class in both parts. {error}") from None
    return np.sort(first).astype(np.int32), np.sort(second).astype(np.int32)
