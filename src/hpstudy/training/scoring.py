"""The validation metrics of a trained network that are known only at the end of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from numpy.typing import NDArray

from hpstudy.data import decode
from hpstudy.data.class_metrics import class_metrics
from hpstudy.data.regression_metrics import regression_metrics
from hpstudy.serving.hpstudy_model import outputs, probabilities
from hpstudy.study.factors import Config
from hpstudy.training.epoch_graph import Batches
from hpstudy.training.keras_settings import settings_of
from hpstudy.training.learner import assign_all, values_of

if TYPE_CHECKING:
    from hpstudy.data import Arrays


def final_metrics(network: keras.Model, config: Config, arrays: Arrays) -> dict[str, float]:
    """Those of `class_metrics` or `regression_metrics` on the validation rows, each with `val_`.

    The network's variables stay as they are.

    Args:
        network: Takes scaled rows.
    """
    values = values_of(network.variables)
    # In the batches of the compiled epoch, because an own network may look at the whole batch.
    size = Batches.of(config, arrays).validation_size
    places = range(0, len(arrays.validation), size)
    predict = outputs if arrays.standardization else probabilities
    with settings_of(network):
        found = [predict(network, _inputs(arrays, arrays.validation[first : first + size])) for first in places]
    assign_all(network.variables, values)  # predicting may change those of an own network
    given, truth = np.concatenate(found), arrays.y[arrays.validation]
    if unit := arrays.standardization:
        metrics = regression_metrics(given.reshape(truth.shape) * unit.deviation + unit.mean, truth)
        del metrics["rmse"]  # known by epoch
    else:
        metrics = class_metrics(given, truth)
    return {f"val_{name}": value for name, value in metrics.items()}


def _inputs(arrays: Arrays, numbers: NDArray[np.int32]) -> NDArray[np.float32]:
    rows = decode(arrays.x[numbers], arrays.encoding, arrays.features).astype(np.float32)
    scaled: NDArray[np.float32] = (rows * arrays.scale + arrays.offset).reshape(-1, *arrays.input_shape)
    return scaled
