"""Rows of a user's own arrays that are no images: numbers of any meaning. This file is copied into models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpstudy.data.cache import Matrix
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Numbers, (rows, inputs): uint8 if they were, else float32."""

    shape: tuple[int, ...]  # of one row in the file
    classes: tuple[str, ...]

    largest = None
    is_fitted = False

    @property
    def decisive(self) -> Mapping[str, object]:
        return {"classes": list(self.classes)}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Vectors:
        del levels
        return cls(shape=dataset.input_shape, classes=dataset.classes)

    def read(self, source: Source, *, test: bool) -> Raw:
        from hpstudy.data.own_contents import read_labelled

        return read_labelled(source, self.classes, test=test)

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        del training
        x = raw.rows.reshape(len(raw.rows), -1)
        return Matrix.of(x, raw.labels, "dense", x.shape[1])

    def description(self, training: Raw | None) -> dict[str, Any]:
        del training
        return {"shape": list(self.shape)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del source
        return {"array": rows.astype(float).reshape(-1, *self.shape).tolist(), "dtype": "float64"}

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """Which number became an input: `1e+30 in row 141, column 3`, counted from 0."""
        place = ", ".join(str(number) for number in np.unravel_index(feature, self.shape))
        return f"{raw.rows[row].reshape(-1)[feature]:g} in row {row}, column {place} (from 0)"

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode numbers, (rows, *shape of a row).

        Raises:
            ValueError: a row has another shape.
        """
        found = np.asarray(rows, np.float32)
        shape = tuple(description["shape"])
        if found.shape[1:] != shape:
            raise ValueError(f"A row has shape {found.shape[1:]}. Expected: {shape}.")
        return found


KIND: type[Kind] = Vectors
