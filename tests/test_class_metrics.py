"""The metrics at a trial's end are those of scikit-learn, whatever is predicted."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from hpstudy.data.class_metrics import class_metrics


def scikit_learn(given: NDArray[np.float64], labels: NDArray[np.int32]) -> dict[str, float]:
    """One class against the rest, one after the other."""
    width, guesses = given.shape[1], given.argmax(axis=1)
    of_class = [(labels == number, given[:, number]) for number in ((1,) if width == 2 else range(width))]
    sides = [side for side in of_class if side[0].any() and not side[0].all()]
    squares = (given - np.eye(width)[labels]) ** 2
    eps = np.finfo(np.float32).eps
    with warnings.catch_warnings(action="ignore"):
        return {
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, guesses),
            "f1": metrics.f1_score(labels, guesses, average="macro", zero_division=0.0),
            "auc": np.mean([metrics.roc_auc_score(*side) for side in sides]) if sides else 0.5,
            "average_precision": np.mean([metrics.average_precision_score(*side) for side in sides]) if sides else 1.0,
            "log_loss": metrics.log_loss(labels, given.clip(eps, 1 - eps), labels=range(width)),
            "brier": squares[:, 1].mean() if width == 2 else squares.sum(axis=1).mean(),
        }


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("rows", [5, 143, 2000])
@pytest.mark.parametrize("digits", [None, 1, 0], ids=["distinct", "tied", "certain"])
def test_metrics_are_those_of_scikit_learn_for_random_and_tied_predictions(
    classes: int, rows: int, digits: int | None
) -> None:
    rng = np.random.default_rng(rows + classes)
    given = rng.dirichlet(np.ones(classes), rows)
    given = given if digits is None else given.round(digits)
    labels = rng.integers(0, classes, rows).astype(np.int32)
    assert class_metrics(given, labels) == pytest.approx(scikit_learn(given, labels), rel=0, abs=1e-12)


@pytest.mark.parametrize("labels", [[0] * 6, [1] * 6, [0, 1] * 3, [0, 0, 0, 0, 0, 1]])
@pytest.mark.parametrize("value", [-0.0, 0.0, 0.5, 1.0])
def test_metrics_are_those_of_scikit_learn_where_nothing_is_told_apart(labels: list[int], value: float) -> None:
    given, truth = np.tile([1 - value, value], (6, 1)), np.array(labels, np.int32)
    assert class_metrics(given, truth) == pytest.approx(scikit_learn(given, truth), rel=0, abs=1e-12)
    assert class_metrics(given[0], truth) == class_metrics(given, truth)
