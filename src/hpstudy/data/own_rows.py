"""The rows of a user's own table, with their labels, checked: every refusal says where and what to do."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.formats.frames import place_of, read_frame
from hpstudy.data.splits import Keys
from hpstudy.errors import DatasetError
from hpstudy.study.table import Table
from hpstudy.study.task import Target

if TYPE_CHECKING:
    import pandas as pd

_MOST_CLASSES = 100
_MOST_NUMBERED = 20  # classes that are named by numbers, as far as one may guess
_FEWEST_COUNTED = 5  # different numbers that may be counts, of which the largest are rare
_RARE = 7  # rows; a class with fewer cannot be in every split
_MOST_ODD = 0.1  # of the labels, where all others are numbers

Texts = NDArray[np.object_]  # (rows,): str, "" where a value is missing


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """The rows of a file that have a label."""

    frame: pd.DataFrame
    labels: NDArray[Any]  # `Texts`; in a regression float32 (rows,), or (rows, targets) if there are several
    numbers: NDArray[np.int64]  # (rows,), the place of each row in the file, from 0
    unlabelled: int  # rows that are left out because they have no label
    keys: Keys | None  # by which rows are split, if the table names such a column
    weights: NDArray[np.float32] | None  # (rows,), if the table names such a column

    def numbered(self, classes: Sequence[str]) -> NDArray[Any]:
        """The labels as class numbers, int32 (rows,), or the targets of a regression as they are."""
        return self.labels if self.labels.dtype.kind == "f" else numbered(self.labels, classes)


def read_rows(path: Path, table: Table, missing: Collection[str], texts_of: Callable[[Any], Texts]) -> LabelledRows:
    """Read a file of a user's table.

    Args:
        missing: The texts that stand for a missing value, in lower case.
        texts_of: Makes texts of a column, "" where a value is missing.

    Raises:
        DatasetError: the file cannot be read, lacks a column or has it twice, or has rows without a label, or with a
            target or a weight that is no number.
    """
    predicts_numbers = table.task == "regression"
    as_texts = (*(() if predicts_numbers else table.targets), *table.categorical, *table.text)
    frame = read_frame(path, missing, as_texts)
    _check_columns(path, frame, table)
    for name in table.numeric:
        why, remedy = f"numeric= says that {name} holds numbers", "leave the column out of numeric="
        _check_numbers(path, name, texts_of(frame[name]), why, remedy)
    told = [texts_of(frame[name]) for name in table.targets]
    kept = _labelled(path, told, table)
    if predicts_numbers:
        for name, texts in zip(table.targets, told, strict=True):
            _check_numbers(path, name, texts, 'task="regression" predicts numbers', 'leave out task="regression"')
    labels = [texts[kept] for texts in told]
    total = len(frame)
    frame = frame if len(kept) == total else frame.iloc[kept]  # the whole would be copied, too
    return LabelledRows(
        frame=frame,
        labels=_targets(path, labels, table) if predicts_numbers else labels[0],
        numbers=kept,
        unlabelled=total - len(kept),
        keys=_keys(path, frame, table, kept, texts_of),
        weights=_weights(path, texts_of(frame[table.weight]), table.weight, kept) if table.weight else None,
    )


def classes_of(path: Path, where: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels that occur, numbers in their order and texts in that of the alphabet.

    Args:
        where: What holds the labels in the file, for messages: "column 'Exited'".

    Raises:
        DatasetError: there is only one, or there are so many that they hardly are classes.
    """
    found = sorted(set(labels))
    if len(found) == 1:
        raise DatasetError(
            f"{path} has only the label {found[0]!r} in {where}, so there is nothing to tell apart. "
            "Choose another target, or add rows of another class."
        )
    if len(found) > _MOST_CLASSES or len(found) > len(labels) / 2:
        raise DatasetError(
            f"{path} has {len(found):,} different labels in the {len(labels):,} rows of {where}: that is an identifier "
            f"or a quantity, not a class. {_other_task(found)}"
        )
    return tuple(sorted(found, key=float) if all(map(_is_number, found)) else found)


def numbered(labels: Texts, classes: Sequence[str]) -> NDArray[np.int32]:
    """Class numbers, (rows,)."""
    numbers = {label: number for number, label in enumerate(classes)}
    return np.array([numbers[label] for label in labels], np.int32)


def are_quantities(labels: Texts) -> bool:
    """Whether labels rather are amounts than classes: numbers, of which there are many, or rare ones, or decimals."""
    found = Counter(labels)
    if not all(map(_is_number, found)) or len(found) <= 2:
        return False
    has_decimals = any(not float(label).is_integer() for label in found)
    has_rare_ones = len(found) > _FEWEST_COUNTED and min(found.values()) < _RARE
    return has_decimals or has_rare_ones or len(found) > min(_MOST_NUMBERED, len(labels) / 2)


