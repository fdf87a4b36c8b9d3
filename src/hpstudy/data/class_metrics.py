"""Metrics of predicted class probabilities that take all rows at once, so that they are known at a trial's end.

They are those of scikit-learn. Its functions check and convert for some 30 ms, which is longer than small networks
train; here they are sums over sorted scores.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_NO_ORDER = 0.5  # the area under a ROC curve where there is nothing to tell apart
# Of float32, so that a probability of 0 is taken for 1.2e-7: no more is known of a network's outputs.
_SMALLEST = float(np.finfo(np.float32).eps)


def class_metrics(probabilities: NDArray[np.float64], labels: NDArray[np.int32]) -> dict[str, float]:
    """`balanced_accuracy`, `f1`, `auc`, `average_precision`, `log_loss` and `brier`, as scikit-learn defines them.

    F1 is the mean over classes. So are the area under the ROC curve (Hand & Till 2001, one class against the rest) and
    average precision, unless there are two classes: then they are those of the second one. The Brier score (1950) is
    the mean squared error of the second of two classes, else the sum of squared errors over the classes.

    Args:
        probabilities: (rows, classes), or (classes,) if they are the same for every row. Values outside 0 and 1, which
            an own network may give, are clipped.
        labels: (rows,) class numbers. A class without a row has no part in the means over classes.
    """
    rows, width = len(labels), probabilities.shape[-1]
    given = np.clip(np.broadcast_to(probabilities, (rows, width)), 0, 1)
    pairs = np.bincount(labels * width + given.argmax(axis=1), minlength=width * width).reshape(width, width)
    hits, of_class, of_guess = pairs.diagonal(), pairs.sum(axis=1), pairs.sum(axis=0)
    is_there, is_known = of_class > 0, of_class + of_guess > 0
    areas = [_areas(*side) for side in _sides(given, labels, of_class)]
    of_truth = given[np.arange(rows), labels].clip(_SMALLEST, 1 - _SMALLEST)
    return {
        "balanced_accuracy": float((hits[is_there] / of_class[is_there]).mean()),
        "f1": float((2 * hits[is_known] / (of_class + of_guess)[is_known]).mean()),
        "auc": _mean([area for area, _ in areas], _NO_ORDER),
        "average_precision": _mean([precision for _, precision in areas], 1.0),
        "log_loss": float(-np.log(of_truth).mean()),
        "brier": _brier(given, labels),
    }


def _brier(given: NDArray[np.float64], labels: NDArray[np.int32]) -> float:
    if given.shape[1] == 2:
        return float(((given[:, 1] - labels) ** 2).mean())
    errors = given.copy()
    errors[np.arange(len(labels)), labels] -= 1
    return float(np.einsum("rc,rc->", errors, errors) / len(labels))


def _sides(
    given: NDArray[np.float64], labels: NDArray[np.int32], of_class: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
    """One class against the rest: whether a row is of the class, and its probability."""
    width = given.shape[1]
    for number in (1,) if width == 2 else range(width):
        if 0 < of_class[number] < len(labels):
            yield labels == number, given[:, number]


def _areas(is_it: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[float, float]:
    """The area under the ROC curve, and average precision, from counts at every distinct score, the highest first."""
    # Numbers of at least 0 are ordered as their bits are. With the label as the last bit, the numbers themselves can be
    # sorted, which is several times faster than finding their order.
    bits = np.sort(((scores + 0.0).view(np.uint64) << np.uint64(1)) | is_it)[::-1]
    is_last = np.append((bits[1:] ^ bits[:-1]) > 1, True)  # of the rows with one score
    found = np.cumsum(bits & np.uint64(1), dtype=np.int64)[is_last]
    named = np.flatnonzero(is_last) + 1
    others = named - found
    gained, wrong = np.diff(found, prepend=0), np.diff(others, prepend=0)
    positives = found[-1]
    area = (wrong * (found - gained / 2)).sum() / (positives * others[-1])
    return float(area), float((gained * (found / named)).sum() / positives)


def _mean(values: list[float], without: float) -> float:
    return float(np.mean(values)) if values else without
