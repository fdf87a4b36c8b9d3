"""Which rows are for training, validation and test.

They are stratified, so that each part has the classes' shares, and of a regression the same shares of small and large
targets, unless a user's table keeps groups together or tests on the latest rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import DatasetError, UserError
from hpstudy.study.catalog import TEST_SHARE
from hpstudy.study.splits import RESAMPLE, Folds, Splits

RowNumbers = NDArray[np.int32]  # sorted

_MOST_STRATA = 10  # into which the targets of a regression are divided
_STRATUM_ROWS = 10  # at least, so that every part has rows of each
_TEST_SEED = 0  # the test split is the same whatever the study's seed is


@dataclass(frozen=True, kw_only=True)
class Keys:
    """By what the rows of a table are split instead of at random. One of the two is there."""

    groups: NDArray[np.int64] | None = None  # (rows,) numbers of groups, none of which is in two parts
    times: NDArray[np.float64] | None = None  # (rows,) of which the latest are held out

    def __getitem__(self, taken: NDArray[np.int32]) -> Keys:
        return Keys(
            groups=None if self.groups is None else self.groups[taken],
            times=None if self.times is None else self.times[taken],
        )


class ScarceClassError(DatasetError):
    """A class has too few rows to be in every part. Whoever knows where the rows come from says so, too."""

    def __init__(self, sentence: str, label: int | None = None) -> None:
        super().__init__(sentence)
        self.label = label  # the class; None if it is not known which one has too few


def test_and_rest(
    labels: NDArray[Any],
    share: float = TEST_SHARE,  # noqa: PT028 - it is no test function
    keys: Keys | None = None,  # noqa: PT028
) -> tuple[RowNumbers, RowNumbers]:
    """A share of the rows for the test, and the rest, of a dataset without an official test split.

    Raises:
        ScarceClassError: too few rows of a class.
    """
    rest, test = _held_out(labels, share, _TEST_SEED, keys)
    return test, rest


def train_and_validation(
    labels: NDArray[Any],
    seed: int,
    train_rows: int | None = None,
    keys: Keys | None = None,
    splits: Splits = RESAMPLE,
) -> tuple[RowNumbers, RowNumbers]:
    """Rows for training and rows for validation, of those outside the test split.

    Args:
        labels: (rows,) int32 class numbers, or float32 targets; (rows, targets) if there are several.
        seed: Decides both the split and which training rows a subset keeps.
        train_rows: Keep so many training rows; None keeps all. The validation rows stay the same.
        keys: Keep groups together, or validate on the latest rows, which then are the same under every seed.
        splits: The share for validation, or the number of folds, of which the seed chooses one.

    Raises:
        ScarceClassError: too few rows of a class.
        UserError: `train_rows` is more than there are or too few to hold every class.
    """
    if isinstance(splits, Folds):
        train, validation = _fold(labels, splits, seed, keys)
    else:
        train, validation = _held_out(labels, splits.validation, seed, keys)
    if train_rows is None or train_rows == len(train):
        return train, validation
    if train_rows > len(train):
        raise UserError(
            f"train_rows={train_rows} is more than the {len(train)} training rows. Take fewer, or None for all."
        )
    try:
        strata = _strata(labels[train], train_rows)
        kept, _ = _split(train, strata, test_size=len(train) - train_rows, seed=seed, whole_parts=1)
    except ScarceClassError:
        raise UserError(
            f"train_rows={train_rows} of {len(train)} training rows cannot hold rows of all "
            f"{len(np.unique(labels))} classes in their shares. Take more, or None for all."
        ) from None
    return kept, validation


def _held_out(labels: NDArray[Any], share: float, seed: int, keys: Keys | None) -> tuple[RowNumbers, RowNumbers]:
    """Most rows, and the share that is held out."""
    strata = _strata(labels)
    if keys is None:
        return _split(np.arange(len(labels), dtype=np.int32), strata, test_size=share, seed=seed)
    if keys.groups is not None:
        first, second = _by_groups(strata, keys.groups, share, seed)
    else:
        first, second = _by_time(keys, share)
    if strata is labels and len(np.unique(labels[first])) < len(np.unique(labels)):
        raise _scarce(labels)
    return np.sort(first).astype(np.int32), np.sort(second).astype(np.int32)


def _fold(labels: NDArray[Any], folds: Folds, seed: int, keys: Keys | None) -> tuple[RowNumbers, RowNumbers]:
    """The rows of all other folds, and those of one."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    number, shuffle = folds.of(seed)
    strata, groups = _strata(labels), None if keys is None else keys.groups
    if strata is labels and np.unique(labels, return_counts=True)[1].min() < folds.count:
        raise _scarce(labels, f"divided into {folds.count} folds with every class in each")
    if groups is not None and len(np.unique(groups)) < folds.count:
        raise ScarceClassError(f"The rows have fewer groups than the {folds.count} folds. Take fewer folds.")
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    parts = splitter(n_splits=folds.count, shuffle=True, random_state=shuffle).split(strata, strata, groups)
    train, validation = list(parts)[number]
    if strata is labels and len(np.unique(labels[train])) < len(np.unique(labels)):
        raise _scarce(labels, f"divided into {folds.count} folds with every class in each")
    return train.astype(np.int32), validation.astype(np.int32)


