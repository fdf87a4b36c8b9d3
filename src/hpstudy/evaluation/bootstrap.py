"""Intervals of metrics over rows, by the bootstrap: how much another test split of this size would differ."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = (200, 2000)  # as many as fit into the work, within these limits
_WORK = 20_000_000  # rows × classes × resamples
_AT_ONCE = 2_000_000  # numbers of resamples in memory at a time
_PERCENTILES = (2.5, 97.5)
_SMALLEST = float(np.finfo(np.float32).eps)  # as in `class_metrics`

_Floats = NDArray[np.float64]


def class_intervals(given: _Floats, labels: NDArray[np.int32]) -> dict[str, tuple[float, float]]:
    """Metric of `class_metrics` → its 95 % interval: percentiles over resampled rows (Efron 1979).

    A resample is how often each row was drawn, so nothing is sorted anew.

    Args:
        given: (rows, classes) probabilities.
        labels: (rows,) class numbers.
    """
    rows, classes = given.shape
    given = given.clip(0, 1)
    least, most = _RESAMPLES
    wanted = max(least, min(most, _WORK // (rows * classes)))
    rng, found = np.random.default_rng(0), list[dict[str, _Floats]]()
    orders = list(_sides(given, labels))
    for first in range(0, wanted, step := max(1, _AT_ONCE // rows)):
        drawn = _drawn(rng, min(step, wanted - first), rows)
        found.append({**_counted(given, labels, drawn), **_ranked(orders, drawn)})
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # no resample has both classes
        ends = {name: np.nanpercentile(np.concatenate([one[name] for one in found]), _PERCENTILES) for name in found[0]}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def _drawn(rng: np.random.Generator, resamples: int, rows: int) -> _Floats:
    """How often each row was drawn, (resamples, rows)."""
    places = rng.integers(0, rows, (resamples, rows)) + rows * np.arange(resamples)[:, np.newaxis]
    return np.bincount(places.ravel(), minlength=resamples * rows).reshape(resamples, rows).astype(np.float64)


def _counted(given: _Floats, labels: NDArray[np.int32], drawn: _Floats) -> dict[str, _Floats]:
    """The metrics that are sums over rows."""
    rows, classes = given.shape
    is_class, guesses = np.eye(classes)[labels], given.argmax(axis=1)
    of_class, of_guess = drawn @ is_class, drawn @ np.eye(classes)[guesses]
    hits = drawn @ (is_class * (guesses == labels)[:, np.newaxis])
    of_truth = given[np.arange(rows), labels].clip(_SMALLEST, 1 - _SMALLEST)
    squared = ((given - is_class) ** 2)[:, 1:] if classes == 2 else (given - is_class) ** 2
    return {
        "balanced_accuracy": _mean(hits, of_class),
        "f1": _mean(2 * hits, of_class + of_guess),
        "log_loss": drawn @ -np.log(of_truth) / rows,
        "brier": drawn @ squared.sum(axis=1) / rows,
    }


def _mean(parts: _Floats, wholes: _Floats) -> _Floats:
    """The mean of the ratios whose whole is not 0, (resamples,)."""
    ratios = np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)
    return np.asarray(ratios.sum(axis=1) / (wholes > 0).sum(axis=1))


def _sides(
    given: _Floats, labels: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]]:
    """One class against the rest: the rows by falling score, whether each is of the class, the last row of each score.

    Of two classes only the second one.
    """
    classes = given.shape[1]
    for number in (1,) if classes == 2 else range(classes):
        if 0 < (labels == number).sum() < len(labels):
            order = np.argsort(-given[:, number], kind="stable")
            scores = given[order, number]
            yield order, labels[order] == number, np.flatnonzero(np.append(scores[1:] != scores[:-1], True))


def _ranked(
    sides: list[tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]], drawn: _Floats
) -> dict[str, _Floats]:
    """The metrics that depend on the order of scores; NaN where a resample has only one side."""
    areas, precisions = [], []
    for order, is_it, last in sides:
        weights = drawn[:, order]
        found = np.cumsum(weights * is_it, axis=1)[:, last]
        named = np.cumsum(weights, axis=1)[:, last]
        gained, others = np.diff(found, prepend=0, axis=1), named - found
        wrong = np.diff(others, prepend=0, axis=1)
        positives, negatives = found[:, -1], others[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            areas.append((wrong * (found - gained / 2)).sum(axis=1) / (positives * negatives))
            precisions.append(np.nansum(gained * (found / named), axis=1) / np.where(positives, positives, np.nan))
    if not sides:
        return {}
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return {"auc": np.nanmean(areas, axis=0), "average_precision": np.nanmean(precisions, axis=0)}
