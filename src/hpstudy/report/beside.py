"""Published figures in the report, each with ours beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hpstudy.analysis import statistics
from hpstudy.analysis.statistics import Interval
from hpstudy.records import Evaluation, TrialRecord, TrialState
from hpstudy.report import texts
from hpstudy.report.document import Number, Row, Section, Table
from hpstudy.study.designs import Grid
from hpstudy.study.published import TEST_ACCURACY, Published
from hpstudy.study.spec import Study

MOST_IN_FINDING = 4  # figures that the sentence names


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A published figure and what this study has of the same metric in the same cell."""

    published: Published
    ours: Interval | None  # over replicates; None: nothing yet
    one_more: tuple[float, float] | None  # where one more training of ours would lie; None: fewer than two replicates
    missing: str = ""  # why there is nothing of ours

    @property
    def difference(self) -> float | None:
        """Ours minus the published one."""
        return self.ours.mean - self.published.value if self.ours else None

    @property
    def difference_text(self) -> str:
        """As many decimals as scores have, however small it is."""
        if self.difference is None:
            return "–"
        return texts.signed(round(self.difference, 4) + 0.0 if abs(self.published.value) < 100 else self.difference)

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
    if isinstance(study.design, Grid):
        cells = study.cells()
        (cell,) = figure.cells([cell.params for cell in cells])
        if dict(evaluation.params) != dict(cells[cell].params):
            return [], "another configuration was chosen for the test split"
    return list(evaluation.accuracy), ""


def _trained(study: Study, figure: Published, records: Sequence[TrialRecord]) -> list[float]:
    (cell,) = figure.cells([cell.params for cell in study.cells()])
    complete = [record for record in records if record.cell == cell and record.state == TrialState.COMPLETE]
    values = [record.metrics.get(figure.metric, math.nan) for record in complete]
    return [value for value in values if math.isfinite(value)]


def published_finding(study: Study, found: Sequence[Beside]) -> str | None:
    """One sentence or two; None while there is nothing of ours."""
    known = [one for one in found if one.ours]
    if not known:
        return None
    listed = [
        f"{one.published.metric} {texts.number(one.published.value)}{_of(study, one.published)}, ours "
        f"{texts.number(one.ours.mean)} ({one.difference_text})"
        for one in known
        if one.ours
    ]
    decided = [one.is_within for one in known if one.is_within is not None]
    return f"Published: {'; '.join(listed[:MOST_IN_FINDING])}{_more(listed)}.{_verdict(decided)}"


def _of(study: Study, figure: Published) -> str:
    return f" of {texts.params(study.texts, figure.levels)}" if figure.levels else ""


def _more(listed: Sequence[str]) -> str:
    return f"; and {len(listed) - MOST_IN_FINDING} more" if len(listed) > MOST_IN_FINDING else ""


def _verdict(within: Sequence[bool]) -> str:
    if not within:
        return ""
    where = "where one more training of ours would (95 % prediction interval)"
    if len(within) == 1:
        return f" It lies {'' if within[0] else 'not '}{where}."
    if all(within):
        return f" {'Both' if len(within) == 2 else f'All {len(within)}'} lie {where}."
    return f" {sum(within)} of {len(within)} lie {where}."


def published_section(study: Study, found: Sequence[Beside]) -> Section:
    return Section(title="Published figures", tables=(_table(study, found),))


def _table(study: Study, found: Sequence[Beside]) -> Table:
    factors = [name for name in study.vary if any(name in one.published.levels for one in found)]
    return Table(
        title="Published figures and ours",
        columns=(
            *factors,
            "metric",
            "published",
            "ours, mean",
            "95 % interval",
            "n",
            "difference",
            "one more training",
            "within",
            "source",
        ),
        rows=tuple(_row(study, one, factors) for one in found),
        caption=(
            "Ours: the mean over n replicates, after the last epoch (with early stopping the best one), with its "
            "t-interval. The difference is ours minus published. A published figure is mostly one training, so it is "
            "compared with where one more training of ours would lie (95 % prediction interval, Hahn & Meeker 1991); "
            f"few replicates make that wide. {TEST_ACCURACY} is measured by `hpstudy evaluate`."
        ),
        spare=("95 % interval",),
    )


def _row(study: Study, one: Beside, factors: Sequence[str]) -> Row:
    figure, ours = one.published, one.ours
    levels = study.texts.row(factors, figure.levels)
    source = "; ".join(part for part in (figure.source, figure.note) if part)
    known: Row = (None, None, None, None, None, one.missing)
    if ours:
        known = (
            texts.sortable(ours.mean),
            texts.interval_text(ours),
            texts.count(ours.n),
            Number(value=one.difference or 0.0, text=one.difference_text),
            texts.range_text(one.one_more),
            {None: None, True: "yes", False: "no"}[one.is_within],
        )
    return (*levels, figure.metric, texts.sortable(figure.value), *known, source)


def published_json(found: Sequence[Beside]) -> list[dict[str, Any]]:
    return [
        {
            **one.published.to_json(),
            "ours": vars(one.ours) if one.ours else None,
            "difference": one.difference,
            "one_more": list(one.one_more) if one.one_more else None,
            "within": one.is_within,
            "missing": one.missing or None,
        }
        for one in found
    ]
