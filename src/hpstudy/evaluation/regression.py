"""The scores of predicted numbers on the test split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.regression_metrics import regression_metrics

_RESAMPLES = 2000
_AT_ONCE = 5_000_000  # numbers of resamples in memory at a time
_MOST_POINTS = 1000  # that are kept for the report

_Floats: TypeAlias = NDArray[np.float64]


def regression_scores(predictions: NDArray[Any], targets: NDArray[Any], names: Sequence[str]) -> dict[str, Any]:
    """Every score of the replicates and of their ensemble, which averages their numbers.

    The intervals are percentiles of the bootstrap over rows (Efron 1979): how much another test split would differ.

    Args:
        predictions: (replicates, rows, targets), in the targets' units.
        targets: (rows, targets), likewise; or (rows,) if there is one.
        names: Of the targets.

    Returns:
        The fields of `Evaluation` that are scores, as JSON values.
    """
    given = predictions.astype(np.float64)
    truth = targets.astype(np.float64).reshape(given.shape[1:])
    together = given.mean(axis=0)
    return {
        "rows": len(truth),
        "rmse": [regression_metrics(of_one, truth)["rmse"] for of_one in given],
        "regression": {
            **_estimates(together, truth),
            "targets": [
                {"name": name, **_estimates(together[:, place], truth[:, place]), "points": points}
                for place, (name, points) in enumerate(zip(names, _points(together, truth), strict=True))
            ],
        },
    }


def _points(together: _Floats, truth: _Floats) -> list[list[list[float]]]:
    """For each target the actual and the predicted number of some rows."""
    step = -(-len(truth) // _MOST_POINTS)
    return [np.stack(pair, axis=1)[::step].tolist() for pair in zip(truth.T, together.T, strict=True)]


def _estimates(given: _Floats, truth: _Floats) -> dict[str, dict[str, float]]:
    """Metric → value and interval. Both are (rows,), or (rows, targets) for means over targets."""
    columns = tuple(given.reshape(len(given), -1).T), tuple(truth.reshape(len(truth), -1).T)
    values = regression_metrics(given, truth)
    return {name: _estimate(values[name], metric, *columns) for name, metric in _METRICS.items()}


def _estimate(
    value: float, metric: Callable[..., _Floats], given: Sequence[_Floats], truth: Sequence[_Floats]
) -> dict[str, float]:
    from scipy import stats

    def mean(*columns: _Floats, axis: int) -> _Floats:
        pairs = zip(columns[: len(given)], columns[len(given) :], strict=True)
        return np.asarray(np.mean([metric(one, other, axis) for one, other in pairs], axis=0))

    interval = stats.bootstrap(
        (*given, *truth),
        mean,
        n_resamples=_RESAMPLES,
        batch=max(1, _AT_ONCE // (len(given) * len(truth[0]))),
        vectorized=True,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {"value": value, "low": float(interval.low), "high": float(interval.high)}


def _rmse(given: _Floats, truth: _Floats, axis: int) -> _Floats:
    return np.asarray(np.sqrt(((given - truth) ** 2).mean(axis=axis)))


def _mae(given: _Floats, truth: _Floats, axis: int) -> _Floats:
    return np.asarray(np.abs(given - truth).mean(axis=axis))


def _r2(given: _Floats, truth: _Floats, axis: int) -> _Floats:
    squared = ((given - truth) ** 2).mean(axis=axis)
    variance = truth.var(axis=axis)
    return np.asarray(1 - squared / np.where(variance > 0, variance, 1.0))


_METRICS = {"rmse": _rmse, "mae": _mae, "r2": _r2}
