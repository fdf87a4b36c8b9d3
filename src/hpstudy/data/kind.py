"""The protocol of a kind of datasets: what each kind does in its own way."""

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
from hpstudy.data.splits import Keys
from hpstudy.study.catalog import DatasetInfo
from hpstudy.study.factors import FACTORS, Config, check_level, dataset_info
from hpstudy.study.own import Own

_ROOM = "hpstudy.data.kinds"


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows as the source has them, before they are encoded."""

    rows: Any  # whatever type the kind reads; `taken` indexes it by an array of row numbers
    labels: NDArray[Any]  # (rows,) int32 class numbers, or float32 targets; (rows, targets) if there are several
    keys: Keys | None = None  # by which the rows are split, where it is not at random
    weights: NDArray[np.float32] | None = None  # (rows,), how much each counts in training; None: all the same

    places: NDArray[np.int64] | None = None  # (rows,), which row of the file each is, from 0; None: all are here

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Which row of the file each row is, from 0."""
        return np.arange(len(self.labels)) if self.places is None else self.places

    def taken(self, numbers: NDArray[np.int32]) -> Raw:
        """Only these rows, in the order of the numbers."""
        keys = None if self.keys is None else self.keys[numbers]
        weights = None if self.weights is None else self.weights[numbers]
        return Raw(
            rows=self.rows[numbers],
            labels=self.labels[numbers],
            keys=keys,
            weights=weights,
            places=self.numbers[numbers],
        )


class Kind(Protocol):
    """How the rows of one kind of datasets are read, encoded, described and served.

    An object is made for a dataset and the levels of a trial. It holds what these determine, such as the size of the
    images or the number of words, but no arrays. Whatever else the encoding needs is fitted on the training rows.

    The class is `KIND` of the module in `hpstudy.data.kinds` that has the kind's name. That module's file is copied
    into saved models, because `serve` runs where hpstudy is not installed. So outside of functions it imports only the
    standard library and NumPy. This also keeps a process light that finds everything prepared.
    """

    @property
    def largest(self) -> float | None:
        """The largest value of an input, by which scaling "unit" divides.

        None if there is no bound. Then "unit" is fitted on the training rows, and the kind is `Unbounded`.
        """

    @property
    def is_fitted(self) -> bool:
        """Whether the encoding is fitted on the training rows, so that every split has its own encoded rows."""

    @property
    def decisive(self) -> Mapping[str, object]:
        """The levels of the trial that determine the encoded rows. They are part of the rows' name in the cache."""

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Self:
        """The kind of a dataset, with the levels of the factors that only this kind has."""

    def read(self, source: Source, *, test: bool) -> Raw:
        """The rows in the order of the source.

        Args:
            test: Read the official test split instead of the other rows. Without an official one, all rows are read.

        Raises:
            DatasetError: a file is truncated or wrong; the message names it.
        """

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        """The rows as numbers, unscaled: uint8 or float32 (rows, features), or bits.

        Args:
            training: The training rows if the encoding is fitted, else None.
        """

    def description(self, training: Raw | None) -> dict[str, Any]:
        """What `serve` needs in order to encode rows as `encode` does, as JSON values."""

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        """A few rows in the form in which users have them, as JSON values.

        Args:
            rows: The first training rows, encoded and dense, (rows, features).

        Returns:
            `{"array": nested lists, "dtype": NumPy's name}`, or `{"columns": {name: {"type": …, "values": […]}}}` for a
            DataFrame. The type is "long", "double", "string", "array" or "any".
        """

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode rows that a user has, for a network that scales its own input: float32 (rows, *input shape).

        Raises:
            ValueError: a row holds something that does not occur in the dataset.
        """


@runtime_checkable
class Unbounded(Protocol):
    """A kind whose values can be too large or too small to become inputs of a network."""

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """The origin of one input, for an error message: `1e+30 as fare in line 142`."""


def kind_of(dataset: str | Own, config: Config) -> Kind:
    """The kind of a dataset, made for the configuration of a trial. Only the kind's own factors matter.

    Raises:
        UserError: the dataset is unknown, or a level is not legal.
    """
    info = dataset_info(dataset)
    given = {factor.name: config.get(factor.name) for factor in info.kind.factors}
    levels = {
        name: FACTORS[name].default if level is None else check_level(name, level) for name, level in given.items()
    }
    kind: type[Kind] = importlib.import_module(f"{_ROOM}.{info.kind.name}").KIND
    return kind.of(info, levels)


def kind_file(dataset: str | Own) -> Path:
    """The file of the kind's class, which a model needs to encode the rows that it receives."""
    spec = importlib.util.find_spec(f"{_ROOM}.{dataset_info(dataset).kind.name}")
    assert spec
    assert spec.origin
    return Path(spec.origin)
