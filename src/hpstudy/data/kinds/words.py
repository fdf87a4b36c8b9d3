"""Texts as lists of word numbers, encoded by which words occur in them. This file is copied into models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpstudy.data.cache import Matrix
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config

START, OUT_OF_VOCABULARY, INDEX_FROM = 1, 2, 3  # of keras.datasets.imdb.load_data
_EXPECTED = "Keras's imdb.npz: lists of word numbers in x_train and x_test, 0 or 1 in y_train and y_test"
_CHUNK_CELLS = 1 << 23  # cells unpacked at a time, to save memory


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Texts one after the other; text i is words[starts[i]:starts[i + 1]]."""

    words: NDArray[np.integer]  # numbers as in the file, before load_data adds INDEX_FROM
    starts: NDArray[np.int64]  # (texts + 1,)

    @classmethod
    def of(cls, lists: Iterable[Any]) -> Texts:
        """Raises TypeError, ValueError or OverflowError if these are not lists of whole numbers."""
        lists = list(lists)
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        words = np.fromiter(chain.from_iterable(lists), np.int64, lengths.sum())
        return cls(words=words, starts=np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def part(self, first: int, number: int) -> Texts:
        """At most `number` texts, beginning with the text `first`."""
        starts = self.starts[first : first + number + 1]
        return Texts(words=self.words[starts[0] : starts[-1]], starts=starts - starts[0])


def multi_hot(texts: Texts, num_words: int) -> NDArray[np.bool_]:
    """Which words occur in each text: bool (texts, num_words).

    Words are numbered as by keras.datasets.imdb.load_data(num_words=num_words): every text contains the word 1
    (start), and a word that is too rare becomes 2.
    """
    columns = texts.words + INDEX_FROM
    columns[columns >= num_words] = OUT_OF_VOCABULARY
    cells = np.zeros((len(texts), num_words), np.bool_)
    cells[np.repeat(np.arange(len(cells)), np.diff(texts.starts)), columns] = True
    cells[:, START] = True
    return cells


@dataclass(frozen=True, kw_only=True)
class Words:
    """Reviews as multi-hot vectors, one bit per word: "bits" of (rows, num_words)."""

    num_words: int

    largest = 1.0
    is_fitted = False

    @property
    def decisive(self) -> Mapping[str, object]:
        return {"num_words": self.num_words}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Words:
        del dataset
        return cls(num_words=int(levels["num_words"]))  # type: ignore[arg-type]  # a checked level

    def read(self, source: Source, *, test: bool) -> Raw:
        """Read Keras's imdb.npz as `Texts`. Only the members of one part are opened."""
        from hpstudy.data.formats.npz import read_lists, read_numbers
        from hpstudy.data.integrity import bad_file
        from hpstudy.data.kind import Raw

        path, part = source.files[0], "test" if test else "train"
        labels = read_numbers(path, f"y_{part}", expected=f"a Keras .npz file with the array y_{part}")
        lists = read_lists(path, f"x_{part}", expected=_EXPECTED)
        try:
            texts = Texts.of(lists)
        except (TypeError, ValueError, OverflowError) as error:
            raise bad_file(path, f"holds something other than lists of word numbers ({error})", _EXPECTED) from None
        if len(texts.words) and not 0 <= texts.words.min() <= texts.words.max() < np.iinfo(np.int32).max - INDEX_FROM:
            came = f"word numbers from {texts.words.min()} to {texts.words.max()}"
            raise bad_file(path, f"holds {came}", _EXPECTED)
        if labels.shape != (len(texts),) or not len(labels):
            raise bad_file(path, f"holds {len(texts):,} reviews and labels of shape {labels.shape}", _EXPECTED)
        if labels.dtype.kind not in "iu":
            raise bad_file(path, f"holds y_{part} of {labels.dtype}", _EXPECTED)
        if not (known := np.isin(labels, (0, 1))).all():
            row = int(known.argmin())
            raise bad_file(path, f"holds the label {labels[row]} in row {row} (from 0) of y_{part}", _EXPECTED)
        smaller = Texts(words=texts.words.astype(np.int32), starts=texts.starts)
        return Raw(rows=smaller, labels=labels.astype(np.int32))

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        del training
        packed = np.empty((len(raw.rows), -(-self.num_words // 8)), np.uint8)
        step = max(1, _CHUNK_CELLS // self.num_words)
        for first in range(0, len(packed), step):
            cells = multi_hot(raw.rows.part(first, step), self.num_words)
            packed[first : first + step] = np.packbits(cells, axis=1, bitorder="little")
        return Matrix.of(packed, raw.labels, "bits", self.num_words)

    def description(self, training: Raw | None) -> dict[str, Any]:
        del training
        return {"num_words": self.num_words}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del source
        words = [[int(word) - INDEX_FROM for word in np.flatnonzero(row) if word > INDEX_FROM] for row in rows]
        return {"columns": {"words": {"type": "array", "values": words}}}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode lists of word numbers as in imdb.npz (1 is the most frequent word), or the first column of a table."""
        texts = Texts.of(rows.iloc[:, 0] if hasattr(rows, "iloc") else rows)
        if len(texts.words) and (least := texts.words.min()) < 0:
            raise ValueError(f"A word has the number {least}. Expected: numbers of at least 0.")
        return multi_hot(texts, description["num_words"]).astype(np.float32)


KIND: type[Kind] = Words
