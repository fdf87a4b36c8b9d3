"""A recorded trial's network: from its kept weights where they fit, else trained again from its seed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from hpstudy import data
from hpstudy.records import TrialRecord
from hpstudy.serving.hpstudy_model import probabilities
from hpstudy.study.factors import Config
from hpstudy.training.model import Build, make_network, make_own_network, with_scaling

if TYPE_CHECKING:
    from hpstudy.data import Arrays, TestArrays
    from hpstudy.training.trainer import Trainer

_ROUNDING = 0.002  # rows whose class rounding may turn, between the compiled epoch and Keras's `predict`
_BATCH = 1024  # rows


def trained_model(
    config: Config,
    record: TrialRecord,
    arrays: Arrays,
    weights: Path | None,
    build: Build | None,
    trainer: Trainer | None = None,
) -> keras.Model:
    """A model that takes rows as the dataset has them.

    Args:
        weights: A file of arrays in the order of `network.variables`. Without one that fits, and gives the
            accuracy that was recorded, the trial is trained again.
        build: The study file's own network.
        trainer: Trains again; one that trained such trials before has their compiled program.
    """
    network = _network(config, arrays, build)
    if weights and _load_weights(network, weights):
        model = with_scaling(network, arrays.scale, arrays.offset)
        tolerance = max(_ROUNDING, 2 / len(arrays.validation))
        reached = accuracy(model, arrays)
        if abs(reached - record.metrics.get("val_accuracy", reached)) <= tolerance:
            return model
    network = _train_again(trainer, config, record.seed, arrays, build)
    return with_scaling(network, arrays.scale, arrays.offset)


def raw_rows(arrays: Arrays | TestArrays, numbers: NDArray[Any]) -> NDArray[np.float32]:
    """Rows as the dataset has them, unscaled: what such a model takes, (rows, *input_shape)."""
    rows = data.decode(arrays.x[numbers], arrays.encoding, arrays.features)
    return rows.astype(np.float32).reshape(-1, *arrays.input_shape)


def class_probabilities(model: keras.Model, arrays: Arrays | TestArrays, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """(rows, classes), batch by batch, as decoded words are many times larger than packed ones."""
    batches = [numbers[first : first + _BATCH] for first in range(0, len(numbers), _BATCH)]
    return np.concatenate([probabilities(model, raw_rows(arrays, batch)) for batch in batches])


def accuracy(model: keras.Model, arrays: Arrays) -> float:
    """Of a model that scales its own input, on the validation rows."""
    guesses = class_probabilities(model, arrays, arrays.validation).argmax(axis=1)
    return float(np.mean(guesses == arrays.y[arrays.validation]))


def _network(config: Config, arrays: Arrays, build: Build | None) -> keras.Model:
    if build:
        return make_own_network(build, config, arrays.input_shape, arrays.outputs)
    return make_network(config, arrays.input_shape, arrays.outputs)


def _load_weights(network: keras.Model, file: Path) -> bool:
    """Whether the file was there, whole, and of this network."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            values = [stored[f"arr_{place}"] for place in range(len(stored.files))]
        for variable, value in zip(network.variables, values, strict=True):
            variable.assign(value)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False
    return True


def _train_again(
    trainer: Trainer | None, config: Config, seed: int, arrays: Arrays, build: Build | None
) -> keras.Model:
    from hpstudy.training.trainer import Trainer

    training = (trainer or Trainer()).start(config, seed, arrays, build)
    for _ in training:
        pass
    training.result()
    return training.network
