"""Logic gates: two truth values and the output of the gate. This file is copied into models."""

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
class Gate:
    """The four rows of a truth table: float32 (4, 2). The second input changes first."""

    gate: str

    largest = 1.0
    is_fitted = False

    @property
    def decisive(self) -> Mapping[str, object]:
        return {"gate": self.gate}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Gate:
        del dataset
        return cls(gate=str(levels["gate"]))

    def read(self, source: Source, *, test: bool) -> Raw:
        from hpstudy.data.kind import Raw
        from hpstudy.study.catalog import TRUTH_TABLES

        del source, test
        corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        return Raw(rows=corners, labels=np.array(TRUTH_TABLES[self.gate], np.int32))

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        del training
        return Matrix.of(raw.rows, raw.labels, "dense", raw.rows.shape[1])

    def description(self, training: Raw | None) -> dict[str, Any]:
        del training
        return {"shape": [2]}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del source
        columns = zip(("a", "b"), rows.T, strict=True)
        return {"columns": {name: {"type": "long", "values": list(map(int, row))} for name, row in columns}}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode pairs of 0 or 1, (rows, 2)."""
        return np.asarray(rows, np.float32).reshape(-1, *description["shape"])


KIND: type[Kind] = Gate
