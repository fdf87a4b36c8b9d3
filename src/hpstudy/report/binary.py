"""Two classes told apart: the curves of the second one, and whether its probabilities hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hpstudy.records import BinaryScore, Estimate
from hpstudy.report import style, texts
from hpstudy.report.document import Figure
from hpstudy.report.languages import say


def binary_figures(found: BinaryScore, auc: Estimate | None, average_precision: Estimate | None) -> Iterator[Figure]:
    """The ROC curve, precision against recall, and the reliability diagram of the ensemble."""
    yield Figure(
        title=say("ROC curve of {name}", name=found.name),
        caption=say(
            "How many rows of the class are found, by how many others are taken for it, at every threshold. The line "
            "is a network that knows nothing."
        )
        + _area(say("Area"), auc),
        svg=style.draw(lambda axes: _curve(axes, found.roc, say("false positive rate"), say("true positive rate"))),
    )
    share = sum(share * rows for _, share, rows in found.reliability) / sum(rows for *_, rows in found.reliability)
    yield Figure(
        title=say("Precision against recall of {name}", name=found.name),
        caption=say(
            "Of the rows taken for the class, the share that is in it, by how many of its rows are found. The line is "
            "the share of the class, {share}.",
            share=texts.number(share),
        )
        + _area(say("Average precision"), average_precision),
        svg=style.draw(lambda axes: _curve(axes, found.precision_recall, say("recall"), say("precision"), level=share)),
    )
    yield Figure(
        title=say("Reliability of the probability of {name}", name=found.name),
        caption=say(
            "Test rows by tenths of the predicted probability: the share that is in the class. On the line, "
            "probabilities hold. The larger a point, the more rows. Expected calibration error (Naeini et al. 2015) "
            "{error}: how far from the line a row is on average.",
            error=texts.number(found.calibration_error),
        ),
        svg=style.draw(lambda axes: _reliability(axes, found)),
    )


def _area(what: str, found: Estimate | None) -> str:
    if found is None:
        return ""
    ends = texts.range_text((found.low, found.high))
    return say(
        " {what} {value} (95 % interval {ends}; bootstrap, Efron 1979).",
        what=what,
        value=texts.number(found.value),
        ends=ends,
    )


def _curve(
    axes: Any, points: tuple[tuple[float, float], ...], x_name: str, y_name: str, level: float | None = None
) -> None:
    ends = ([0, 1], [0, 1] if level is None else [level, level])
    axes.plot(*ends, color=style._INK, linewidth=0.8)
    axes.plot(*zip(*points, strict=True), color=style.colour(0))
    axes.set(xlabel=x_name, ylabel=y_name, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def _reliability(axes: Any, found: BinaryScore) -> None:
    means, shares, rows = zip(*found.reliability, strict=True)
    sizes = [12 + 100 * count / max(rows) for count in rows]
    axes.plot([0, 1], [0, 1], color=style._INK, linewidth=0.8)
    axes.plot(means, shares, color=style.colour(0), linewidth=0.8)
    axes.scatter(means, shares, s=sizes, color=style.colour(0), linewidths=0)
    axes.set(
        xlabel=say("predicted probability"), ylabel=say("share of the class"), xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)
    )
