"""What the datasets of one kind do in their own way, and everything else asks for."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.cache import Matrix
from hpstudy.data.places import Source
from hpstudy.study.catalog import DatasetInfo
from hpstudy.study.factors import FACTORS, Config, check_level, dataset_info

_ROOM = "hpstudy.data.kinds"


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows as the source has them, before any encoding."""

    rows: Any  # of whatever type the kind reads; where some are to be taken, indexed by an array of row numbers
    labels: NDArray[np.int32]  # (rows,) class numbers

    def taken(self, numbers: NDArray[np.int32]) -> Raw:
        """Those rows alone, in the order of the numbers."""
        return Raw(rows=self.rows[numbers], labels=self.labels[numbers])


class Kind(Protocol):
    """How the rows of one kind of datasets are read, encoded, described and served.

    An object is made for a dataset and the levels of a trial. It holds what these say, such as the size of the images
    or the number of words, and no arrays. What else the encoding needs is fitted on the training rows.

    The class stands as `KIND` in a module of `hpstudy.data.kinds` that has the kind's name. The file of that module is
    copied into the kept models, as `serve` runs where hpstudy is not installed. So outside of functions it imports
    the standard library and NumPy only; a process that finds everything prepared loads no more than that either.
    """

    @property
    def largest(self) -> float | None:
        """The largest value of an input, which scaling "unit" divides by.

        None: there is no bound. Then "unit" is fitted on the training rows, and the kind is `Unbounded`.
        """

    @property
    def is_fitted(self) -> bool:
        """Whether the encoding is fitted on the training rows, so that every split has rows of its own."""

    @property
    def decisive(self) -> Mapping[str, object]:
        """What of the trial's levels decides the encoded rows: part of the name that they have in the cache."""

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Self:
        """The kind of a dataset, with the levels of the factors that only this kind has."""

    def read(self, source: Source, *, test: bool) -> Raw:
        """The rows in the order of the source; without those of the official test split, or these alone.

        Args:
            test: Does not matter where there is no official test split: then every row comes.

        Raises:
            DatasetError: a file is truncated or wrong; the message names it.
        """

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        """The rows as numbers, unscaled: uint8 or float32 (rows, features), or bits.

        Args:
            training: The training rows, where the encoding is fitted.
        """

    def description(self, training: Raw | None) -> dict[str, Any]:
        """What `serve` needs to know to encode rows as `encode` does, as JSON values."""

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        """Some rows as people have them, as JSON values.

        Args:
            rows: The first training rows, encoded and dense, (rows, features).

        Returns:
            `{"array": nested lists, "dtype": NumPy's name}`, or `{"columns": {name: {"type": …, "values": […]}}}` for a
            DataFrame, where the type is "long", "double", "string" or "array".
        """

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Rows as people have them as what a network takes that scales by itself: float32 (rows, *input shape).

        Raises:
            ValueError: a row holds something that the dataset does not have.
        """


@runtime_checkable
class Unbounded(Protocol):
    """A kind whose values can be so large or small that scaling makes no network input of them."""

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """Where one input comes from, for a refusal: `1e+30 as fare in line 142`."""


def kind_of(dataset: str, config: Config) -> Kind:
    """The kind of a dataset under the configuration of a trial, of which only this kind's factors matter.

    Raises:
        UserError: hpstudy knows no such dataset, or a level is not legal.
    """
    info = dataset_info(dataset)
    given = {factor.name: config.get(factor.name) for factor in info.kind.factors}
    levels = {
        name: FACTORS[name].default if level is None else check_level(name, level) for name, level in given.items()
    }
    kind: type[Kind] = importlib.import_module(f"{_ROOM}.{info.kind.name}").KIND
    return kind.of(info, levels)


def kind_file(dataset: str) -> Path:
    """The file of the kind's class, which a model needs to encode the rows that it is given."""
    spec = importlib.util.find_spec(f"{_ROOM}.{dataset_info(dataset).kind.name}")
    assert spec
    assert spec.origin
    return Path(spec.origin)
