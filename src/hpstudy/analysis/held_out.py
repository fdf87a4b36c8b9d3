"""What the test split says about the chosen configuration, over its seeds."""

from __future__ import annotations

from hpstudy.analysis import statistics
from hpstudy.analysis.statistics import Interval
from hpstudy.records import Evaluation


def intervals(evaluation: Evaluation) -> tuple[Interval, Interval]:
    """The intervals over seeds of the test accuracy and of the validation accuracy."""
    bounds = statistics.bounds_of("accuracy")
    return statistics.interval(evaluation.accuracy, bounds), statistics.interval(evaluation.validation, bounds)
