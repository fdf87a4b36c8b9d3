"""The scores of predicted numbers on the test split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.regression_metrics import regression_metrics

_RESAMPLES = 2000
_AT_ONCE = 5_000_000  # numbers of resamples in memory at a time
_MOST_POINTS = 1000  # that are kept for the report

_Floats: TypeAlias = NDArray[np.float64]


def regression_scores(predictions: NDArray[Any], targets: NDArray[Any]) -> dict[str, Any]:
    """Every score of the replicates and of their ensemble, which averages their numbers.

    The intervals are percentiles of the bootstrap over rows (Efron 1979): how much another test split would differ.

    Args:
        predictions: (replicates, rows, 1), in the target's unit.
        targets: (rows,), likewise.

    Returns:
        The fields of `Evaluation` that are scores, as JSON values.
    """
    given, truth = predictions[:, :, 0].astype(np.float64), targets.astype(np.float64)
    together = given.mean(axis=0)
    values = regression_metrics(together, truth)
    estimates = {name: _estimate(values[name], metric, together, truth) for name, metric in _METRICS.items()}
    points = [[float(actual), float(predicted)] for actual, predicted in zip(truth, together, strict=True)]
    return {
        "rows": len(truth),
        "rmse": [regression_metrics(of_one, truth)["rmse"] for of_one in given],
        "regression": {**estimates, "points": points[:: -(-len(points) // _MOST_POINTS)]},
    }


def _estimate(value: float, metric: Callable[..., _Floats], given: _Floats, truth: _Floats) -> dict[str, float]:
    from scipy import stats

    interval = stats.bootstrap(
        (given, truth),
        metric,
        n_resamples=_RESAMPLES,
        batch=max(1, _AT_ONCE // len(truth)),
        vectorized=True,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {"value": value, "low": float(interval.low), "high": float(interval.high)}


def _rmse(given: _Floats, truth: _Floats, axis: int = -1) -> _Floats:
    return np.asarray(np.sqrt(((given - truth) ** 2).mean(axis=axis)))


def _mae(given: _Floats, truth: _Floats, axis: int = -1) -> _Floats:
    return np.asarray(np.abs(given - truth).mean(axis=axis))


def _r2(given: _Floats, truth: _Floats, axis: int = -1) -> _Floats:
    squared = ((given - truth) ** 2).mean(axis=axis)
    variance = truth.var(axis=axis)
    return np.asarray(1 - squared / np.where(variance > 0, variance, 1.0))


_METRICS = {"rmse": _rmse, "mae": _mae, "r2": _r2}
