"""A number is predicted: what a study may say, its splits, its scores in the target's own unit, and what is served."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from factories import make_record, make_study
from hpstudy import Choice, Grid, Objective, Table, data
from hpstudy.analysis.analyse import analyse
from hpstudy.data.arrays import Standardization
from hpstudy.data.kinds import columns, numbers
from hpstudy.data.regression_metrics import regression_metrics
from hpstudy.errors import UserError
from hpstudy.evaluation.baselines import find_baselines
from hpstudy.evaluation.evaluate import NETWORKS, answer_folder, evaluate, judge, scores
from hpstudy.records import Baselines, Evaluation, TrialRecord
from hpstudy.report.build import build_report
from hpstudy.report.render.files import render
from hpstudy.serving.hpstudy_model import Ensemble
from hpstudy.settings import Settings
from hpstudy.study.spec import Study
from hpstudy.tracking.mlflow.packaging import interval_texts, key_figures
from hpstudy.training.trainer import Trainer


def make_regression(**changes: Any) -> Study:
    values: dict[str, Any] = {"vary": {"loss": Choice("mse", "mae")}, "base": {"units": 8, "epochs": 2}}
    return make_study(**{"dataset": "diabetes", "design": Grid(replicates=2), **values, **changes})


def make_trained(study: Study) -> list[TrialRecord]:
    """A complete trial of every cell × replicate; the mean absolute error is the better loss."""
    return [
        make_record(
            2 * cell.number + r, params=cell.params, cell=cell.number, replicate=r, seed=42 + r, value=60 - cell.number
        )
        for cell in study.cells()
        for r in range(2)
    ]


def test_the_objective_and_the_loss_of_a_regression_are_those_of_numbers_by_default() -> None:
    study = make_regression(vary={})
    assert study.objectives == (Objective("val_rmse", "minimize"),)
    assert study.config({})["loss"] == "mse"
    assert Study.from_json(study.to_json()) == study
    assert make_study().objectives == (Objective("val_accuracy"),)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(dataset="diabetes", objective="val_accuracy", vary={}), "val_accuracy does not exist for Diabetes"),
        (dict(objective="val_r2"), "val_r2 does not exist for scikit-learn digits, whose task is classification"),
        (
            dict(dataset="diabetes", base={"loss": "cross_entropy"}),
            "where a number is predicted. Legal: mse, mae, huber",
        ),
        (dict(base={"loss": "huber"}), "where a class is predicted. Legal: cross_entropy, mse"),
    ],
)
def test_what_belongs_to_the_other_task_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_study(**changes)


def test_the_parts_have_the_same_shares_of_small_and_large_targets(settings: Settings) -> None:
    bunch = load_diabetes(scaled=False)
    arrays, test = data.prepare("diabetes", {}, 42, settings), data.prepare_test("diabetes", {}, 42, settings)
    assert sorted([*arrays.y, *test.y]) == sorted(bunch.target)
    assert arrays.y.dtype == np.float32
    for part in (arrays.y[arrays.train], arrays.y[arrays.validation], test.y):
        for share in (0.1, 0.5, 0.9):
            assert np.mean(part <= np.quantile(bunch.target, share)) == pytest.approx(share, abs=0.04)
    few = data.prepare("diabetes", {"train_rows": 7}, 42, settings)
    assert len(few.train) == 7
    assert set(few.train) < set(arrays.train)


def test_a_network_learns_targets_that_are_standardized_by_its_own_training_rows(settings: Settings) -> None:
    for seed in (42, 43):
        arrays = data.prepare("diabetes", {}, seed, settings)
        learned = arrays.truth[arrays.train]
        assert (learned.mean(), learned.std()) == pytest.approx((0, 1), abs=1e-5)


@pytest.mark.parametrize("targets", [[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
@pytest.mark.parametrize("predictions", [[1.0, 2.0, 4.0], [3.0, 3.0, 3.0], [2.0, 5.0, -1.0]])
def test_metrics_of_numbers_are_those_of_scikit_learn(targets: list[float], predictions: list[float]) -> None:
    expected = {
        "mae": mean_absolute_error(targets, predictions),
        "rmse": root_mean_squared_error(targets, predictions),
        "r2": r2_score(targets, predictions),
    }
    assert regression_metrics(np.array(predictions), np.array(targets)) == pytest.approx(expected)


def test_baselines_of_numbers_are_the_mean_and_ridge_regression(settings: Settings) -> None:
    study = make_regression()
    found = find_baselines(study, make_trained(study), settings, test=True)
    by_hand = []
    for seed in found.seeds:
        arrays = data.prepare("diabetes", {}, seed, settings)
        inputs, rows = arrays.x * arrays.scale + arrays.offset, arrays.validation
        predicted = Ridge().fit(inputs[arrays.train], arrays.truth[arrays.train]).predict(inputs[rows])
        by_hand.append(root_mean_squared_error(arrays.truth[rows], predicted) * arrays.y[arrays.train].std())
    assert found.ridge["val_rmse"] == pytest.approx(np.mean(by_hand), rel=1e-4)
    assert found.constant["val_rmse"] == pytest.approx(77, abs=5)
    assert found.constant["test_r2"] <= 0 < found.ridge["test_r2"]
    assert found.logistic == {}
    assert Baselines.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_what_matters_in_practice_is_a_hundredth_of_the_constant_predictors_error() -> None:
    study = make_regression()
    found = analyse(study, make_trained(study)).grid
    assert found
    assert found.standings
    assert found.standings.practical == pytest.approx(0.77)


def test_scores_of_numbers_have_bootstrap_intervals_over_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(100, 10, 400)
    predictions = truth[None, :, None] + rng.normal(0, 2, (3, 400, 1))
    found = scores(predictions, truth, (), ("y",))
    together = predictions[:, :, 0].mean(axis=0)
    assert found["rmse"] == pytest.approx([root_mean_squared_error(truth, one) for one in predictions[:, :, 0]])
    errors = truth - together
    sd_of_mae = np.abs(errors).std() / np.sqrt(400)
    mae = found["regression"]["mae"]
    assert mae["value"] == pytest.approx(np.abs(errors).mean())
    assert (mae["low"], mae["high"]) == pytest.approx(
        (mae["value"] - 1.96 * sd_of_mae, mae["value"] + 1.96 * sd_of_mae), rel=0.01
    )
    assert found["regression"]["r2"]["value"] == pytest.approx(r2_score(truth, together))
    assert found == scores(predictions, truth, (), ("y",))


def test_the_chosen_networks_are_scored_reported_and_served_in_the_targets_unit(settings: Settings) -> None:
    """The served model needs nothing of hpstudy but its own files, which another test shows for each kind."""
    study = make_regression()
    records = make_trained(study)
    evaluation = evaluate(study, records, settings)
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
    assert evaluation.params == {"loss": "mae"}
    folder = answer_folder(settings, study.name)
    assert judge(folder) == evaluation
    report = build_report(
        study, records, evaluation=evaluation, baselines=find_baselines(study, records, settings, test=True)
    )
    page = render(report, "html")
    for text in (
        "RMSE of the chosen configuration",
        "Predicted and actual progression",
        "Residuals of progression",
        "ridge regression",
    ):
        assert text in page
    assert "chance" in report.findings[0]
    assert {"test_rmse_ensemble", "constant_val_rmse"} <= dict(key_figures(report.data)).keys()
    assert "test_rmse_ensemble" in dict(interval_texts(report.data)).keys() & dict(key_figures(report.data)).keys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "hpstudy_kind_numbers", numbers)
        test = data.prepare_test(study.dataset, {}, 42, settings)
        rows = pd.DataFrame(test.x, columns=load_diabetes().feature_names)
        served = Ensemble(folder / NETWORKS).predict(rows[rows.columns[::-1]])
    assert list(served.columns) == ["progression"]
    assert evaluation.together.value == pytest.approx(root_mean_squared_error(test.y, served["progression"]), rel=1e-4)


def test_weights_of_an_own_network_of_numbers_that_keras_cannot_load_are_kept_alone(
    settings: Settings, tmp_path: Path
) -> None:
    from hpstudy.training.model import with_scaling
    from hpstudy.training.networks import raw_rows, save_own

    @keras.utils.register_keras_serializable(package="never loaded here")
    class Lost(keras.layers.Dense):
        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError

    arrays = data.prepare("diabetes", {}, 42, settings)
    network = keras.Sequential([keras.Input(arrays.input_shape), Lost(1)])
    model = with_scaling(network, arrays.scale, arrays.offset, arrays.input_shape, arrays.standardization)
    file = save_own(model, tmp_path / "seed-0.keras", raw_rows(arrays, arrays.validation[:3]))
    before = network.get_weights()[0].copy()
    network.layers[0].kernel.assign(np.zeros_like(before))
    network.load_weights(file)
    np.testing.assert_array_equal(network.get_weights()[0], before)


def houses(path: Path, rows: int = 150) -> pd.DataFrame:
    """A table with two numbers to predict, in units of their own, and the weight of each row."""
    rng = np.random.default_rng(3)
    area, town = rng.uniform(40, 200, rows), rng.choice(["Bonn", "Ulm"], rows)
    price = 3_000 * area + 50_000 * (town == "Bonn") + rng.normal(0, 5_000, rows)
    frame = pd.DataFrame(
        {"area": area, "town": town, "price": price, "rent": 12 * area + rng.normal(0, 30, rows), "trust": 1.0}
    )
    frame.to_csv(path, index=False)
    return frame


def table_of_houses(folder: Path, settings: Settings, **fields: Any) -> Table:
    return data.resolved(Table("houses.csv", task="regression", folder=folder, **fields), settings)


@pytest.mark.parametrize("target", ["price", ("price", "rent")])
def test_numbers_of_a_table_of_ones_own_are_learned_scored_and_served(
    target: str | tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    frame = houses(tmp_path / "houses.csv")
    table = table_of_houses(tmp_path, settings, target=target, weight="trust")
    study = make_study(
        dataset=table,
        vary={"optimizer": Choice("adam")},
        base={"units": 16, "epochs": 60, "learning_rate": 0.02},
        design=Grid(replicates=2),
    )
    assert study.objectives == (Objective("val_rmse"),)
    assert Study.from_json(study.to_json()) == study
    records = make_trained(study)
    evaluation = evaluate(study, records, settings)
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
    found = evaluation.regression
    assert found
    assert [one.name for one in found.targets] == list(table.targets)
    assert all(one.r2.low > 0.8 for one in found.targets)
    assert found.rmse.value == pytest.approx(np.mean([one.rmse.value for one in found.targets]))
    page = render(build_report(study, records, evaluation=evaluation), "html")
    assert all(f"Predicted and actual {name}" in page for name in table.targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "hpstudy_kind_columns", columns)
        rows = frame[["town", "area"]].assign(unknown=1).replace("Ulm", "Rome")
        served = Ensemble(answer_folder(settings, study.name) / NETWORKS).predict(rows)
    assert list(served.columns) == list(table.targets)
    assert served["price"].corr(frame["price"]) > 0.9


def test_several_numbers_have_the_metrics_of_each_in_the_mean(settings: Settings, tmp_path: Path) -> None:
    """The RMSE that the compiled epoch gives is that of scikit-learn."""
    houses(tmp_path / "houses.csv")
    table = table_of_houses(tmp_path, settings, target=("price", "rent"))
    study = make_study(dataset=table, vary={}, base={"units": 8, "epochs": 3, "batch_size": 50}, design=Grid())
    arrays = data.prepare(table, {}, 42, settings)
    training = Trainer().start(study.config({}), 42, arrays)
    history = list(training)
    metrics = training.result()
    inputs = arrays.x[arrays.validation] * arrays.scale + arrays.offset
    unit = Standardization.of(arrays.y[arrays.train])
    predicted = np.asarray(training.network(inputs)) * unit.deviation + unit.mean
    expected = root_mean_squared_error(arrays.y[arrays.validation], predicted)
    assert history[-1].metrics["val_rmse"] == metrics["val_rmse"] == pytest.approx(expected, rel=1e-4)
    assert metrics["val_r2"] == pytest.approx(r2_score(arrays.y[arrays.validation], predicted), abs=1e-4)


@pytest.mark.parametrize("key", ["group", "time"])
def test_groups_stay_together_and_the_latest_rows_are_held_out_where_numbers_are_predicted(
    key: str, settings: Settings, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"a": np.arange(100.0), "y": np.arange(100.0)[::-1], "k": np.arange(100) // 4})
    frame.to_csv(tmp_path / "houses.csv", index=False)
    table = table_of_houses(tmp_path, settings, target="y", numeric="a", **{key: "k"})
    arrays, test = data.prepare(table, {}, 42, settings), data.prepare_test(table, {}, 42, settings)
    parts = [set(rows // 4) for rows in (99 - arrays.y[arrays.train], 99 - arrays.y[arrays.validation], 99 - test.y)]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == 25
    assert min(len(part) for part in parts) >= 4
    assert key == "group" or max(parts[0]) < min(parts[1]) < max(parts[1]) < min(parts[2])


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("a,y\n1,2\n2,x\n3,4\n", {}, r"t\.csv has 'x' as y in line 3, but task=\"regression\" predicts numbers"),
        ("a,y\n1,2\n2,2\n", {}, "has only the number 2 in column 'y'"),
        ("a,y\n1,2\n2,1e39\n", {}, "has numbers beyond 3.4e38 in column 'y'"),
        ("a,y\n1,2\n2,\n3,4\n", {}, "no label in column 'y' in 1 of 3 rows, first in line 3"),
        ("a,y,w\n1,2,1\n2,3,-1\n", {"weight": "w"}, "has '-1' as w in line 3, but weight= takes numbers of at least 0"),
        ("a,y,w\n1,2,0\n2,3,0\n", {"weight": "w"}, "has only the weight 0"),
    ],
)
def test_a_target_or_a_weight_that_is_no_number_is_refused_with_its_place(
    text: str, fields: dict[str, Any], message: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        data.resolved(Table("t.csv", target="y", task="regression", folder=tmp_path, **fields), settings)


def test_several_columns_are_predicted_together_only_as_numbers() -> None:
    with pytest.raises(UserError, match='Several are predicted together only as numbers: task="regression"'):
        Table("t.csv", target=("a", "b"))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="Table\\(task=…\\) must be 'classification' or 'regression'"):
        Table("t.csv", target="a", task="ranking")  # type: ignore[arg-type]


@pytest.mark.parametrize(("often", "metric"), [(2, "val_accuracy"), (3, "val_balanced_accuracy")])
def test_the_objective_of_peoples_own_classes_is_that_of_their_rows(
    often: int, metric: str, settings: Settings, tmp_path: Path
) -> None:
    labels = ["no"] * 10 * often + ["yes"] * 10
    pd.DataFrame({"a": np.arange(len(labels)) % 7, "y": labels}).to_csv(tmp_path / "t.csv", index=False)
    table = Table("t.csv", target="y", folder=tmp_path)
    resolved = data.resolved(table, settings)
    for study in (make_study(dataset=table), make_study(dataset=resolved)):
        assert study.on(resolved).objectives == (Objective(metric),)
        assert Study.from_json(study.on(resolved).to_json()) == study.on(resolved)
    assert make_study(dataset=table, objective="val_f1").on(resolved).objectives == (Objective("val_f1"),)
