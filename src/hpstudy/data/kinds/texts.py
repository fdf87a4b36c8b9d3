"""Texts of a user's own, encoded by which of the most frequent words occur in them. This file is copied into models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpstudy.data.cache import Matrix
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.arrays import Texts as Declaration
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config

_WORD = re.compile(r"\w+")
_EXAMPLES = 2  # rows
_CHUNK_CELLS = 1 << 23  # cells unpacked at a time, to save memory


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, each as often as it occurs."""
    return _WORD.findall(text.lower())


def multi_hot(texts: Iterable[str], places: Mapping[str, int]) -> NDArray[np.bool_]:
    """Which words occur in each text: bool (texts, words + 1). The first column is for all other words."""
    texts = list(texts)
    cells = np.zeros((len(texts), len(places) + 1), np.bool_)
    for row, text in zip(cells, texts, strict=True):
        row[[places.get(word, 0) for word in words_of(text)]] = True
    return cells


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Texts as multi-hot vectors of the most frequent words of the training rows, one bit each: "bits"."""

    declared: Declaration
    num_words: int
    classes: tuple[str, ...]

    largest = 1.0
    is_fitted = True

    @property
    def decisive(self) -> Mapping[str, object]:
        return {**self.declared.to_json(), "num_words": self.num_words}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Texts:
        from hpstudy.study.arrays import Texts as Declaration

        assert isinstance(dataset.own, Declaration)
        return cls(
            declared=dataset.own,
            num_words=int(levels["num_words"]),  # type: ignore[arg-type]  # a checked level
            classes=dataset.classes,
        )

    def read(self, source: Source, *, test: bool) -> Raw:
        """The texts, (rows,) of str. All rows if the test split is drawn, else those of one of the two files."""
        from hpstudy.data.kind import Raw
        from hpstudy.data.kinds.columns import MISSING, texts_of
        from hpstudy.data.own_rows import read_rows

        path = source.files[1 if test and len(source.files) > 1 else 0]
        rows = read_rows(path, self.declared.table, MISSING, texts_of)
        return Raw(
            rows=rows.frame[self.declared.text].fillna("").astype(str).to_numpy(object),
            labels=rows.numbered(self.classes),
            keys=rows.keys,
            places=rows.numbers,
        )

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        assert training
        places = _places(self._words(training.rows))
        packed = [np.packbits(cells, axis=1, bitorder="little") for cells in _chunks(raw.rows, places)]
        return Matrix.of(np.concatenate(packed), raw.labels, "bits", len(places) + 1)

    def description(self, training: Raw | None) -> dict[str, Any]:
        """The words that have an input, in the order of the inputs, from the second one."""
        assert training
        return {"text": self.declared.text, "words": self._words(training.rows)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del rows
        texts = self.read(source, test=False).rows[:_EXAMPLES]
        return {"columns": {self.declared.text: {"type": "string", "values": [str(text) for text in texts]}}}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode texts: a DataFrame with their column, or with one column, or a list or an array of them.

        Raises:
            ValueError: a table has several columns, none of them that of the texts.
        """
        if hasattr(rows, "columns"):
            names = [str(name).strip() for name in rows.columns]
            if description["text"] not in names and len(names) != 1:
                raise ValueError(f"The rows have the columns {', '.join(names)}. Expected: {description['text']}.")
            rows = rows.iloc[:, names.index(description["text"]) if len(names) > 1 else 0]
        texts = [text if isinstance(text, str) else "" for text in np.asarray(rows, object).reshape(-1)]
        return multi_hot(texts, _places(description["words"])).astype(np.float32)

    def _words(self, training: Iterable[str]) -> list[str]:
        """The most frequent words; of equally frequent ones the first in the alphabet."""
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer(analyzer=words_of)
        try:
            counts = np.asarray(counter.fit_transform(training).sum(axis=0)).reshape(-1)
        except ValueError:  # no text has a word
            return []
        order = np.argsort(-counts, kind="stable")[: self.num_words - 1]
        return [str(word) for word in counter.get_feature_names_out()[order]]


def _places(words: Sequence[str]) -> dict[str, int]:
    return {word: place for place, word in enumerate(words, 1)}


def _chunks(texts: NDArray[np.object_], places: Mapping[str, int]) -> Iterator[NDArray[np.bool_]]:
    step = max(1, _CHUNK_CELLS // (len(places) + 1))
    for first in range(0, len(texts), step):
        yield multi_hot(texts[first : first + step], places)


KIND: type[Kind] = Texts
