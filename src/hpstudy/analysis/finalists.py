"""The finalists of a search: what their fresh seeds say, and how lucky the scores were that made them finalists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.ranking import practical_of
from hpstudy.analysis.standings import Standings, standings
from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.spec import Study


@dataclass(frozen=True, kw_only=True)
class Finalists:
    """Confirmed configurations of a search, the best mean first."""

    origins: tuple[TrialRecord, ...]  # the trials that made them finalists
    standings: Standings  # of their confirmations, in the same order
    optimism: float  # how much better the finalists' own scores were than their confirmations, mean


def confirmed_finalists(study: Study, records: Sequence[TrialRecord]) -> Finalists | None:
    """None while nothing is confirmed, and for designs without finalists."""
    if study.design.has_cells or not study.design.confirms or len(study.objectives) > 1:
        return None
    sign, origins = study.objectives[0].sign, dict[int, int]()
    complete = [record for record in records if record.state == TrialState.COMPLETE and record.value is not None]
    confirmations = [record for record in complete if record.confirms is not None]
    for record in confirmations:
        origins.setdefault(int(record.confirms or 0), len(origins))
    found = {record.number: record for record in complete if record.number in origins}
    if not confirmations or len(found) < len(origins):
        return None
    scores = np.full((len(origins), max(record.replicate for record in confirmations) + 1), math.nan)
    for record in confirmations:
        scores[origins[int(record.confirms or 0)], record.replicate] = sign * float(record.value or 0.0)
    assessed = standings(scores, practical_of(study, sign * scores), new_data_ratio=study.validation_ratio)
    numbers = list(origins)
    first = np.array([sign * float(found[number].value or 0.0) for number in numbers])
    return Finalists(
        origins=tuple(found[numbers[place]] for place in assessed.order),
        standings=assessed.sorted(),
        optimism=float((first - assessed.means).mean()),
    )
