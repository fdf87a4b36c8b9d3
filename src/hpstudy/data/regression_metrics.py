"""Metrics of predicted numbers, in the unit of the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def regression_metrics(predictions: NDArray[Any], targets: NDArray[Any]) -> dict[str, float]:
    """`mae`, `rmse` and `r2`, as scikit-learn defines them.

    Mean absolute error, the square root of the mean squared error, and the share of the variance that is explained.
    Where all targets are the same, R² is 1 for perfect predictions, else 0.

    Args:
        predictions: (rows,), or () if they are the same for every row.
        targets: (rows,).
    """
    truth = targets.astype(np.float64)
    errors = predictions.astype(np.float64) - truth
    squared, spread = float((errors**2).sum()), float(((truth - truth.mean()) ** 2).sum())
    return {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(squared / len(truth))),
        "r2": 1 - squared / spread if spread else float(squared == 0),
    }