def _check_columns(path: Path, frame: pd.DataFrame, table: Table) -> None:
    names = list(frame.columns)
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise DatasetError(f"{path} has the column {twice[0]!r} twice. Rename one of them in its first row.")
    if not len(frame):
        raise DatasetError(f"{path} has no rows. Expected: a first row with the columns' names, then the rows.")
    for name in table.named_columns:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(names)}."
            raise DatasetError(f"{path} has no column {name!r}. {hint}")


def targets_of(names: Sequence[str], values: NDArray[np.float32]) -> tuple[Target, ...]:
    """What is known of the numbers of a regression, (rows,) or (rows, targets)."""
    columns = values.astype(np.float64).reshape(len(values), -1).T
    return tuple(
        Target(name=name, deviation=float(column.std()), absolute=float(np.abs(column - column.mean()).mean()))
        for name, column in zip(names, columns, strict=True)
    )


def _other_task(labels: Sequence[str]) -> str:
    if all(map(_is_number, labels)):
        return 'Predict it as a number with task="regression", or choose another target.'
    odd = [label for label in labels if not _is_number(label)]
    if len(odd) <= _MOST_ODD * len(labels):
        return (
            f"All but {len(odd)} of them are numbers: correct {odd[0]!r}, and predict them as numbers with "
            'task="regression". Or choose another target.'
        )
    return "Choose another target."


def _targets(path: Path, columns: Sequence[Texts], table: Table) -> NDArray[np.float32]:
    """float32 (rows,), or (rows, targets) if there are several."""
    with np.errstate(over="ignore"):
        found = np.array([texts.astype(np.float64) for texts in columns]).T.astype(np.float32)
    for name, values in zip(table.targets, found.T, strict=True):
        if not np.isfinite(values).all():
            raise DatasetError(f"{path} has numbers beyond 3.4e38 in column {name!r}. Change its unit.")
        if (values == values[0]).all():
            raise DatasetError(
                f"{path} has only the number {values[0]:g} in column {name!r}, so there is nothing to predict. Choose "
                "another target."
            )
    return found[:, 0] if len(columns) == 1 else np.ascontiguousarray(found)


def _weights(path: Path, texts: Texts, name: str, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """How much each row counts, float32 (rows,)."""
    wrong = next((row for row, text in enumerate(texts) if not _is_number(text) or float(text) < 0), None)
    if wrong is not None:
        came = repr(texts[wrong]) if texts[wrong] else "nothing"
        raise DatasetError(
            f"{path} has {came} as {name} in {place_of(path, int(numbers[wrong]))}, but weight= takes numbers of at "
            "least 0. Correct the cell."
        )
    found = texts.astype(np.float64)
    if not found.any():
        raise DatasetError(f"{path} has only the weight 0 in column {name!r}, so no row counts. Correct the column.")
    return np.asarray(found, np.float32)


def _check_numbers(path: Path, name: str, texts: Texts, but: str, remedy: str) -> None:
    wrong = next((row for row, text in enumerate(texts) if text and not _is_number(text)), None)
    if wrong is not None:
        raise DatasetError(
            f"{path} has {texts[wrong]!r} as {name} in {place_of(path, wrong)}, but {but}. Correct the cell, or "
            f"{remedy}."
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _labelled(path: Path, told: Sequence[Texts], table: Table) -> NDArray[np.int64]:
    """The rows that have all targets."""
    lacks = np.any([texts == "" for texts in told], axis=0)
    missing = np.flatnonzero(lacks)
    if len(missing) and (not table.drop_missing_target or len(missing) == len(lacks)):
        name = next(name for name, texts in zip(table.targets, told, strict=True) if texts[missing[0]] == "")
        raise DatasetError(
            f"{path} has no label in column {name!r} in {len(missing):,} of {len(lacks):,} rows, first in "
            f"{place_of(path, int(missing[0]))}. Fill them in, or leave those rows out by drop_missing_target=True."
        )
    return np.flatnonzero(~lacks)


def _keys(
    path: Path, frame: pd.DataFrame, table: Table, numbers: NDArray[np.int64], texts_of: Callable[[Any], Texts]
) -> Keys | None:
    import pandas as pd

    name = table.group or table.time
    if name is None:
        return None
    texts = texts_of(frame[name])
    if (texts == "").any():
        row = int(numbers[np.flatnonzero(texts == "")[0]])
        field = "group" if table.group else "time"
        raise DatasetError(
            f"{path} has no {name} in {place_of(path, row)}, but {field}= splits the rows by it. Fill it in."
        )
    if table.group:
        return Keys(groups=pd.factorize(texts)[0])
    times = frame[name]
    if not pd.api.types.is_numeric_dtype(times):
        times = pd.to_datetime(times, errors="coerce", utc=True, format="mixed")
        if times.isna().any():
            row = int(np.flatnonzero(times.isna())[0])
            raise DatasetError(
                f"{path} has {texts[row]!r} as {name} in {place_of(path, int(numbers[row]))}, which is no date. "
                "Expected: dates such as 2025-12-31, or numbers."
            )
        times = times.dt.tz_localize(None).astype("datetime64[us]").astype("int64")
    return Keys(times=times.to_numpy(np.float64))
