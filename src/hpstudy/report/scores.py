"""All metrics of the chosen configuration on the test split, and the rows that every network gets wrong."""

from __future__ import annotations

from hpstudy.records import Baselines, Evaluation
from hpstudy.report import texts
from hpstudy.report.baselines import CONSTANT, WORDS
from hpstudy.report.document import Number, Row, Table
from hpstudy.report.languages import say, word


def metrics_table(evaluation: Evaluation, baselines: Baselines | None) -> Table:
    """Every metric of the ensemble with its interval, beside the constant predictor."""
    constant = baselines.constant if baselines else {}
    rows: list[Row] = []
    estimates = evaluation.estimates
    for name, found in ((name, estimates[name]) for name in WORDS if name in estimates):
        by = "Wilson 1927" if name == "accuracy" else "bootstrap, Efron 1979"
        ends = texts.range_text((found.low, found.high))
        rows.append((word(WORDS[name]), texts.exact(found.value), ends, by, texts.exact(constant.get(f"test_{name}"))))
    return Table(
        title="Metrics of the ensemble",
        columns=(say("metric"), say("value"), say("95 % interval"), say("interval by"), word(CONSTANT)),
        rows=tuple(rows),
        caption="On the test rows; intervals are over rows. A network that is no better than the constant predictor "
        "has learned nothing.",
        spare=(say("interval by"),),
    )


def hardest_table(evaluation: Evaluation) -> Table:
    """The rows that every network gets wrong, the worst first."""
    regression = evaluation.regression
    measure = say("standard deviations") if regression else say("probability of actual")
    several = bool(regression and len(regression.targets) > 1)
    rows: list[Row] = []
    for one in evaluation.hardest:
        target = (regression.targets[one.target].name,) if regression and several else ()
        rows.append(
            (texts.count(one.row), *target, _told(one.actual), _told(one.predicted), texts.sortable(one.measure))
        )
    wrong = say(
        "All networks agree in the direction of the error; standard deviations are of the smallest of their errors."
    )
    if not regression:
        rows_wrong = texts.counted(evaluation.wrong_by_all or 0, "test row")
        wrong = say("{rows} that every network takes for another class.", rows=rows_wrong)
    return Table(
        title="Largest errors",
        columns=(say("row"), *((say("target"),) if several else ()), say("actual"), say("predicted"), measure),
        rows=tuple(rows),
        caption=wrong
        + say(
            " Rows have the numbers of their file, from 1, without its header; of a dataset with a test file, of that. "
            "Look at them: they are often wrong labels."
        ),
        most_short=5,
    )


def _told(value: str | float) -> str | Number | None:
    return value if isinstance(value, str) else texts.sortable(value)
