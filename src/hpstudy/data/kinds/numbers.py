"""Named numbers, none of them missing, as scikit-learn's small datasets have them. This file is copied into models."""

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
class Numbers:
    """The columns of a dataset that scikit-learn ships: float32 (rows, columns)."""

    dataset: str  # scikit-learn's loader is load_ and this name

    largest = None
    is_fitted = False

    @property
    def decisive(self) -> Mapping[str, object]:
        return {}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Numbers:
        del levels
        return cls(dataset=dataset.name)

    def read(self, source: Source, *, test: bool) -> Raw:
        """All rows, since none of these datasets has an official test split."""
        from hpstudy.data.kind import Raw

        del source, test
        bunch = self._load()
        dtype = np.int32 if bunch.target.dtype.kind == "i" else np.float32
        return Raw(rows=bunch.data.astype(np.float32), labels=bunch.target.astype(dtype))

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        del training
        return Matrix.of(raw.rows, raw.labels, "dense", raw.rows.shape[1])

    def description(self, training: Raw | None) -> dict[str, Any]:
        del training
        return {"columns": self._names()}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del source
        columns = zip(self._names(), rows.T, strict=True)
        return {"columns": {name: {"type": "double", "values": list(map(float, row))} for name, row in columns}}

    def trace(self, raw: Raw, row: int, feature: int) -> str:
        """Which number became an input: `1e+30 as mean radius in row 141`, counted from 0."""
        return f"{raw.rows[row, feature]:g} as {self._names()[feature]} in row {row}"

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode a DataFrame with the dataset's columns, in any order and among others, or an array (rows, columns).

        Raises:
            ValueError: a column is missing, or a number is.
        """
        names = description["columns"]
        if hasattr(rows, "columns"):
            if lacking := [name for name in names if name not in rows.columns]:
                raise ValueError(f"The rows lack the columns {', '.join(lacking)}. Expected: {', '.join(names)}.")
            rows = rows[names]
        found = np.asarray(rows, np.float32).reshape(-1, len(names))
        if not np.isfinite(found).all():
            row, column = np.argwhere(~np.isfinite(found))[0]
            raise ValueError(f"{names[column]} in row {row} is {found[row, column]}. Expected: a finite number.")
        return found

    def _names(self) -> list[str]:
        return list(map(str, self._load().feature_names))

    def _load(self) -> Any:
        from sklearn import datasets

        load = getattr(datasets, f"load_{self.dataset}")
        return load(scaled=False) if self.dataset == "diabetes" else load()  # else in no unit that anybody has


KIND: type[Kind] = Numbers
