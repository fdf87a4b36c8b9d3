"""What the chosen networks score on the test split by every metric, how sure that is, and which rows all get wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from factories import make_grid_records, make_study
from hpstudy import Table, data
from hpstudy.data.class_metrics import class_metrics
from hpstudy.data.kind import kind_of
from hpstudy.data.parts import read_test
from hpstudy.evaluation.bootstrap import class_intervals
from hpstudy.evaluation.evaluate import scores
from hpstudy.evaluation.hardest import hardest_rows
from hpstudy.records import Baselines, Evaluation
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render
from hpstudy.settings import Settings


def predicted(rows: int, classes: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Probabilities that often are right, some of them equal, and class numbers."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows).astype(np.int32)
    given = rng.dirichlet(np.ones(classes), rows).round(2) + 0.7 * np.eye(classes)[labels] * (
        rng.random((rows, 1)) < 0.6
    )
    return given / given.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("classes", [2, 3])
def test_intervals_are_percentiles_of_the_metrics_of_drawn_rows(classes: int) -> None:
    given, labels = predicted(200, classes)
    rng = np.random.default_rng(1)
    drawn = [class_metrics(given[rows], labels[rows]) for rows in rng.integers(0, 200, (2000, 200))]
    found = class_intervals(given, labels)
    assert found.keys() == drawn[0].keys()
    for name, ends in found.items():
        expected = np.percentile([one[name] for one in drawn], (2.5, 97.5))
        assert ends == pytest.approx(expected, abs=0.15 * (expected[1] - expected[0])), name
        assert ends[0] < class_metrics(given, labels)[name] < ends[1]


def test_intervals_of_many_rows_take_seconds_and_those_of_a_single_class_exist() -> None:
    given, labels = predicted(10_000, 10)
    assert class_intervals(given, labels)["auc"][0] > 0.5
    few = class_intervals(given[:5, :2], np.zeros(5, np.int32))
    assert few.keys() == {"balanced_accuracy", "f1", "log_loss", "brier"}


def test_two_classes_have_curves_and_a_calibration_error() -> None:
    given = np.array([[0.9, 0.1], [0.85, 0.15], [0.2, 0.8], [0.3, 0.7]])
    found = scores(given[None], np.array([0, 1, 1, 1]), ("no", "yes"))["binary"]
    assert found["name"] == "yes"
    assert found["reliability"] == [[pytest.approx(0.125), 0.5, 2], [pytest.approx(0.7), 1.0, 1], [0.8, 1.0, 1]]
    assert found["calibration_error"] == pytest.approx((2 * 0.375 + 0.3 + 0.2) / 4)
    assert found["roc"][0] == [0, 0]
    assert found["roc"][-1] == [1, 1]
    x, y = np.array(found["roc"]).T
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score([0, 1, 1, 1], given[:, 1]))
    assert "binary" not in scores(given[None], np.array([1, 1, 1, 1]), ("no", "yes"))
    assert "binary" not in scores(predicted(9, 3)[0][None], predicted(9, 3)[1], ("a", "b", "c"))


def test_rows_that_every_network_gets_wrong_are_named_the_surest_error_first() -> None:
    first = [[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9]]
    second = [[0.8, 0.2], [0.6, 0.4], [0.4, 0.6], [0.3, 0.7]]
    found = hardest_rows(np.array([first, second]), np.array([1, 0, 0, 1]), np.array([7, 3, 9, 4]), ("a", "b"))
    assert found["wrong_by_all"] == 2
    assert [(one["row"], one["actual"], one["predicted"]) for one in found["hardest"]] == [(7, "b", "a"), (9, "a", "b")]
    assert found["hardest"][0]["measure"] == pytest.approx(0.15)


def test_the_largest_errors_of_numbers_are_those_in_which_all_networks_agree() -> None:
    truth = np.array([0.0, 10.0, 20.0])
    predictions = np.array([[5.0, 4.0, 29.0], [9.0, 16.0, 26.0]])[:, :, None]
    found = hardest_rows(predictions, truth, np.array([1, 2, 3]), ())
    assert [(one["row"], one["actual"], one["predicted"]) for one in found["hardest"]] == [(3, 20, 27.5), (1, 0, 7)]
    assert found["hardest"][0]["measure"] == pytest.approx(6 / truth.std())


@pytest.mark.parametrize("ending", ["", "later.csv"])
def test_a_test_row_of_a_table_has_its_number_in_the_file(ending: str, tmp_path: Path, settings: Settings) -> None:
    labels = np.array(["x", "", "y", "x", "y"] * 20)
    frame = pd.DataFrame({"a": np.arange(100.0), "label": labels})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.iloc[50:].to_csv(tmp_path / "later.csv", index=False)
    table = Table("t.csv", target="label", folder=tmp_path, drop_missing_target=True, numeric="a", test=ending or None)
    table = data.resolved(table, settings)
    test = data.prepare_test(table, {}, 42, settings)
    numbers = data.test_row_numbers(table, {}, len(test.y), settings)
    assert (test.x[:, 0] == numbers - 1 + (50 if ending else 0)).all()


def test_test_rows_of_a_built_in_dataset_have_their_numbers_in_the_whole_of_it(settings: Settings) -> None:
    test = data.prepare_test("wine", {}, 42, settings)
    numbers = data.test_row_numbers("wine", {}, len(test.y), settings)
    source = data.fetch("wine", settings)
    assert (kind_of("wine", {}).read(source, test=False).rows[numbers - 1] == test.x).all()
    assert len(read_test(kind_of("wine", {}), source).labels) == len(numbers)


def make_binary_evaluation() -> Evaluation:
    given, labels = predicted(80, 2)
    fields = {
        "params": {"optimizer": "adam", "learning_rate": 0.001},
        "trials": [0, 1],
        "seeds": [42, 43],
        "chosen_by": "mean over replicates",
        "at": 0.0,
        "digest": "d",
        "validation": [0.8, 0.8],
    }
    found = scores(np.array([given, given]), labels, ("no", "yes"))
    hardest = hardest_rows(np.array([given, given]), labels, np.arange(80), ("no", "yes"))
    return Evaluation.from_json({**fields, **found, **hardest})


def test_the_report_shows_every_metric_with_its_interval_and_the_constant_predictor() -> None:
    evaluation = make_binary_evaluation()
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
    study = make_study(objective="val_auc")
    constant = {"test_auc": 0.5, "val_auc": 0.5, "test_accuracy": 0.55, "val_accuracy": 0.55}
    simple = Baselines(
        constant=constant, logistic={}, loss="cross_entropy", seeds=(42,), fitted_rows=9, train_rows=9, at=0.0
    )
    report = build_report(study, make_grid_records(study), evaluation=evaluation, baselines=simple)
    (section,) = [section for section in report.sections if section.title == "Test split"]
    (table,) = [table for table in section.tables if table.title == "Metrics of the ensemble"]
    auc = next(row for row in table.rows if row[0] == "area under the ROC curve")
    assert [str(cell) for cell in auc[1:2] + auc[3:]] == [
        f"{evaluation.metrics['auc'].value:.4f}", "bootstrap, Efron 1979", "0.5000",
    ]  # fmt: skip
    assert len(table.rows) == 7
    assert [figure.title for figure in section.figures] == [
        "ROC curve of yes",
        "Precision against recall of yes",
        "Reliability of the probability of yes",
    ]
    assert any("Test split: area under the ROC curve" in line for line in report.findings)
    assert "test rows that every network takes for another class" in render(report, "html")
