"""Studies side by side, as a table; `analysis.comparison` computes it."""

from __future__ import annotations

from collections.abc import Sequence

from hpstudy.analysis.comparison import Entrant, best_first
from hpstudy.analysis.statistics import Difference
from hpstudy.report import texts
from hpstudy.report.document import Number, Row, Table
from hpstudy.report.languages import say


def comparison_table(entrants: Sequence[Entrant]) -> Table:
    """The table, best study first; differences are paired over the seeds that two studies have in common."""
    ordered = best_first(entrants)
    best = ordered[0][0].study
    return Table(
        title=say("{number} studies on {dataset}, best first", number=len(entrants), dataset=best.dataset_info.title),
        columns=(
            "study",
            "best configuration",
            best.objectives[0].metric,
            "95 % interval",
            "n",
            say("difference to {reference}", reference=best.name),
            "its 95 % interval",
            "p (Holm)",
            "training, s",
            "trials",
            "all training, s",
        ),
        rows=tuple(_row(*entry) for entry in ordered),
        caption=(
            "The best configuration of each study. It was chosen by these numbers, so all are a little optimistic, "
            "above all that of the study with most trials. Differences and paired t-tests over the seeds that two "
            "studies have in common, where both saw the same data; p corrected for the number of studies."
        ),
    )


def _row(one: Entrant, difference: Difference | None, p: float | None) -> Row:
    gap = difference.interval if difference else None
    return (
        one.study.name,
        texts.params(one.study.texts, one.params),
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
