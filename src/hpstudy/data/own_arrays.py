"""Rows of a user's own arrays with their labels, checked: every refusal says where and what to do."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.kinds.columns import texts_of
from hpstudy.data.own_rows import Texts
from hpstudy.errors import DatasetError

LARGEST_PIXEL = 255
_CHANNELS = (1, 3)  # of an image whose colours are in the last dimension
_EXPECTED = "the arrays x_train, y_train, x_test and y_test, as Keras's files have them, or x and y"
_PAIRS = (("x_train", "y_train"), ("x", "y"))


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows with their labels."""

    x: NDArray[Any]  # (rows, …) uint8 if they are images, else float32
    labels: NDArray[Any]  # (rows,) `Texts`; of a regression float32 (rows,), or (rows, targets) if there are several

    @property
    def largest(self) -> int:
        """The largest pixel of images; 0 if the rows are none."""
        return max(int(self.x.max()), 1) if is_image(self.x) else 0


def is_image(x: NDArray[Any]) -> bool:
    """Whether the rows are greyscale or coloured pictures."""
    return x.dtype == np.uint8 and (x.ndim == 3 or (x.ndim == 4 and x.shape[-1] in _CHANNELS))


def read_part(files: tuple[Path, ...], *, test: bool, predicts_numbers: bool = False) -> Part | None:
    """The rows outside the test split, or those of the test split; None if the files have no test split.

    Args:
        files: One or two .npz files, or .npy files of rows and of labels.
        predicts_numbers: Whether the labels are the targets of a regression.

    Raises:
        DatasetError: a file cannot be read, lacks an array, or has one that cannot be trained on.
    """
    path = files[-1 if test else 0]
    if files[0].suffix.lower() == ".npy":
        x, y = _read(files[0])["x"], _read(files[1])["x"]
        return None if test else part_of(files[0], x, y, ("rows", "labels"), predicts_numbers)
    if test and len(files) == 1:
        names = ("x_test", "y_test")
        members = _read(path, names)
        if len(members) < len(names):
            return None
        return part_of(path, members[names[0]], members[names[1]], names, predicts_numbers)
    for names in _PAIRS:
        members = _read(path, names)
        if len(members) == len(names):
            return part_of(path, members[names[0]], members[names[1]], names, predicts_numbers)
    raise DatasetError(f"{path} has {_listed(path)}. Expected: {_EXPECTED}.")


def part_of(where: object, x: NDArray[Any], y: NDArray[Any], names: tuple[str, str], predicts_numbers: bool) -> Part:
    """Rows and labels in the form in which they are prepared.

    Args:
        where: What holds the arrays, for messages.
        names: Of the two arrays, likewise.

    Raises:
        DatasetError: they cannot be trained on; the message says why.
    """
    for name, array in zip(names, (x, y), strict=True):
        if array.dtype.hasobject:
            raise DatasetError(
                f"{where}: {name} holds Python objects (dtype object). Expected: an array of numbers, or of texts for "
                f"labels. Convert it before it is saved, for example by {name}.astype(np.float32) or .astype(str)."
            )
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise DatasetError(
            f"{where}: {names[0]} has shape {x.shape} and {names[1]} {y.shape}. Expected: as many labels as rows."
        )
    if not len(x):
        raise DatasetError(f"{where}: {names[0]} has no rows.")
    labels = _targets(where, y, names[1]) if predicts_numbers else _labels(where, y, names[1])
    return Part(x=_rows(where, x, names[0]), labels=labels)


def _rows(where: object, x: NDArray[Any], name: str) -> NDArray[Any]:
    if x.dtype.kind not in "buif":
        raise DatasetError(f"{where}: {name} is of {x.dtype}. Expected: numbers.")
    rows = x.reshape(-1, 1) if x.ndim == 1 else x
    if rows.dtype.kind in "ui" and rows.ndim > 2 and rows.size and 0 <= rows.min() <= rows.max() <= LARGEST_PIXEL:
        return rows.astype(np.uint8, copy=False)
    with np.errstate(over="ignore"):
        found = rows.astype(np.float32, copy=False)
    if not np.isfinite(found).all():
        row, *place = np.argwhere(~np.isfinite(found))[0].tolist()
        raise DatasetError(
            f"{where}: {name} has {rows[(row, *place)]} in row {row}, column {', '.join(map(str, place))} (from 0). "
            "Networks take finite float32 numbers only: replace it, or leave the row out."
        )
    return found


def _targets(where: object, y: NDArray[Any], name: str) -> NDArray[np.float32]:
    if y.ndim > 2 or (y.ndim == 2 and not y.shape[1]):
        raise DatasetError(f"{where}: {name} has shape {y.shape}. Expected: (rows,), or (rows, targets).")
    targets = _rows(where, y, name)
    return targets[:, 0] if targets.shape[1] == 1 else targets


def _labels(where: object, y: NDArray[Any], name: str) -> Texts:
    import pandas as pd

    labels = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if labels.ndim != 1:
        raise DatasetError(
            f"{where}: {name} has shape {y.shape}. Expected: one label for each row, (rows,). One-hot labels become "
            f"that by {name}.argmax(axis=1)."
        )
    texts = texts_of(pd.Series(labels))
    if (texts == "").any():
        row = int(np.flatnonzero(texts == "")[0])
        raise DatasetError(f"{where}: {name} has no label in row {row} (from 0), but {labels[row]!r}. Leave it out.")
    return texts


def _read(path: Path, names: tuple[str, ...] = ()) -> Mapping[str, NDArray[Any]]:
    """The arrays of these names that an .npz file has, or that of a .npy file as `x`."""
    try:
        with path.open("rb") as stream:
            found = np.load(stream, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return {"x": found}
            with found as archive:
                return {name: np.asarray(archive[name]) for name in names if name in archive.files}
    except ValueError as error:
        if "pickle" in str(error):
            raise DatasetError(
                f"{path} holds Python objects (dtype object), which are never loaded, because that may run code. Save "
                "numbers, and texts by .astype(str)."
            ) from None
        raise _unreadable(path, error) from None
    except (OSError, EOFError, KeyError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from None


def _listed(path: Path) -> str:
    with np.load(path, allow_pickle=False) as archive:
        return f"the arrays {', '.join(archive.files)}" if archive.files else "no arrays"


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path} cannot be read as NumPy's .npz or .npy ({error}). Save it again by np.savez.")
