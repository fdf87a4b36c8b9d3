"""The best trial's model in MLflow: loadable without hpstudy, as good as the trial was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import mlflow.keras
import numpy as np
import pytest

from factories import make_mlflow_settings, make_record, make_settings, make_study
from hpstudy import data
from hpstudy.mirror import Mirror, MirrorError
from hpstudy.mirror.connection import connect
from hpstudy.mirror.contents import BEST_MODEL_TAG
from hpstudy.model import Build
from hpstudy.networks import accuracy, raw_rows
from hpstudy.packaging import log_best_model
from hpstudy.records import TrialRecord
from hpstudy.settings import Settings
from hpstudy.trainer import Trainer

pytestmark = [
    # MLflow 3.17 still uses a loader strategy that SQLAlchemy 2.1 deprecates.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    # MLflow 3.17 says so of its own type hints when its pyfunc is imported.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    # TensorFlow 2.21's tensors become arrays in a way that NumPy 2 deprecates.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

STUDY = make_study(base={"units": 16, "epochs": 3, "dropout": 0.1, "scaling": "standard"})
LOAD = """
import sys
sys.modules["hpstudy"] = None  # whoever imports it fails
import mlflow.keras
import numpy as np

mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.keras.load_model(sys.argv[2])
with np.load(sys.argv[3]) as rows:
    guesses = model.predict(rows["x"], verbose=0).argmax(axis=1)
    print("accuracy", np.mean(guesses == rows["y"]))
"""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished study of one trial, mirrored, with its weights."""

    settings: Settings
    record: TrialRecord
    arrays: data.Arrays
    mirror: Mirror
    weights: Path

    def log(self, **changes: Any) -> str:
        run_id = self.mirror.run_id(0)
        assert run_id
        values = {"run_id": run_id, "weights": self.weights, **changes}
        return log_best_model(self.settings, STUDY, self.record, **values)

    def accuracy_of(self, uri: str) -> float:
        return accuracy(mlflow.keras.load_model(uri), self.arrays)


@pytest.fixture(autouse=True)
def _own_tracking_uri(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def weights_of_a_trial(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrialRecord, Path]:
    return train(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def trained(tmp_path: Path, weights_of_a_trial: tuple[TrialRecord, Path]) -> Trained:
    return mirrored(tmp_path, *weights_of_a_trial)


def train(home: Path, build: Build | None = None) -> tuple[TrialRecord, Path]:
    """A trial of `STUDY`, really trained, and the file of its weights."""
    record = make_record()
    config = STUDY.config(record.params)
    arrays = data.prepare(STUDY.dataset, config, record.seed, make_settings(home))
    training = Trainer().start(config, record.seed, arrays, build)
    history = tuple(training)
    metrics = training.result()
    np.savez(home / "weights.npz", *[variable.numpy() for variable in training.network.variables])
    return replace(record, history=history, metrics=metrics, values=(metrics["val_accuracy"],)), home / "weights.npz"


def mirrored(home: Path, record: TrialRecord, weights: Path) -> Trained:
    settings = make_mlflow_settings(home)
    arrays = data.prepare(STUDY.dataset, STUDY.config(record.params), record.seed, settings)
    mirror = Mirror(settings, STUDY)
    mirror.sync([record], state="finished")
    own = Path(shutil.copy(weights, home / "own.npz"))
    return Trained(settings=settings, record=record, arrays=arrays, mirror=mirror, weights=own)


def test_the_model_predicts_in_a_process_that_knows_nothing_of_hpstudy(trained: Trained, tmp_path: Path) -> None:
    uri = trained.log()

    rows = tmp_path / "rows.npz"
    numbers = trained.arrays.validation
    np.savez(rows, x=raw_rows(trained.arrays, numbers), y=trained.arrays.y[numbers])
    command = [sys.executable, "-c", LOAD, trained.settings.tracking_uri, uri, str(rows)]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert float(printed.split()[-1]) == pytest.approx(trained.record.metrics["val_accuracy"])


def test_a_model_is_logged_once_and_the_trial_stays_as_it_was(trained: Trained) -> None:
    client, run_id = connect(trained.settings), trained.mirror.run_id(0)
    before = client.get_run(run_id)

    uri = trained.log()
    again = trained.log()

    after = client.get_run(run_id)
    models = client.search_logged_models([trained.mirror.experiment_id])
    assert uri == again
    assert [(model.name, model.model_uri) for model in models] == [("model", uri)]
    assert "optimizers/models" in models[0].artifact_location
    assert client.get_run(trained.mirror.parent_run_id()).data.tags[BEST_MODEL_TAG] == uri
    assert (after.info.status, after.info.end_time) == (before.info.status, before.info.end_time)
    assert after.data.metrics == before.data.metrics
    assert len(client.get_metric_history(run_id, "val_loss")) == 3
    summary = trained.mirror.sync([trained.record], state="finished", complete=True)
    assert (summary.unchanged, summary.deleted) == (1, 0)


@pytest.mark.parametrize("weights", ["none", "truncated", "another trial's", "another network's"])
def test_without_weights_that_fit_the_trial_is_trained_again(trained: Trained, weights: str) -> None:
    file = trained.weights
    with np.load(file) as stored:
        arrays = [stored[name] for name in stored.files]
    if weights == "truncated":
        file.write_bytes(file.read_bytes()[:1000])
    elif weights == "another trial's":
        np.savez(file, *[np.zeros_like(array) for array in arrays])
    elif weights == "another network's":
        np.savez(file, *arrays[:2])

    uri = trained.log(weights=None if weights == "none" else file)

    assert trained.accuracy_of(uri) == pytest.approx(trained.record.metrics["val_accuracy"])


def test_an_own_network_is_packaged_too(tmp_path: Path) -> None:
    def build(config: Mapping[str, Any], input_shape: tuple[int, ...], outputs: int) -> keras.Model:
        layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(outputs, "softmax")]
        return keras.Sequential(layers)

    trained = mirrored(tmp_path, *train(tmp_path, build))

    assert trained.accuracy_of(trained.log(build=build)) == pytest.approx(trained.record.metrics["val_accuracy"])


def test_a_server_that_is_away_is_told_without_its_password(trained: Trained) -> None:
    away = replace(trained.settings, tracking_uri="http://me:s3cret@127.0.0.1:9", artifact_root=None)

    with pytest.raises(MirrorError, match=r"http://127\.0\.0\.1:9 did not take the best model") as told:
        log_best_model(away, STUDY, trained.record, run_id="r", weights=None)
    assert "s3cret" not in f"{told.value!r} {told.value.__cause__!r}"
