"""Metrics of predicted class probabilities that take all rows at once, so that they are known at a trial's end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_NO_ORDER = 0.5  # the area under a ROC curve where there is nothing to tell apart


def class_metrics(probabilities: NDArray[np.float64], labels: NDArray[np.int32]) -> dict[str, float]:
    """`balanced_accuracy`, `f1`, `auc`, `average_precision`, `log_loss` and `brier`, by scikit-learn.

    F1 is the mean over classes. So are the area under the ROC curve (Hand & Till 2001, one class against the rest) and
    average precision, unless there are two classes: then they are those of the second one. The Brier score (1950) is
    the mean squared error of the second of two classes, else the sum of squared errors over the classes.

    Args:
        probabilities: (rows, classes), or (classes,) if they are the same for every row. Values outside 0 and 1, which
            an own network may give, are clipped.
        labels: (rows,) class numbers. A class without a row has no part in the means over classes.
    """
    from sklearn import metrics

    width = probabilities.shape[-1]
    given = np.clip(np.broadcast_to(probabilities, (len(labels), width)), 0, 1)
    guesses, numbers = given.argmax(axis=1), list(range(width))
    sides = list(_sides(given, labels))
    errors = (given - np.eye(width)[labels]) ** 2
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of outputs that do not sum to 1
        return {
            "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, guesses)),
            "f1": float(metrics.f1_score(labels, guesses, average="macro", zero_division=0.0)),
            "auc": _mean([metrics.roc_auc_score(*side) for side in sides], _NO_ORDER),
            "average_precision": _mean([metrics.average_precision_score(*side) for side in sides], 1.0),
            # As float32, so that a probability of 0 is taken for 1.2e-7: no more is known of a network's outputs.
            "log_loss": float(metrics.log_loss(labels, given.astype(np.float32), labels=numbers)),
            "brier": float(errors[:, 1].mean() if width == 2 else errors.sum(axis=1).mean()),
        }


def _sides(
    given: NDArray[np.float64], labels: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
    """One class against the rest: whether a row is of the class, and its probability."""
    width = given.shape[1]
    for number in (1,) if width == 2 else range(width):
        is_it = labels == number
        if is_it.any() and not is_it.all():
            yield is_it, given[:, number]


def _mean(values: list[float], without: float) -> float:
    return float(np.mean(values)) if values else without
