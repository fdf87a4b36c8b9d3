"""The constant predictor: it predicts for every row the shares of the classes in the training rows, or their mean.

A network has to beat its scores, and a training that diverges has achieved no more than these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.arrays import Arrays, Standardization
from hpstudy.data.class_metrics import class_metrics
from hpstudy.data.regression_metrics import regression_metrics
from hpstudy.study.factors import Loss

_SMALLEST = 1e-7  # smallest probability whose logarithm is taken, as in Keras


def constant_scores(arrays: Arrays, loss: Loss) -> dict[str, float]:
    """`loss` and `accuracy` on the training rows; on the validation rows these and `class_metrics`, with `val_`.

    In a regression `rmse` instead of `accuracy`, and `regression_metrics`.
    """
    if arrays.standardization:
        return _of_mean(arrays, arrays.standardization, loss)
    train = arrays.y[arrays.train]
    shares = class_shares(train, len(arrays.classes))
    of_train = predictor_scores(shares, train, loss)
    validation = arrays.y[arrays.validation]
    of_validation = {**predictor_scores(shares, validation, loss), **class_metrics(shares, validation)}
    return {**of_train, **{f"val_{name}": value for name, value in of_validation.items()}}


def _of_mean(arrays: Arrays, unit: Standardization, loss: Loss) -> dict[str, float]:
    of_train, of_validation = (
        number_scores(unit.mean, arrays.y[rows], unit, loss) for rows in (arrays.train, arrays.validation)
    )
    kept = {name: of_train[name] for name in ("loss", "rmse")}
    return {**kept, **{f"val_{name}": value for name, value in of_validation.items()}}


def number_scores(
    predictions: NDArray[np.float64], targets: NDArray[Any], unit: Standardization, loss: Loss
) -> dict[str, float]:
    """`loss` as it is computed for a network, of standardized targets, and `regression_metrics`.

    Args:
        predictions: As in `regression_metrics`, in the target's unit.
        targets: Likewise.
    """
    errors = np.abs(predictions - targets.astype(np.float64)) / unit.deviation
    losses = {"mse": errors**2, "mae": errors, "huber": np.where(errors <= 1, errors**2 / 2, errors - 0.5)}
    return {"loss": float(losses[loss].mean()), **regression_metrics(predictions, targets)}


def class_shares(labels: NDArray[np.int32], classes: int) -> NDArray[np.float64]:
    """The share of each class among the labels, (classes,)."""
    shares: NDArray[np.float64] = np.bincount(labels, minlength=classes) / len(labels)
    return shares


def predictor_scores(probabilities: NDArray[np.float64], labels: NDArray[np.int32], loss: Loss) -> dict[str, float]:
    """`loss` and `accuracy` of predictions, as they are computed for a network.

    Args:
        probabilities: (rows, classes), or (classes,) if they are the same for every row.
        labels: (rows,) class numbers.
    """
    given = np.broadcast_to(probabilities, (len(labels), probabilities.shape[-1]))
    of_truth = given[np.arange(len(labels)), labels]
    losses = _squared_errors(given, labels) if loss == "mse" else -np.log(_clipped(of_truth))
    return {"loss": float(losses.mean()), "accuracy": float((given.argmax(axis=1) == labels).mean())}


def _clipped(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)


def _squared_errors(given: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Means over the outputs of a network, (rows,). For two classes it has one output."""
    truth = np.eye(given.shape[1])[labels]
    outputs = slice(1, 2) if given.shape[1] == 2 else slice(None)
    errors: NDArray[np.float64] = ((given - truth)[:, outputs] ** 2).mean(axis=1)
    return errors
