"""The network of a recorded trial: from its kept weights if they fit, else trained again from its seed."""

from __future__ import annotations

import math
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from hpstudy import data
from hpstudy.data.regression_metrics import regression_metrics
from hpstudy.records import TrialRecord
from hpstudy.serving.hpstudy_model import outputs, probabilities
from hpstudy.study.factors import Config
from hpstudy.training.keras_settings import separate_settings, settings_of
from hpstudy.training.model import Build, make_network, make_own_network, with_scaling

if TYPE_CHECKING:
    from hpstudy.data import Arrays, TestArrays
    from hpstudy.training.trainer import Trainer

# Between the compiled epoch and Keras's `predict`, rounding may change this share of the classes, and of the RMSE.
_ROUNDING = 0.002
_BATCH = 1024  # rows


def trained_model(
    config: Config,
    record: TrialRecord,
    arrays: Arrays,
    weights: Path | None,
    build: Build | None,
    trainer: Trainer | None = None,
) -> keras.Model | None:
    """A model that takes rows as the dataset has them; None if the training diverges.

    Args:
        weights: A file of arrays in the order of `network.variables`. The trial is trained again if there is none,
            or if it does not fit or does not reach the recorded score.
        build: Makes the study file's own network.
        trainer: Trains again; one that has trained such trials already has their compiled program.
    """
    network = _network(config, record.seed, arrays, build)
    if weights and _load_weights(network, weights):
        model = _with_scaling(network, arrays)
        if _reaches(model, record, arrays):
            return model
    trained = _train_again(trainer, config, record.seed, arrays, build)
    return _with_scaling(trained, arrays) if trained else None


def _with_scaling(network: keras.Model, arrays: Arrays) -> keras.Model:
    return with_scaling(network, arrays.scale, arrays.offset, arrays.input_shape, arrays.standardization)


def _reaches(model: keras.Model, record: TrialRecord, arrays: Arrays) -> bool:
    """Whether the model has the recorded score, up to rounding."""
    reached = validation_score(model, arrays)
    if arrays.task == "regression":
        return math.isclose(reached, record.metrics.get("val_rmse", reached), rel_tol=_ROUNDING)
    tolerance = max(_ROUNDING, 2 / len(arrays.validation))
    return abs(reached - record.metrics.get("val_accuracy", reached)) <= tolerance


def save_own(model: keras.Model, file: Path, rows: NDArray[np.float32]) -> Path:
    """Save a `trained_model` of an own network: whole if Keras can load it without the study file, else its weights.

    Args:
        file: `NAME.keras`.
        rows: Rows as the model takes them. After loading, it must give the same outputs for them.

    Returns:
        `file`, or `NAME.weights.h5` beside it. `load_weights` of what `build` returns takes the latter once that
        network has weights; it takes scaled rows.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            model.save(file)
        if _loads(file, model, rows):
            return file
    except OSError:
        raise
    except Exception:  # whatever a custom layer raises when it is asked for its config
        traceback.print_exc()
    file.unlink(missing_ok=True)
    weights = file.with_suffix(".weights.h5")
    network = next(layer for layer in model.layers if isinstance(layer, keras.Model))  # the rest is the scaling
    network.save_weights(weights)
    return weights


def _loads(file: Path, model: keras.Model, rows: NDArray[np.float32]) -> bool:
    """Whether the loaded model gives the same outputs. Only trying tells: Keras saves layers that it cannot rebuild."""
    try:
        with warnings.catch_warnings(action="ignore"), separate_settings():
            found = outputs(keras.models.load_model(file, compile=False, safe_mode=True), rows)
    except Exception:
        traceback.print_exc()
        return False
    with settings_of(model):
        return np.allclose(found, outputs(model, rows), rtol=1e-3, atol=1e-4)


def raw_rows(arrays: Arrays | TestArrays, numbers: NDArray[Any]) -> NDArray[np.float32]:
    """Rows as the dataset has them, unscaled: what such a model takes, (rows, *input_shape)."""
    rows = data.decode(arrays.x[numbers], arrays.encoding, arrays.features)
    return rows.astype(np.float32).reshape(-1, *arrays.input_shape)


def predictions(model: keras.Model, arrays: Arrays | TestArrays, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities (rows, classes), or numbers in the target's unit (rows, targets).

    Batch by batch, because decoded words are many times larger than packed ones.
    """
    predict = probabilities if arrays.classes else outputs
    batches = [numbers[first : first + _BATCH] for first in range(0, len(numbers), _BATCH)]
    with settings_of(model):
        return np.concatenate([predict(model, raw_rows(arrays, batch)) for batch in batches])


def validation_score(model: keras.Model, arrays: Arrays) -> float:
    """On the validation rows, of a model that scales by itself: the accuracy, or the RMSE in the target's unit."""
    given, truth = predictions(model, arrays, arrays.validation), arrays.y[arrays.validation]
    if arrays.task == "regression":
        return regression_metrics(given.reshape(truth.shape), truth)["rmse"]
    return float(np.mean(given.argmax(axis=1) == truth))


def _network(config: Config, seed: int, arrays: Arrays, build: Build | None) -> keras.Model:
    if build:
        keras.utils.set_random_seed(seed)  # it may draw random constants
        return make_own_network(build, config, arrays.input_shape, arrays.outputs, arrays.task)
    return make_network(config, arrays.input_shape, arrays.outputs, arrays.task)


def _load_weights(network: keras.Model, file: Path) -> bool:
    """Load the weights. Returns whether the file exists, is whole and belongs to this network."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            values = [stored[f"arr_{place}"] for place in range(len(stored.files))]
        for variable, value in zip(network.variables, values, strict=True):
            variable.assign(value)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return False
    return True


def _train_again(
    trainer: Trainer | None, config: Config, seed: int, arrays: Arrays, build: Build | None
) -> keras.Model | None:
    from hpstudy.training.trainer import BLOCK_S, Trainer

    training = (trainer or Trainer()).start(config, seed, arrays, build, block_s=BLOCK_S)
    for _ in training:
        pass
    training.result()
    return None if training.diverged else training.network
