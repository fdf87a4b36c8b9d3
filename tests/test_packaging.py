"""The evaluated model in MLflow: takes raw rows, gives what was scored, and is logged once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server

from data_factories import generated
from factories import make_mlflow_settings, make_record, make_study
from hpstudy import Arrays, Choice, Float, Grid, Search, Study, Table, data
from hpstudy.data.kind import kind_of
from hpstudy.data.parts import read_test
from hpstudy.data.splits import test_and_rest as split_off
from hpstudy.errors import UserError
from hpstudy.evaluation import evaluate as evaluation
from hpstudy.records import Evaluation, TrialRecord
from hpstudy.settings import Settings
from hpstudy.study.own import Own
from hpstudy.tracking import MirrorError
from hpstudy.tracking.mlflow import Mirror
from hpstudy.tracking.mlflow.connection import connect
from hpstudy.tracking.mlflow.contents import MODEL_TAG
from hpstudy.tracking.mlflow.packaging import load_model, register
from hpstudy.training.rundir import RunDir
from hpstudy.training.trainer import Trainer

pytestmark = [
    # MLflow 3.17 says so of its own type hints when its pyfunc is imported.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    # MLflow 3.17 does with lists in a table what pandas 3.1 deprecates.
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
    # TensorFlow 2.21's tensors become arrays in a way that NumPy 2 deprecates.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

BASES: dict[str, dict[str, Any]] = {
    "fashion_mnist": {},
    "imdb": {"num_words": 50},
    "titanic": {},
    "logic_gates": {"gate": "or"},
}
TRAINER = Trainer()  # so that the trials of one structure are compiled once


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is logged or loaded, the program's own tracking URI stays what it was: none."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    yield
    assert not mlflow.is_tracking_uri_set()


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """A finished study of one cell with two replicates, mirrored, whose test split was scored."""

    settings: Settings
    study: Study
    records: list[TrialRecord]
    mirror: Mirror
    found: Evaluation

    def log(self) -> str:
        uri = self.mirror.keep_model(self.found)
        assert uri
        return uri

    @property
    def answers(self) -> np.ndarray:
        """The average of what the networks said of the test split, (rows, classes)."""
        with np.load(evaluation.answer_folder(self.settings, self.study.name) / "answers.npz") as stored:
            return np.asarray(stored["predictions"].mean(axis=0))


def make_evaluated(home: Path, cache_dir: Path, dataset: str | Own = "digits", **changes: Any) -> Evaluated:
    settings = make_mlflow_settings(home, cache_dir=cache_dir)
    if isinstance(dataset, Own):
        dataset = data.resolved(dataset, settings)
    elif dataset not in ("digits", "logic_gates"):
        settings = replace(settings, data_dir=generated(dataset, home / "data"))
    base = {"units": 8, "epochs": 1, **BASES.get(str(dataset), {})}
    vary = {"optimizer": Choice("adam")}
    study = make_study(dataset=dataset, base=base, vary=vary, design=Grid(replicates=2))
    values = {"cell": 0, "params": {"optimizer": "adam"}, "metrics": {}}
    records = [make_record(place, replicate=place, seed=42 + place, **values) for place in range(2)]
    evaluation.answer(study, records, settings, changes.get("build"), trainer=TRAINER)
    mirror = Mirror(settings, study)
    mirror.sync(records, state="finished")
    found = evaluation.judge(evaluation.answer_folder(settings, study.name))
    return Evaluated(settings=settings, study=study, records=records, mirror=mirror, found=found)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Evaluated:
    return make_evaluated(tmp_path_factory.mktemp("digits"), cache_dir)


def raw_test_rows(one: Evaluated) -> Any:
    """The test split as a user has it, read by other means than hpstudy's where there are any."""
    source = data.fetch(one.study.dataset, one.settings)
    match one.study.dataset:
        case "imdb":
            with np.load(source.files[0], allow_pickle=True) as stored:
                return pd.DataFrame({"words": list(stored["x_test"])})
        case "titanic":
            passengers = pd.read_csv(source.files[0])
            held_out, _ = split_off(passengers["Survived"].to_numpy(np.int32))
            return passengers.iloc[held_out]
        case "logic_gates":
            return pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1]})
        case _:
            rows = np.asarray(read_test(kind_of(one.study.dataset, {}), source).rows)
            side = int(rows.shape[1] ** 0.5)
            return rows.reshape(-1, side, side)


