"""The scores of predicted classes on the test split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.class_metrics import class_metrics
from hpstudy.evaluation.bootstrap import class_intervals

_CONFIDENCE = 0.95
_MOST_POINTS = 200  # of a curve
_BINS = 10  # of predicted probabilities


def class_scores(predictions: NDArray[Any], labels: NDArray[Any], classes: Sequence[str]) -> dict[str, Any]:
    """Every score of the replicates and of their ensemble, which averages their probabilities.

    Intervals are over rows: how much another test split would differ. That of the accuracy is Wilson's (1927), the
    others are percentiles of the bootstrap (Efron 1979).

    Args:
        predictions: (replicates, rows, classes) probabilities.
        labels: (rows,) class numbers.

    Returns:
        The fields of `Evaluation` that are scores, as JSON values.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    together = predictions.mean(axis=0).astype(np.float64)
    guesses, numbers = together.argmax(axis=1), list(range(len(classes)))
    accuracy = _accuracy(int((guesses == labels).sum()), len(labels))
    precision, recall, f1, support = precision_recall_fscore_support(labels, guesses, labels=numbers, zero_division=0.0)
    return {
        "rows": len(labels),
        "accuracy": [float(value) for value in (predictions.argmax(axis=2) == labels).mean(axis=1)],
        "ensemble": accuracy,
        "confusion": confusion_matrix(labels, guesses, labels=numbers).tolist(),
        "by_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "rows": int(n)}
            for name, p, r, f, n in zip(classes, precision, recall, f1, support, strict=True)
        ],
        "metrics": _estimates(together, labels),
        **({"binary": _binary(together[:, 1], labels, classes[1])} if _is_binary(labels, classes) else {}),
    }


def _is_binary(labels: NDArray[Any], classes: Sequence[str]) -> bool:
    return len(classes) == 2 and len(np.unique(labels)) == 2


def _accuracy(hits: int, rows: int) -> dict[str, float]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, rows, alpha=1 - _CONFIDENCE, method="wilson")
    return {"accuracy": hits / rows, "low": float(low), "high": float(high)}


def _estimates(given: NDArray[np.float64], labels: NDArray[Any]) -> dict[str, dict[str, float]]:
    """Metric → value and interval, of all but the accuracy."""
    values, intervals = class_metrics(given, labels), class_intervals(given, labels)
    return {name: {"value": values[name], "low": low, "high": high} for name, (low, high) in intervals.items()}


def _binary(given: NDArray[np.float64], labels: NDArray[Any], name: str) -> dict[str, Any]:
    """The curves of the second class, and how well its probabilities hold.

    The expected calibration error (Naeini et al. 2015) is the mean over rows of how far the share of a bin of
    probabilities is from their mean.

    Args:
        given: (rows,) probabilities of the class.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    false, true, _ = roc_curve(labels, given)
    precision, recall, _ = precision_recall_curve(labels, given)
    numbers = np.minimum((given * _BINS).astype(int), _BINS - 1)
    bins = [(given[rows].mean(), labels[rows].mean(), rows.sum()) for rows in (numbers == np.arange(_BINS)[:, None])
            if rows.any()]  # fmt: skip
    error = sum(abs(mean - share) * count for mean, share, count in bins) / len(labels)
    return {
        "name": name,
        "roc": _thinned(false, true),
        "precision_recall": _thinned(recall, precision),
        "reliability": [[float(mean), float(share), int(count)] for mean, share, count in bins],
        "calibration_error": float(error),
    }


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> list[list[float]]:
    """Points of a curve, both ends among them."""
    places = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int))
    points: list[list[float]] = np.stack((x, y), axis=1)[places].astype(float).tolist()
    return points
