"""Published figures in the report, in words and as a table; `analysis.beside` computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpstudy.analysis.beside import Beside
from hpstudy.report import texts
from hpstudy.report.document import Number, Row, Section, Table
from hpstudy.report.languages import say, word
from hpstudy.study.published import TEST_ACCURACY, Published
from hpstudy.study.spec import Study

MOST_IN_FINDING = 4  # figures that the sentence names


def published_finding(study: Study, found: Sequence[Beside]) -> str | None:
    """One sentence or two; None while we have no values."""
    known = [one for one in found if one.ours]
    if not known:
        return None
    listed = [
        say(
            "{metric} {value}{of}, ours {ours} ({difference})",
            metric=one.published.metric,
            value=texts.number(one.published.value),
            of=_of(study, one.published),
            ours=texts.number(one.ours.mean),
            difference=difference_text(one),
        )
        for one in known
        if one.ours
    ]
    decided = [one.is_within for one in known if one.is_within is not None]
    named = "; ".join(listed[:MOST_IN_FINDING])
    return say("Published: {figures}{more}.", figures=named, more=_more(listed)) + _verdict(decided)


def difference_text(one: Beside) -> str:
    """The difference with as many decimals as scores have, however small it is."""
    if one.difference is None:
        return "–"
    return texts.signed(round(one.difference, 4) + 0.0 if abs(one.published.value) < 100 else one.difference)


def _of(study: Study, figure: Published) -> str:
    return say(" of {levels}", levels=texts.params(study.texts, figure.levels)) if figure.levels else ""


def _more(listed: Sequence[str]) -> str:
    more = len(listed) - MOST_IN_FINDING
    return say("; and {number} more", number=more) if more > 0 else ""


def _verdict(within: Sequence[bool]) -> str:
    if not within:
        return ""
    if within == [True]:
        return say(" It lies where one more training of ours would (95 % prediction interval).")
    if within == [False]:
        return say(" It lies not where one more training of ours would (95 % prediction interval).")
    if all(within):
        every = say("Both") if len(within) == 2 else say("All {number}", number=len(within))
    else:
        every = say("{number} of {all}", number=sum(within), all=len(within))
    return say(" {figures} lie where one more training of ours would (95 % prediction interval).", figures=every)


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
        caption=say(
            "Ours: the mean over n replicates, after the last epoch (with early stopping the best one), with its "
            "t-interval. The difference is ours minus published. Most published figures are one training, so each is "
            "compared with where one more training of ours would lie (95 % prediction interval, Hahn & Meeker 1991); "
            "few replicates make that wide. {metric} is measured by {command}.",
            metric=TEST_ACCURACY,
            command="`hpstudy evaluate`",
        ),
        spare=("95 % interval",),
    )


def _row(study: Study, one: Beside, factors: Sequence[str]) -> Row:
    figure, ours = one.published, one.ours
    levels = study.texts.row(factors, figure.levels)
    source = "; ".join(part for part in (figure.source, figure.note) if part)
    known: Row = (None, None, None, None, None, word(one.missing))
    if ours:
        known = (
            texts.sortable(ours.mean),
            texts.interval_text(ours),
            texts.count(ours.n),
            Number(value=one.difference or 0.0, text=difference_text(one)),
            texts.range_text(one.one_more),
            {None: None, True: say("yes"), False: say("no")}[one.is_within],
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
