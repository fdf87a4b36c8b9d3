"""Published figures, each compared with ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hpstudy.analysis import statistics
from hpstudy.analysis.statistics import Interval
from hpstudy.records import Evaluation, TrialRecord, TrialState
from hpstudy.study.published import TEST_ACCURACY, Published
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A published figure, and this study's values of the same metric in the same cell."""

    published: Published
    ours: Interval | None  # over replicates; None: no values yet
    one_more: tuple[float, float] | None  # where one more training of ours would lie; None: fewer than two replicates
    missing: str = ""  # why we have no values

    @property
    def difference(self) -> float | None:
        """Ours minus the published one."""
        return self.ours.mean - self.published.value if self.ours else None

    @property
    def is_within(self) -> bool | None:
        """Whether the published value lies where one more training of ours would."""
        if self.one_more is None:
            return None
        low, high = self.one_more
        return low <= self.published.value <= high


def published_beside(
    study: Study, records: Sequence[TrialRecord], evaluation: Evaluation | None = None
) -> list[Beside]:
    """Every published figure of the study, in the order of the declaration."""
    return [_beside(study, figure, records, evaluation) for figure in study.published]


def _beside(study: Study, figure: Published, records: Sequence[TrialRecord], evaluation: Evaluation | None) -> Beside:
    if figure.metric == TEST_ACCURACY:
        values, missing = _tested(study, figure, evaluation)
    else:
        values, missing = _trained(study, figure, records), "no complete trial"
    if not values:
        return Beside(published=figure, ours=None, one_more=None, missing=missing)
    bounds = statistics.bounds_of(figure.metric)
    return Beside(
        published=figure,
        ours=statistics.interval(values, bounds),
        one_more=statistics.prediction_interval(values, bounds),
    )


def _tested(study: Study, figure: Published, evaluation: Evaluation | None) -> tuple[list[float], str]:
    if evaluation is None:
        return [], f"see `hpstudy evaluate {study.name}`"
    if study.design.has_cells:
        cells = study.cells()
        (cell,) = figure.cells([cell.params for cell in cells])
        if dict(evaluation.params) != dict(cells[cell].params):
            return [], "a different configuration was chosen for the test split"
    return list(evaluation.accuracy), ""


def _trained(study: Study, figure: Published, records: Sequence[TrialRecord]) -> list[float]:
    (cell,) = figure.cells([cell.params for cell in study.cells()])
    counted = (record for record in records if record.cell == cell and record.role != "search")
    complete = [record for record in counted if record.state == TrialState.COMPLETE]
    values = [record.metrics.get(figure.metric, math.nan) for record in complete]
    return [value for value in values if math.isfinite(value)]