@pytest.mark.parametrize("dataset", BASES)
def test_the_model_takes_rows_as_the_dataset_has_them(dataset: str, tmp_path: Path, cache_dir: Path) -> None:
    one = make_evaluated(tmp_path / "home", cache_dir, dataset)

    model = load_model(one.settings, one.log())

    said = model.predict(raw_test_rows(one))
    assert list(said.columns) == list(one.study.dataset_info.classes)
    np.testing.assert_allclose(said.to_numpy(), one.answers, atol=1e-5)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    assert len(model.predict(model.input_example)) == len(model.input_example)
    assert model.metadata.signature.outputs.input_names() == list(one.study.dataset_info.classes)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"target": ("price", "rent"), "task": "regression"}, ["price", "rent"]),
        ({"target": "town"}, ["Bonn", "Köln", "Ulm"]),
    ],
)
def test_the_model_of_a_table_answers_what_mlflows_server_hands_it(
    fields: dict[str, Any], names: list[str], tmp_path: Path, cache_dir: Path
) -> None:
    """Columns in any order, one of them unknown, missing values, and categories and numbers that the file lacks."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"area": rng.uniform(40, 90, 60), "town": ["Bonn", "Köln", "Ulm"] * 20, "floor": [1, 2] * 30})
    frame.assign(price=3 * frame.area, rent=frame.area / 10).to_csv(tmp_path / "t.csv", index=False)
    one = make_evaluated(tmp_path / "home", cache_dir, Table("t.csv", folder=tmp_path, **fields))
    model = load_model(one.settings, one.log())
    schema = model.metadata.get_input_schema()

    def served(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
        asked = json.dumps({"dataframe_records": rows})
        answer = scoring_server.invocations(asked, "application/json", model, schema)
        assert answer.status == 200, answer.response
        return list(json.loads(answer.response)["predictions"])

    whole = {"colour": "red", "floor": 1.5, "town": "Bonn", "area": 60, "price": 1, "rent": 1}
    odd = [whole, {**whole, "town": "Rome"}, {**whole, "floor": None}, {**whole, "area": None, "town": None}]
    found = served(odd)
    assert [list(row) for row in found] == [names] * 4
    assert all(np.isfinite(list(row.values())).all() for row in found)
    assert served([dict(reversed(whole.items()))]) == found[:1]
    assert model.metadata.signature.outputs.input_names() == names


def test_the_model_of_ones_own_table_takes_the_columns_of_the_file_as_programs_have_them(
    tmp_path: Path, cache_dir: Path
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "Visits": rng.integers(0, 50, 90),
            "City": rng.choice(["Köln", "서울"], 90),
            "Active": rng.random(90) < 0.5,
            "Since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 90), unit="D"),
            "Exited": rng.choice(["no", "yes"], 90),
        }
    )
    frame.to_csv(tmp_path / "c.csv", index=False)
    one = make_evaluated(tmp_path / "home", cache_dir, Table("c.csv", target="Exited", folder=tmp_path))

    model = load_model(one.settings, one.log())

    said = model.predict(frame)
    assert list(said.columns) == ["no", "yes"]
    as_read = pd.read_csv(tmp_path / "c.csv").assign(extra=1)
    np.testing.assert_array_equal(model.predict(as_read[as_read.columns[::-1]]), said)
    odd = pd.DataFrame(
        {"Since": [None, "2021-05-01"], "Visits": [3.5, None], "Active": [None, True], "City": ["Oslo", None]}
    )
    assert np.isfinite(model.predict(odd).to_numpy()).all()
    assert np.isfinite(model.predict(model.input_example).to_numpy()).all()


def test_the_model_of_ones_own_pictures_takes_any_size(tmp_path: Path, cache_dir: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 6, 5, 3), np.uint8)
    np.savez(tmp_path / "p.npz", x=x, y=np.where(np.arange(40) % 2, "rose", "tulip"))
    one = make_evaluated(tmp_path / "home", cache_dir, Arrays("p.npz", folder=tmp_path))

    model = load_model(one.settings, one.log())

    assert list(model.predict(x[:, ::2]).columns) == ["rose", "tulip"]
    assert np.isfinite(model.predict(model.input_example).to_numpy()).all()


def test_a_model_is_logged_once_and_the_trials_stay_as_they_were(evaluated: Evaluated) -> None:
    client = connect(evaluated.settings)
    before = client.get_run(evaluated.mirror.run_id(0))

    uri = evaluated.log()
    again = evaluated.log()

    models = client.search_logged_models([evaluated.mirror.experiment_id])
    parent = client.get_run(evaluated.mirror.parent_run_id())
    assert uri == again
    assert [(model.name, model.model_uri, model.source_run_id) for model in models] == [
        ("model", uri, parent.info.run_id)
    ]
    assert "optimizers/models" in models[0].artifact_location
    assert "The average of 2 networks" in models[0].tags["mlflow.note.content"]
    assert parent.data.tags[MODEL_TAG] == uri
    assert client.get_run(evaluated.mirror.run_id(0)).to_dictionary() == before.to_dictionary()
    summary = evaluated.mirror.sync(evaluated.records, state="finished", complete=True)
    assert (summary.unchanged, summary.deleted) == (2, 0)


def test_a_registered_model_has_each_evaluation_once(evaluated: Evaluated) -> None:
    uri = evaluated.log()
    assert register(evaluated.settings, uri, "numbers") == ("1", True)
    assert register(evaluated.settings, uri, "numbers") == ("1", False)
    assert connect(evaluated.settings).get_model_version("numbers", "1").source == uri
    with pytest.raises(UserError, match="does not take this name"):
        register(evaluated.settings, uri, "a/b")


def test_networks_of_another_study_of_this_name_are_not_logged(evaluated: Evaluated) -> None:
    other = replace(evaluated.found, at=1.0)
    assert evaluated.mirror.keep_model(other) is None


def test_without_weights_that_fit_a_trial_is_trained_again(
    evaluated: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, study, record = replace(evaluated.settings, home=tmp_path), evaluated.study, evaluated.records[0]
    config = study.config(record.params)
    training = TRAINER.start(config, record.seed, data.prepare("digits", config, record.seed, settings))
    history = tuple(training)
    record = replace(record, metrics=training.result(), history=history)
    arrays = [variable.numpy() for variable in training.network.variables]
    run_dir = RunDir.of(settings.runs_dir, study.name, 0)
    run_dir.create()
    began: list[int] = []
    start = Trainer.start
    monkeypatch.setattr(Trainer, "start", lambda self, *given, **named: began.append(1) or start(self, *given, **named))

    def times_trained() -> int:
        began.clear()
        evaluation.answer(study, [record], settings, trainer=TRAINER)
        found = evaluation.judge(evaluation.answer_folder(settings, study.name))
        assert list(found.validation) == pytest.approx([record.metrics["val_accuracy"]], abs=0.005)
        return len(began)

    assert times_trained() == 1, "no weights"
    np.savez(run_dir.weights, *arrays)
    assert times_trained() == 0
    run_dir.weights.write_bytes(run_dir.weights.read_bytes()[:1000])
    assert times_trained() == 1, "truncated"
    np.savez(run_dir.weights, *[np.zeros_like(array) for array in arrays])
    assert times_trained() == 1, "another trial's"
    np.savez(run_dir.weights, *arrays[:2])
    assert times_trained() == 1, "another network's"


def test_an_own_network_is_packaged_too_and_so_is_what_an_earlier_version_answered(
    tmp_path: Path, cache_dir: Path
) -> None:
    def build(config: Mapping[str, Any], input_shape: tuple[int, ...], outputs: int) -> keras.Model:
        layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(outputs, "softmax")]
        return keras.Sequential(layers)

    one = make_evaluated(tmp_path / "home", cache_dir, build=build)
    file = evaluation.answer_folder(one.settings, one.study.name) / "facts.json"
    answered = json.loads(file.read_text())
    answered["example"] = {"images": answered["example"]["array"]}  # as earlier versions answered
    file.write_text(json.dumps(answered))

    said = load_model(one.settings, one.log()).predict(raw_test_rows(one))
    np.testing.assert_allclose(said.to_numpy(), one.answers, atol=1e-5)


def test_of_a_search_the_best_trial_under_three_seeds_is_the_model(tmp_path: Path, cache_dir: Path) -> None:
    settings = make_mlflow_settings(tmp_path / "home", cache_dir=cache_dir)
    vary = {"learning_rate": Float(0.001, 0.1, log=True)}
    study = make_study(
        dataset="logic_gates", vary=vary, base={"units": 4, "epochs": 1}, design=Search(finalists=0, trials=1)
    )
    records = [make_record(params={"learning_rate": 0.01}, cell=None, metrics={})]
    found = evaluation.evaluate(study, records, settings)
    mirror = Mirror(settings, study)
    mirror.sync(records, state="finished")
    uri = mirror.keep_model(found)
    assert found.seeds == (42, 43, 44)
    assert len(load_model(settings, uri).predict(pd.DataFrame({"a": [0, 1], "b": [1, 1]}))) == 2


def test_a_server_that_is_away_is_told_without_its_password(evaluated: Evaluated) -> None:
    away = replace(evaluated.settings, tracking_uri="http://me:s3cret@127.0.0.1:9", artifact_root=None)

    with pytest.raises(MirrorError, match=r"MLflow at http://127\.0\.0\.1:9 did not take") as told:
        Mirror(away, evaluated.study).keep_model(evaluated.found)
    assert "s3cret" not in f"{told.value!r} {told.value.__cause__!r}"