def _by_groups(
    labels: NDArray[np.int32], groups: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

    parts = round(1 / share)
    if len(np.unique(groups)) < 2 * parts:
        split = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    else:
        split = StratifiedGroupKFold(n_splits=max(parts, 2), shuffle=True, random_state=seed)
    try:
        first, second = next(split.split(labels, labels, groups))
    except ValueError:
        raise ScarceClassError(
            "The rows cannot be split by group=: there are too few groups, or too few of them have rows of each class. "
            "Leave group= out, or add rows."
        ) from None
    return first, second


def _by_time(keys: Keys, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    assert keys.times is not None
    order = np.argsort(keys.times, kind="stable")
    held_out = ceil(share * len(order))
    return order[:-held_out], order[-held_out:]


def _split(
    rows: RowNumbers, labels: NDArray[np.int32], *, test_size: float, seed: int, whole_parts: int = 2
) -> tuple[RowNumbers, RowNumbers]:
    """Two parts, with every class in the first or in both."""
    from sklearn.model_selection import train_test_split

    # A handful of rows less than all keeps the classes' shares anyway, and cannot hold every class itself.
    is_handful = 1 <= test_size < len(np.unique(labels))
    stratify = None if is_handful else labels
    try:
        first, second, *sides = train_test_split(
            rows, labels, test_size=test_size, random_state=seed, stratify=stratify
        )
    except ValueError:  # fewer rows than classes, or a single row of one
        raise _scarce(labels) from None
    if any(len(np.unique(side)) < len(np.unique(labels)) for side in sides[:whole_parts]):
        raise _scarce(labels)
    return np.sort(first).astype(np.int32), np.sort(second).astype(np.int32)


def _strata(labels: NDArray[Any], most: int = _MOST_STRATA) -> NDArray[np.int32]:
    """Class numbers as they are; targets by their rank, in up to ten parts of equally many rows.

    Of several targets the first one decides.
    """
    if labels.dtype.kind != "f":
        return labels
    labels = labels if labels.ndim == 1 else labels[:, 0]
    count = max(1, min(most, _MOST_STRATA, len(labels) // _STRATUM_ROWS))
    ranks = np.argsort(np.argsort(labels, kind="stable"))
    return (ranks * count // len(labels)).astype(np.int32)


def _scarce(labels: NDArray[np.int32], what: str = "split with every class in both parts") -> ScarceClassError:
    numbers, counts = np.unique(labels, return_counts=True)
    rarest = counts.argmin()
    return ScarceClassError(
        f"The rows cannot be {what}: the label {numbers[rarest]} has {counts[rarest]} of {len(labels):,} rows.",
        int(numbers[rarest]),
    )
