"""Studies on one dataset side by side, each with its best configuration, compared on common seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis import statistics
from hpstudy.analysis.analyse import Analysis, analyse
from hpstudy.analysis.statistics import Bounds, Difference, Interval
from hpstudy.errors import UserError
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A study with its best configuration."""

    analysis: Analysis
    params: Mapping[str, Level]  # of the best configuration
    by_seed: dict[int, float]  # seed → the objective
    digests: dict[int, str]  # seed → digest of the data that the trial saw
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
    """A study as an entrant; None if no trial is complete."""
    analysis = analyse(study, records)
    if analysis.grid and analysis.grid.cells:
        counted = analysis.grid.values.of_cell(analysis.grid.cells[0].number)
        best = [record for record in counted if record.state == TrialState.COMPLETE]
    else:
        best = list(analysis.search.complete[:1]) if analysis.search else []
    if not best:
        return None
    times = [record.metrics["train_s"] for record in best if "train_s" in record.metrics]
    return Entrant(
        analysis=analysis,
        params=best[0].params,
        by_seed={record.seed: record.value for record in best if record.value is not None},
        digests={record.seed: record.provenance.get("dataset_digest", "") for record in best},
        train_s=sum(times) / len(times) if times else None,
    )


def check_comparable(studies: Sequence[Study]) -> None:
    """Raises UserError unless all ask for the same metric on the same dataset."""
    for what, values in (
        ("dataset", [study.dataset for study in studies]),
        ("objective", [study.objectives[0].metric for study in studies]),
    ):
        if len(set(values)) > 1:
            told = "; ".join(f"{study.name} has {value}" for study, value in zip(studies, values, strict=True))
            raise UserError(f"Only studies with the same {what} can be compared: {told}.")


def best_first(entrants: Sequence[Entrant]) -> list[tuple[Entrant, Difference | None, float | None]]:
    """Each entrant with its difference to the best one, over the seeds that both have, and the p-value of that.

    The p-values are those of paired t-tests, corrected for the number of studies (Holm 1979). None: the best entrant
    itself, or one that shares no data with it.
    """
    objective = entrants[0].study.objectives[0]
    ordered = sorted(entrants, key=lambda one: -objective.score(one.mean.mean))
    differences = [None, *(_difference(one, ordered[0]) for one in ordered[1:])]
    p_values = statistics.holm([difference.p if difference else None for difference in differences])
    return list(zip(ordered, differences, p_values, strict=True))


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
