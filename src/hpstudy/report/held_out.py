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
    sure = say(" (one seed)")
    if interval:
        sure = say(" (95 % interval over {seeds} seeds {interval})", seeds=test.n, interval=interval)
    mean = say(
        "On the {rows} rows of the test split, {name} reaches {metric} {value}{sure}, {difference} against its "
        "validation.",
        rows=f"{evaluation.rows:,}",
        name=texts.params(written, evaluation.params),
        metric=word(WORDS[evaluation.metric]),
        value=texts.number(test.mean),
        sure=sure,
        difference=texts.signed(test.mean - validation.mean),
    )
    together = say(
        "{networks} {value} (95 % interval {low} to {high}).",
        networks=say("The networks together reach") if test.n > 1 else say("This network reaches"),
        value=texts.number(ensemble.value),
        low=texts.number(ensemble.low),
        high=texts.number(ensemble.high),
    )
    return f"{mean} {together}{_age(written, evaluation, since, study)}{_wear(times_scored)}"


def _age(written: LevelTexts, evaluation: Evaluation, since: Sequence[TrialRecord], study: str) -> str:
    if not since:
        return ""
    return say(
        " This score is older than the choice: it is of {noun} {seeds}, and now {name} is chosen with {now}. {command} "
        "scores that.",
        noun=word("seed") if len(evaluation.seeds) == 1 else word("seeds"),
        seeds=texts.shortened([str(seed) for seed in evaluation.seeds]),
        name=texts.params(written, since[0].params) if since[0].params != evaluation.params else say("it"),
        now=texts.counted(len(since), "seed"),
        command=f"`hpstudy evaluate {study} --again`",
    )


def _wear(times_scored: int) -> str:
    if times_scored < 2:
        return ""
    return say(
        " Studies in this database have scored the test split of this dataset {times} times: the more often, the less "
        "it says of new data.",
        times=times_scored,
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
        (say("seed {seed}", seed=seed), texts.sortable(validation), texts.sortable(test), None)
        for seed, validation, test in zip(evaluation.seeds, evaluation.validation, evaluation.test, strict=True)
    ]
    test, validation = intervals(evaluation)
    mean = (texts.sortable(validation.mean), texts.sortable(test.mean), texts.interval_text(test))
    rows.append((say("mean"), *mean))
    over_rows = texts.range_text((ensemble.low, ensemble.high))
    rows.append((say("ensemble"), None, texts.sortable(ensemble.value), over_rows))
    for name, found in _without_network(baselines):
        held_out = texts.sortable(found[f"test_{metric}"])
        rows.append((word(name), texts.sortable(found[f"val_{metric}"]), held_out, None))
    averaged, source = say("probabilities"), "Wilson 1927"
    if evaluation.regression:
        averaged, source = say("numbers"), "bootstrap, Efron 1979"
    return Table(
        title=say("{metric} of the chosen configuration", metric=_capital(word(WORDS[metric]))),
        columns=("network", "validation", "test", "95 % interval of the test"),
        rows=tuple(rows),
        caption=say(
            "Chosen by validation ({metric}), then scored once on {rows} test rows. The mean's interval is over seeds "
            "(Student 1908): how much trainings differ. The ensemble averages the {averaged}; its interval is over "
            "rows ({source}): how much another test split would differ.",
            metric=evaluation.chosen_by,
            rows=f"{evaluation.rows:,}",
            averaged=averaged,
            source=source,
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
        columns=(say("true class"), *names),
        rows=tuple(
            (name, *(texts.count(count) for count in row))
            for name, row in zip(names, evaluation.confusion, strict=True)
        ),
        caption="Test rows by their true class (rows) and the class that the ensemble predicted (columns). "
        "The stronger the colour, the larger the share of its row.",
        is_short=False,
        is_shaded=True,
    )
