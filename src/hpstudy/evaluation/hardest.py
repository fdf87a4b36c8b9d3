"""The test rows that all networks get wrong: they are often wrong labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST = 20  # rows that are listed


def hardest_rows(
    predictions: NDArray[Any], labels: NDArray[Any], numbers: NDArray[Any], classes: Sequence[str]
) -> dict[str, Any]:
    """The worst of the rows that every network gets wrong, by their numbers, and of classes how many there are.

    Of classes, the worst are those whose own class is least probable. Of numbers, wrong is a row whose prediction by
    every network is too large, or too small by each, and the worst has the largest error in standard deviations.

    Args:
        predictions: (replicates, rows, classes) probabilities, or (replicates, rows, targets) numbers.
        labels: (rows,) class numbers; (rows, targets) numbers, or (rows,) if there is one target.
        numbers: (rows,), which row of its file each is.

    Returns:
        Fields of `Evaluation`, as JSON values.
    """
    together = predictions.mean(axis=0).astype(np.float64)
    if classes:
        wrong = np.flatnonzero((predictions.argmax(axis=2) != labels).all(axis=0))
        of_truth = together[np.arange(len(labels)), labels]
        worst = wrong[np.argsort(of_truth[wrong], kind="stable")][:_MOST]
        listed = [
            {
                "row": int(numbers[row]),
                "actual": classes[labels[row]],
                "predicted": classes[together[row].argmax()],
                "measure": float(of_truth[row]),
            }
            for row in worst
        ]
        return {"wrong_by_all": len(wrong), "hardest": listed}
    truth = labels.reshape(together.shape).astype(np.float64)
    errors = (predictions - truth) / np.where(truth.std(axis=0) > 0, truth.std(axis=0), 1.0)
    agreed = np.where((errors > 0).all(axis=0) | (errors < 0).all(axis=0), np.abs(errors).min(axis=0), 0.0)
    target, size = agreed.argmax(axis=1), agreed.max(axis=1)
    worst = np.argsort(-size, kind="stable")[:_MOST]
    return {
        "hardest": [
            {
                "row": int(numbers[row]),
                "actual": float(truth[row, target[row]]),
                "predicted": float(together[row, target[row]]),
                "measure": float(size[row]),
                **({"target": int(target[row])} if truth.shape[1] > 1 else {}),
            }
            for row in worst
            if size[row] > 0
        ],
    }
