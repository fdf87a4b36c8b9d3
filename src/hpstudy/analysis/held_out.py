"""What the test split says about the chosen configuration, over its seeds."""

from __future__ import annotations

from hpstudy.analysis import statistics
from hpstudy.analysis.statistics import Interval
from hpstudy.records import Evaluation


def intervals(evaluation: Evaluation) -> tuple[Interval, Interval]:
    """The intervals over seeds of the test scores and of the validation scores."""
    bounds = statistics.bounds_of(evaluation.metric)
    return statistics.interval(evaluation.test, bounds), statistics.interval(evaluation.validation, bounds)
