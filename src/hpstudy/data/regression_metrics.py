"""Metrics of predicted numbers, in the unit of the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def regression_metrics(predictions: NDArray[Any], targets: NDArray[Any]) -> dict[str, float]:
    """`mae`, `rmse` and `r2`, as scikit-learn defines them.

    Mean absolute error, the square root of the mean squared error, and the share of the variance that is explained.
    Where all targets are the same, R² is 1 for perfect predictions, else 0. Where several numbers are predicted, each
    metric is the mean of those of the targets.

    Args:
        predictions: (rows,), or () if they are the same for every row; (rows, targets) or (targets,) if several.
        targets: (rows,) or (rows, targets).
    """
    truth = targets.astype(np.float64)
    errors = predictions.astype(np.float64) - truth
    squared, spread = (errors**2).sum(axis=0), ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    r2 = np.where(spread > 0, 1 - squared / np.where(spread > 0, spread, 1.0), squared == 0)
    return {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(squared / len(truth)).mean()),
        "r2": float(r2.mean()),
    }
