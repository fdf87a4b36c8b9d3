"""IMDB reviews: reader of Keras's imdb.npz, and the multi-hot encoding packed to bits."""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.images import read_npz_member
from hpstudy.data.integrity import bad_file
from hpstudy.serving.hpstudy_model import INDEX_FROM, OUT_OF_VOCABULARY, START

_EXPECTED = "Keras's imdb.npz: lists of word numbers in x_train and x_test, 0 or 1 in y_train and y_test"
_CHUNK_CELLS = 1 << 23  # of the unpacked matrix at a time, to be frugal with memory


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Reviews one after the other; review i is words[starts[i]:starts[i + 1]]."""

    words: NDArray[np.int32]  # numbers as in the file, before load_data adds INDEX_FROM
    starts: NDArray[np.int64]  # (reviews + 1,)

    def __len__(self) -> int:
        return len(self.starts) - 1


def read_reviews(path: Path, split: str) -> tuple[Reviews, NDArray[np.int32]]:
    """Read one split of imdb.npz, in the order of the file.

    Args:
        split: "train" or "test". Only its members are opened.

    Returns:
        The reviews, and int32 (reviews,) with 1 for a positive one.

    Raises:
        DatasetError: the file is truncated or holds something else.
    """
    labels = read_npz_member(path, f"y_{split}")
    reviews = _flat(path, _read_lists(path, f"x_{split}"))
    if labels.shape != (len(reviews),) or not len(labels):
        raise bad_file(path, f"holds {len(reviews):,} reviews and labels of shape {labels.shape}", _EXPECTED)
    if labels.dtype.kind not in "iu":
        raise bad_file(path, f"holds y_{split} of {labels.dtype}", _EXPECTED)
    if not (known := np.isin(labels, (0, 1))).all():
        row = int(known.argmin())
        raise bad_file(path, f"holds the label {labels[row]} in row {row} (from 0) of y_{split}", _EXPECTED)
    return reviews, labels.astype(np.int32)


def multi_hot(reviews: Reviews, num_words: int) -> NDArray[np.uint8]:
    """Which words a review has, one bit a word.

    Words are numbered as keras.datasets.imdb.load_data(num_words=num_words) does: every review has the word
    1 (start), and a word that is too rare becomes 2.

    Returns:
        uint8 (reviews, ceil(num_words / 8)): np.packbits(…, axis=1, bitorder="little") of the 0-1 matrix.
    """
    packed = np.empty((len(reviews), -(-num_words // 8)), np.uint8)
    step = max(1, _CHUNK_CELLS // num_words)
    for first in range(0, len(reviews), step):
        starts = reviews.starts[first : first + step + 1]
        columns = reviews.words[starts[0] : starts[-1]] + INDEX_FROM
        columns[columns >= num_words] = OUT_OF_VOCABULARY
        cells = np.zeros((len(starts) - 1, num_words), np.bool_)
        cells[np.repeat(np.arange(len(cells)), np.diff(starts)), columns] = True
        cells[:, START] = True
        packed[first : first + step] = np.packbits(cells, axis=1, bitorder="little")
    return packed


def _flat(path: Path, lists: NDArray[Any]) -> Reviews:
    try:
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        words = np.fromiter(chain.from_iterable(lists), np.int64, lengths.sum())
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_file(path, f"holds something else than lists of word numbers ({error})", _EXPECTED) from None
    if len(words) and not 0 <= words.min() <= words.max() < np.iinfo(np.int32).max - INDEX_FROM:
        raise bad_file(path, f"holds word numbers from {words.min()} to {words.max()}", _EXPECTED)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Reviews(words=words.astype(np.int32), starts=starts)


class _ArrayUnpickler(pickle.Unpickler):
    """Rebuilds arrays of Python lists, and nothing else.

    Lists of different lengths can be kept in an .npz file only as a pickle, and a pickle may name any function
    to be called. The three names below are all that such an array needs (as in Keras's npz_utils.py), so a
    file from anywhere can be opened, whatever its checksum.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return super().find_class("numpy._core.multiarray", name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _read_lists(path: Path, member: str) -> NDArray[Any]:
    """The array of lists in one member of an .npz file, (reviews,) of dtype object."""
    try:
        with zipfile.ZipFile(path) as archive:
            stream = io.BytesIO(archive.read(f"{member}.npy"))  # read whole: that checks its CRC
        major, _ = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype != np.dtype(object) or len(shape) != 1:
            raise bad_file(path, f"holds {member} of {dtype} {shape}", _EXPECTED)
        lists = _ArrayUnpickler(stream).load()
    except KeyError:
        raise bad_file(path, f"has no member {member}", _EXPECTED) from None
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise bad_file(path, f"cannot be read ({error})", _EXPECTED) from None
    if not isinstance(lists, np.ndarray) or lists.shape != shape:
        raise bad_file(path, f"holds another {member} than its header says", _EXPECTED)
    return lists
