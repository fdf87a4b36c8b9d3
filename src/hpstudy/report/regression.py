"""Predicted numbers beside the actual ones: how far off they are, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.records import RegressionScore
from hpstudy.report import style, texts
from hpstudy.report.document import Figure, Number, Table
from hpstudy.report.languages import say
from hpstudy.study.catalog import Target


def errors_table(found: RegressionScore) -> Table:
    named = (("RMSE", found.rmse), (say("mean absolute error"), found.mae), ("R²", found.r2))
    return Table(
        title="Errors of the ensemble",
        columns=("score", "value", "95 % interval"),
        rows=tuple(
            (
                name,
                Number(value=one.value, text=texts.number(one.value), is_exact=True),
                texts.range_text((one.low, one.high)),
            )
            for name, one in named
        ),
        caption="On the test rows, in the unit of the target. RMSE: the root of the mean squared error. R²: the share "
        "of the target's variance that is explained; 0 is as good as the mean. Intervals are over rows (bootstrap, "
        "Efron 1979).",
    )


def regression_figures(found: RegressionScore, target: Target | None) -> tuple[Figure, ...]:
    """Predicted against actual, and residuals against predicted."""
    name = target.name if target else say("target")
    actual, predicted = np.array(found.points).T
    residuals = actual - predicted

    def against_actual(axes: Any) -> None:
        ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
        axes.plot(ends, ends, color=style._INK, linewidth=0.8)
        _points(axes, predicted, actual, say("predicted {name}", name=name), say("actual {name}", name=name))

    def against_predicted(axes: Any) -> None:
        axes.axhline(0, color=style._INK, linewidth=0.8)
        _points(axes, predicted, residuals, say("predicted {name}", name=name), say("actual − predicted"))

    return (
        Figure(
            title=say("Predicted and actual {name}", name=name),
            caption="Each point is a row of the test split; on the line, the ensemble is right.",
            svg=style.draw(against_actual),
        ),
        Figure(
            title="Residuals",
            caption="How much larger the actual number is than the predicted one. A bend or a funnel means that the "
            "network misses something: a dependence, or where rows are harder to predict.",
            svg=style.draw(against_predicted),
        ),
    )


def _points(axes: Any, x: Any, y: Any, x_name: str, y_name: str) -> None:
    axes.scatter(x, y, s=12, alpha=0.6, color=style.colour(0), linewidths=0, rasterized=style.is_large(len(x)))
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
