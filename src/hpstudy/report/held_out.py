"""The test split in the report, from what `hpstudy evaluate` has stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hpstudy.analysis.held_out import intervals
from hpstudy.records import Baselines, Evaluation, TrialRecord
from hpstudy.report import texts
from hpstudy.report.baselines import CONSTANT, WORDS, linear_name
from hpstudy.report.binary import binary_figures
from hpstudy.report.document import Figure, Row, Section, Table
from hpstudy.report.languages import say, word
from hpstudy.report.regression import errors_table, regression_figures
from hpstudy.report.scores import hardest_table, metrics_table
from hpstudy.study.levels import LevelTexts


def held_out_finding(
    written: LevelTexts,
    evaluation: Evaluation,
    since: Sequence[TrialRecord] = (),
    *,
    study: str = "",
    times_scored: int = 0,
) -> str:
    """The scores, of what they are, and what they are worth.

    Args:
        since: The trials that were chosen since; empty while the scores are of the choice.
        study: Its name.
        times_scored: How often the test split of this dataset was scored.
    """
    test, validation = intervals(evaluation)
    ensemble = evaluation.together
    interval = texts.interval_text(test)
    sure = f" (95 % interval over {test.n} seeds {interval})" if interval else " (one seed)"
    together = "The networks together reach" if test.n > 1 else "This network reaches"
    where = texts.params(written, evaluation.params)
    return (
        f"On the {evaluation.rows:,} rows of the test split, {where} reaches {WORDS[evaluation.metric]} "
        f"{texts.number(test.mean)}{sure}, {texts.signed(test.mean - validation.mean)} against its validation. "
        f"{together} {texts.number(ensemble.value)} "
        f"(95 % interval {texts.number(ensemble.low)} to {texts.number(ensemble.high)})."
        f"{_age(written, evaluation, since, study)}{_wear(times_scored)}"
    )


def _age(written: LevelTexts, evaluation: Evaluation, since: Sequence[TrialRecord], study: str) -> str:
    if not since:
        return ""
    seeds = texts.shortened([str(seed) for seed in evaluation.seeds])
    now = [record.seed for record in since]
    chosen = texts.params(written, since[0].params) if since[0].params != evaluation.params else "it"
    return (
        f" This score is older than the choice: it is of {'seed' if len(evaluation.seeds) == 1 else 'seeds'} {seeds}, "
        f"and now {chosen} is chosen with {texts.counted(len(now), 'seed')}. "
        f"`hpstudy evaluate {study} --again` scores that."
    )


def _wear(times_scored: int) -> str:
    if times_scored < 2:
        return ""
    return (
        f" Studies in this database have scored the test split of this dataset {times_scored} times: the more often, "
        "the less it says of new data."
    )


def held_out_line(evaluation: Evaluation, since: Sequence[TrialRecord], objective: str = "") -> str:
    """The same in a line: what the networks that were scored reach together, by the objective if it is a score."""
    name = objective.removeprefix("val_")
    metric = name if name in evaluation.estimates else evaluation.metric
    found = evaluation.estimates[metric]
    return say(
        "Test split: {metric} {value} ({low} to {high}; {rows} rows{of}).",
        metric=word(WORDS[metric]),
        value=texts.number(found.value),
        low=texts.number(found.low),
        high=texts.number(found.high),
        rows=f"{evaluation.rows:,}",
        of=say(", of an earlier choice") if since else "",
    )


def held_out_section(evaluation: Evaluation, baselines: Baselines | None = None, *, figures: bool = False) -> Section:
    """The scores of the networks, and where they are wrong.

    Args:
        figures: Draw the figures.
    """
    tables = [_scores(evaluation, baselines)]
    if len(evaluation.estimates) > 1:  # earlier versions stored one
        tables.append(metrics_table(evaluation, baselines))
    if evaluation.regression:
        tables.append(errors_table(evaluation.regression))
    else:
        tables += [_classes(evaluation), _confusion(evaluation)]
    if evaluation.hardest:
        tables.append(hardest_table(evaluation))
    return Section(title="Test split", tables=tuple(tables), figures=_figures(evaluation) if figures else ())


def _figures(evaluation: Evaluation) -> tuple[Figure, ...]:
    if evaluation.regression:
        return regression_figures(evaluation.regression)
    if evaluation.binary is None:
        return ()
    found = evaluation.estimates
    return tuple(binary_figures(evaluation.binary, found.get("auc"), found.get("average_precision")))


def _scores(evaluation: Evaluation, baselines: Baselines | None) -> Table:
    ensemble, metric = evaluation.together, evaluation.metric
    rows: list[Row] = [
        (f"seed {seed}", texts.sortable(validation, 4), texts.sortable(test, 4), None)
        for seed, validation, test in zip(evaluation.seeds, evaluation.validation, evaluation.test, strict=True)
    ]
    test, validation = intervals(evaluation)
    rows.append(("mean", texts.sortable(validation.mean, 4), texts.sortable(test.mean, 4), texts.interval_text(test)))
    over_rows = f"{texts.number(ensemble.low)} to {texts.number(ensemble.high)}"
    rows.append(("ensemble", None, texts.sortable(ensemble.value, 4), over_rows))
    for name, found in _without_network(baselines):
        held_out = texts.sortable(found[f"test_{metric}"], 4)
        rows.append((name, texts.sortable(found[f"val_{metric}"], 4), held_out, None))
    averaged, source = ("probabilities", "Wilson 1927")
    if evaluation.regression:
        averaged, source = ("numbers", "bootstrap, Efron 1979")
    return Table(
        title=f"{_capital(WORDS[metric])} of the chosen configuration",
        columns=("network", "validation", "test", "95 % interval of the test"),
        rows=tuple(rows),
        caption=(
            f"Chosen by validation ({evaluation.chosen_by}), then scored once on {evaluation.rows:,} test rows. "
            "The mean's interval is over seeds (Student 1908): how much trainings differ. The ensemble averages the "
            f"{averaged}; its interval is over rows ({source}): how much another test split would differ."
        ),
    )


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]


def _without_network(baselines: Baselines | None) -> Iterator[tuple[str, Mapping[str, float]]]:
    if baselines:
        named = ((linear_name(baselines), baselines.linear), (CONSTANT, baselines.constant))
        yield from ((name, scores) for name, scores in named if scores.keys() & {"test_accuracy", "test_rmse"})


def _classes(evaluation: Evaluation) -> Table:
    return Table(
        title="By class",
        columns=("class", "precision", "recall", "F1", "test rows"),
        rows=tuple(
            (
                one.name,
                texts.sortable(one.precision, 3),
                texts.sortable(one.recall, 3),
                texts.sortable(one.f1, 3),
                texts.count(one.rows),
            )
            for one in evaluation.by_class
        ),
        caption="Scores of the ensemble, by scikit-learn. Precision: of the rows predicted as this class, the "
        "share that is in it. Recall: of the rows in it, the share predicted as it. F1: their harmonic mean.",
    )


def _confusion(evaluation: Evaluation) -> Table:
    names = [one.name for one in evaluation.by_class]
    return Table(
        title="Confusion matrix",
        columns=("true class", *(f"predicted {name}" for name in names)),
        rows=tuple(
            (name, *(texts.count(count) for count in row))
            for name, row in zip(names, evaluation.confusion, strict=True)
        ),
        caption="Test rows by their true class (rows) and the class that the ensemble predicted (columns). "
        "The stronger the colour, the larger the share of its row.",
        is_short=False,
        is_shaded=True,
    )
