"""The factor `scaling` as two vectors: network input = decoded row * scale + offset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.arrays import Encoding
from hpstudy.data.splits import RowNumbers
from hpstudy.study.catalog import Scaling

Vector = NDArray[np.float32]  # () or (features,)

LARGEST_INPUT = float(np.sqrt(np.finfo(np.float32).max))  # optimizers square gradients, which have inputs as factors
_CHUNK_CELLS = 1 << 22  # cells decoded at a time, as float64


def decode(x: NDArray[Any], encoding: Encoding, features: int) -> NDArray[Any]:
    """Rows as a dense matrix: packed ones are unpacked, others are returned as they are.

    Args:
        x: (rows, features), or uint8 (rows, ceil(features / 8)) for "bits".

    Returns:
        (rows, features); uint8 0 or 1 for "bits".
    """
    if encoding == "bits":
        return np.unpackbits(x, axis=1, count=features, bitorder="little")
    return x


def constant_scaling(factor: float = 1.0) -> tuple[Vector, Vector]:
    """The same factor for every feature: a scale of shape () and offset 0."""
    return np.full((), factor, np.float32), np.zeros((), np.float32)


def fit_scaling(
    scaling: Scaling, x: NDArray[Any], encoding: Encoding, features: int, train: RowNumbers
) -> tuple[Vector, Vector]:
    """Fit scikit-learn's scaler on the training rows.

    Args:
        scaling: "standard" (mean 0, standard deviation 1), "minmax" (0 to 1) or "unit" (largest magnitude 1).

    Returns:
        scale and offset, float32 (features,). A constant feature keeps its spread, as in scikit-learn.
    """
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    scaler = {"standard": StandardScaler, "minmax": MinMaxScaler, "unit": MaxAbsScaler}[scaling]()
    for chunk in _chunks(x, encoding, features, train):
        scaler.partial_fit(chunk)
    if scaling == "standard":
        return _vectors(1 / scaler.scale_, -scaler.mean_ / scaler.scale_)
    if scaling == "minmax":
        return _vectors(scaler.scale_, scaler.min_)
    return _vectors(1 / scaler.scale_, np.zeros(features))


def unfit_inputs(x: NDArray[np.float32], scale: Vector, offset: Vector) -> NDArray[np.bool_]:
    """Which network inputs are not finite, or are so large that float32 cannot hold their squares.

    Args:
        x: (rows, features), dense.

    Returns:
        bool (rows, features).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(~(np.abs(x * scale + offset) <= LARGEST_INPUT), np.bool_)


def _chunks(x: NDArray[Any], encoding: Encoding, features: int, train: RowNumbers) -> Iterator[NDArray[np.float64]]:
    step = max(1, _CHUNK_CELLS // features)
    for first in range(0, len(train), step):
        yield decode(x[train[first : first + step]], encoding, features).astype(np.float64)


def _vectors(scale: NDArray[np.float64], offset: NDArray[np.float64]) -> tuple[Vector, Vector]:
    with np.errstate(over="ignore"):  # `unfit_inputs` reports the result
        return scale.astype(np.float32), offset.astype(np.float32)
