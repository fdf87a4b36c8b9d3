"""Studies on one dataset side by side: each with its best configuration, compared on common seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.analyse import Analysis, analyse
from hpstudy.analysis.statistics import Bounds, Difference, Interval
from hpstudy.errors import UserError
from hpstudy.records import TrialRecord, TrialState
from hpstudy.report import texts
from hpstudy.report.document import Number, Row, Table
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A study with its best configuration."""

    analysis: Analysis
    params: str  # of the best configuration
    by_seed: dict[int, float]  # seed → the objective
    digests: dict[int, str]  # seed → of the data that the trial saw
    train_s: float | None  # of one trial of the best configuration

    @property
    def study(self) -> Study:
        return self.analysis.study

    @property
    def mean(self) -> Interval:
        return statistics.interval(list(self.by_seed.values()), self.bounds)

    @property
    def bounds(self) -> Bounds:
        return statistics.bounds_of(self.study.objectives[0].metric)


def entrant(study: Study, records: Sequence[TrialRecord]) -> Entrant | None:
    """None if no trial is complete."""
    analysis = analyse(study, records)
    if analysis.grid and analysis.grid.cells:
        cell = analysis.grid.cells[0].number
        best = [record for record in records if record.cell == cell and record.state == TrialState.COMPLETE]
    else:
        best = list(analysis.search.complete[:1]) if analysis.search else []
    if not best:
        return None
    times = [record.metrics["train_s"] for record in best if "train_s" in record.metrics]
    return Entrant(
        analysis=analysis,
        params=texts.params(study.texts, best[0].params),
        by_seed={record.seed: record.value for record in best if record.value is not None},
        digests={record.seed: record.facts.get("dataset_digest", "") for record in best},
        train_s=sum(times) / len(times) if times else None,
    )


def check_comparable(studies: Sequence[Study]) -> None:
    """Raises UserError unless all ask for the same metric on the same dataset."""
    for what, values in (
        ("dataset", [study.dataset for study in studies]),
        ("objective", [study.objectives[0].metric for study in studies]),
    ):
        if len(set(values)) > 1:
            told = texts.listed([f"{study.name} has {value}" for study, value in zip(studies, values, strict=True)])
            raise UserError(f"Only studies with the same {what} can be compared: {told}.")


def comparison_table(entrants: Sequence[Entrant]) -> Table:
    """The best study first; differences are paired over the seeds that two studies have in common."""
    objective = entrants[0].study.objectives[0]
    ordered = sorted(entrants, key=lambda one: -objective.score(one.mean.mean))
    differences = [None, *(_difference(one, ordered[0]) for one in ordered[1:])]
    p_values = statistics.holm([difference.p if difference else None for difference in differences])
    rows = [_row(one, difference, p) for one, difference, p in zip(ordered, differences, p_values, strict=True)]
    return Table(
        title=f"{len(entrants)} studies on {entrants[0].study.dataset_info.title}, best first",
        columns=(
            "study",
            "best configuration",
            f"{objective.metric}",
            "95 % interval",
            "n",
            f"difference to {ordered[0].study.name}",
            "its 95 % interval",
            "p (Holm)",
            "training, s",
            "trials",
            "all training, s",
        ),
        rows=tuple(rows),
        caption=(
            "Of each study its best configuration, which was chosen by these numbers: all are a little optimistic, "
            "that of the study with the most trials the most. Differences and paired t-tests over the seeds that two "
            "studies have in common, where both saw the same data; p corrected for the number of studies."
        ),
    )


def _difference(one: Entrant, best: Entrant) -> Difference | None:
    common = one.by_seed.keys() & best.by_seed.keys()
    seeds = sorted(seed for seed in common if one.digests.get(seed) == best.digests.get(seed))
    if not seeds:
        return None
    return statistics.paired_difference(
        np.array([one.by_seed[seed] for seed in seeds]),
        np.array([best.by_seed[seed] for seed in seeds]),
        one.bounds,
    )


def _row(one: Entrant, difference: Difference | None, p: float | None) -> Row:
    gap = difference.interval if difference else None
    return (
        one.study.name,
        one.params,
        texts.sortable(one.mean.mean),
        texts.interval_text(one.mean),
        texts.count(one.mean.n),
        Number(value=gap.mean, text=texts.signed(gap.mean)) if gap else None,
        texts.interval_text(gap, sign=True) if gap else None,
        texts.p_number(p),
        texts.sortable(one.train_s, 1),
        texts.count(one.analysis.overview.ended),
        texts.sortable(one.analysis.overview.train_s, 1),
    )
