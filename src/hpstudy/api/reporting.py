"""The report on a recorded study, with all that the database knows beside its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hpstudy.records import Looks, TrialRecord, TrialState

if TYPE_CHECKING:
    from hpstudy.report.whole import Report
    from hpstudy.settings import Settings
    from hpstudy.storage import Store, StudyQueue


def report_on(
    settings: Settings, store: Store, queue: StudyQueue, *, baseline: Sequence[str] = (), figures: bool = True
) -> Report:
    """As far as the study is.

    Args:
        baseline, figures: As `build_report` takes them.

    Raises:
        UserError: a baseline is no level of the study.
    """
    from hpstudy.report.build import build_report

    study, records, baselines = queue.study, queue.trials.records(), queue.entry.baselines()
    evaluation = queue.entry.evaluation()
    return build_report(
        study,
        records,
        baseline=baseline,
        evaluation=evaluation,
        baselines=baselines or _constant(settings, queue, records),
        figures=figures,
        closed=queue.entry.is_closed,
        looks=Looks(
            extensions=queue.entry.extensions(),
            at_test_split=store.times_scored(study.dataset) if evaluation else 0,
        ),
    )


def _constant(settings: Settings, queue: StudyQueue, records: Sequence[TrialRecord]) -> Mapping[str, float] | None:
    """The scores that trials count with which an earlier version recorded as failed because they diverged."""
    from hpstudy.analysis.divergence import diverged_epoch

    if not any(record.state == TrialState.FAILED and diverged_epoch(record) for record in records):
        return None
    from hpstudy.evaluation.baselines import find_constant

    return find_constant(queue.study, settings)
