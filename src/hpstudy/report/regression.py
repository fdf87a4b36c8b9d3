"""Predicted numbers beside the actual ones: how far off they are, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hpstudy.records import RegressionScore, TargetScore
from hpstudy.report import style, texts
from hpstudy.report.document import Figure, Table
from hpstudy.report.languages import say


def errors_table(found: RegressionScore) -> Table:
    return Table(
        title="Errors by target",
        columns=("target", "score", "value", "95 % interval"),
        rows=tuple(
            (
                target.name,
                name,
                texts.exact(one.value),
                texts.range_text((one.low, one.high)),
            )
            for target in found.targets
            for name, one in (("RMSE", target.rmse), (say("mean absolute error"), target.mae), ("R²", target.r2))
        ),
        caption="On the test rows, in the unit of the target. RMSE: the root of the mean squared error. R²: the share "
        "of the target's variance that is explained; 0 is as good as the mean. Intervals are over rows (bootstrap, "
        "Efron 1979).",
    )


def regression_figures(found: RegressionScore) -> tuple[Figure, ...]:
    """Of each target, predicted against actual, and residuals against predicted."""
    return tuple(figure for target in found.targets for figure in _figures(target))


def _figures(found: TargetScore) -> Iterator[Figure]:
    name = found.name
    actual, predicted = np.array(found.points).T
    residuals = actual - predicted

    def against_actual(axes: Any) -> None:
        ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
        axes.plot(ends, ends, color=style._INK, linewidth=0.8)
        _points(axes, predicted, actual, say("predicted {name}", name=name), say("actual {name}", name=name))

    def against_predicted(axes: Any) -> None:
        axes.axhline(0, color=style._INK, linewidth=0.8)
        _points(axes, predicted, residuals, say("predicted {name}", name=name), say("actual − predicted"))

    yield Figure(
        title=say("Predicted and actual {name}", name=name),
        caption="Each point is a row of the test split; on the line, the ensemble is right.",
        svg=style.draw(against_actual),
    )
    yield Figure(
        title=say("Residuals of {name}", name=name),
        caption="How much larger the actual number is than the predicted one. A bend or a funnel means that the "
        "network misses something: a dependence, or where rows are harder to predict.",
        svg=style.draw(against_predicted),
    )


def _points(axes: Any, x: Any, y: Any, x_name: str, y_name: str) -> None:
    axes.scatter(x, y, s=12, alpha=0.6, color=style.colour(0), linewidths=0, rasterized=style.is_large(len(x)))
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
