"""From a configuration to a Keras model and an optimizer. Both are plain Keras, which can be saved and loaded."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import keras
import numpy as np
import tensorflow as tf

from hpstudy.data.arrays import Standardization
from hpstudy.errors import TrialFailed, UserError, closed, reason
from hpstudy.study.factors import Config, Loss, Schedule, hidden_units
from hpstudy.study.keras_levels import ACTIVATIONS, INITIALIZERS, OPTIMIZERS
from hpstudy.study.task import Task
from hpstudy.training.keras_private import default_seed
from hpstudy.training.keras_settings import remember_settings, separate_settings, settings_of

Build = Callable[..., keras.Model]  # build(config, input_shape, outputs), perhaps with output_activation

_ROUNDING = 1e-3  # how far probabilities may lie outside 0 to 1, as those of float16 do
_SUM_TOLERANCE = 0.01
_OUTPUT_ACTIVATION = "output_activation"  # the name of a parameter of `build`
_BOUNDED = ("sigmoid", "softmax", "tanh", "relu", "softplus")  # activations that some numbers never come out of


def make_initializer(name: str) -> keras.initializers.Initializer:
    """Initial values of a weight matrix; its seed comes from Keras's global seed.

    Glorot: Glorot & Bengio 2010 ("Xavier"). He: He et al. 2015. LeCun: LeCun et al. 1998. Orthogonal: Saxe et al. 2014.
    """
    known = INITIALIZERS[name]
    return getattr(keras.initializers, known.keras)(**known.options)


def make_network(
    config: Config,
    input_shape: tuple[int, ...],
    outputs: int,
    task: Task = "classification",
    *,
    make_dropout: Callable[[float], keras.layers.Layer] = keras.layers.Dropout,
) -> keras.Sequential:
    """The built-in network: `depth` hidden layers of `units`, dropout after each, then probabilities or a number.

    Args:
        input_shape: Shape of one row, which is flattened first.
        outputs: Units of the last layer. One gives the probability of class 1 (sigmoid); more give one
            probability per class (softmax), or independent ones (sigmoid) if the loss is `mse`.
        task: In a regression the last layer is linear.
        make_dropout: Makes the dropout layer for a rate above 0.

    Returns:
        A built model, (batch, *input_shape) float32 → (batch, outputs) float32.
    """
    penalty = make_penalty(config)
    layers: list[keras.layers.Layer] = [keras.Input(input_shape)]
    if len(input_shape) > 1:
        layers.append(keras.layers.Flatten())
    for units in hidden_units(config):
        layers.append(
            keras.layers.Dense(
                units,
                activation=ACTIVATIONS[str(config["activation"])],
                kernel_initializer=make_initializer(str(config["initializer"])),
                kernel_regularizer=penalty,
            )
        )
        if config["dropout"]:
            layers.append(make_dropout(float(config["dropout"])))
    layers.append(
        keras.layers.Dense(
            outputs,
            activation=output_activation(config, outputs, task),
            kernel_initializer=make_initializer(str(config["initializer"])),
            kernel_regularizer=penalty,
        )
    )
    return keras.Sequential(layers)


def output_activation(config: Config, outputs: int, task: Task) -> Literal["linear", "sigmoid", "softmax"]:
    """What the last layer needs: numbers as they are, one probability, or probabilities that suit the loss."""
    if task == "regression":
        return "linear"
    return "sigmoid" if outputs == 1 or config["loss"] == "mse" else "softmax"


def initial_values(config: Config, input_shape: tuple[int, ...], outputs: int) -> list[np.ndarray]:
    """The values of `make_network(…).variables`, bit by bit, without the network, which takes several times as long.

    Both draw their seeds from Python's generator, in the order in which the network's layers are made.
    """
    sizes = [math.prod(input_shape), *hidden_units(config), outputs]
    layers = list(itertools.pairwise(sizes))
    drawn: list[Callable[[], np.ndarray]] = []
    for number, (inputs, units) in enumerate(layers, 1):
        initializer = make_initializer(str(config["initializer"]))
        drawn.append(functools.partial(_drawn, initializer, (inputs, units)))
        drawn.append(functools.partial(np.zeros, units, np.float32))  # biases
        if config["dropout"] and number < len(layers):
            drawn.append(functools.partial(np.array, [default_seed(), 0]))
    return [draw() for draw in drawn]


def _drawn(initializer: keras.initializers.Initializer, shape: tuple[int, ...]) -> np.ndarray:
    values: np.ndarray = initializer(shape).numpy()
    return values


def make_penalty(config: Config) -> keras.regularizers.Regularizer | None:
    """The penalty l1·Σ|w| + l2·Σw² on every weight matrix, but not on biases; None if both factors are 0."""
    if not config["l1"] and not config["l2"]:
        return None
    return keras.regularizers.L1L2(l1=config["l1"], l2=config["l2"])


def make_own_network(
    build: Build, config: Config, input_shape: tuple[int, ...], outputs: int, task: Task
) -> keras.Model:
    """Call a study file's `build` and check what it returns. Keras settings that it changes are restored.

    Args:
        task: Decides, with the loss, the `output_activation` that a `build` gets which has such a parameter.

    Returns:
        A model of any kind whose weights exist, (batch, *input_shape) → (batch, outputs).

    Raises:
        UserError: `build` raised.
        TrialFailed: `build` returned something else, or the output has another shape.
    """
    named: dict[str, Any] = {}
    if _OUTPUT_ACTIVATION in inspect.signature(build).parameters:
        named[_OUTPUT_ACTIVATION] = output_activation(config, outputs, task)
    with separate_settings():
        try:
            model = build(dict(config), input_shape, outputs, **named)
        except (Exception, SystemExit) as error:
            what = closed(reason(error))
            raise UserError(f"The study's build(config, input_shape, outputs) raised {what}") from error
        if not isinstance(model, keras.Model):
            raise TrialFailed(f"The study's build(…) must return a keras.Model; it returned {type(model).__name__}.")
        remember_settings(model)
        shape = _built_output_shape(model, input_shape)
    if shape != (None, outputs):
        raise TrialFailed(
            f"The study's build(…) must return a model that outputs {_outputs_text(outputs)} per row, "
            f"shape (None, {outputs}); its output shape is {shape}."
        )
    return model


def check_unbounded(network: keras.Model) -> None:
    """Raises TrialFailed if the output of a network that predicts numbers has bounds, where a last layer shows it."""
    layers = getattr(network, "layers", [])
    name = getattr(getattr(layers[-1], "activation", None), "__name__", "") if layers else ""
    if name in _BOUNDED:
        raise TrialFailed(
            "The study's build(…) must return a network whose outputs may be any number, as standardized targets lie "
            f"below and above 0; its last layer has the activation {name!r}. End it with a linear layer, such as "
            "Dense(outputs)."
        )


def _outputs_text(outputs: int) -> str:
    return "one number" if outputs == 1 else f"{outputs} probabilities"


def _built_output_shape(model: keras.Model, input_shape: tuple[int, ...]) -> Any:
    """The shape of the output, or a structure of shapes if there are several. Builds a model without weights."""
    if isinstance(model, keras.Sequential) and not model.built:
        model.build((None, *input_shape))
    if isinstance(getattr(model, "inputs", None), list):  # a graph of layers knows its shape
        return model.output_shape
    found = model(keras.Input(input_shape, dtype="float32"))
    return keras.tree.map_structure(lambda output: getattr(output, "shape", type(output).__name__), found)


def check_probabilities(outputs: np.ndarray, loss: Loss) -> str | None:
    """Check what an untrained network outputs.

    Args:
        outputs: (rows, outputs).
        loss: With `mse`, probabilities may be independent and need not sum to 1.

    Returns:
        A warning if they are probabilities that do not suit the loss, else None.

    Raises:
        TrialFailed: they are not probabilities.
    """
    finite = outputs[np.isfinite(outputs)]
    if finite.size and (finite.min() < -_ROUNDING or finite.max() > 1 + _ROUNDING):
        raise TrialFailed(
            "The study's build(…) must return a network that outputs probabilities, numbers from 0 to 1; on a first "
            f"batch it outputs numbers from {finite.min():.4g} to {finite.max():.4g}, as logits are. End it with "
            'activation="softmax", or with "sigmoid" if there is one output or loss="mse".'
        )
    if outputs.shape[1] > 1 and loss != "mse" and (abs(outputs.sum(axis=1) - 1) > _SUM_TOLERANCE).any():
        return (
            "The probabilities that the study's own network outputs for a row do not sum to 1, which cross entropy "
            'expects. End it with activation="softmax"; sigmoid outputs go with loss="mse".'
        )
    return None


_ERRORS: Mapping[Loss, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {  # losses of a regression
    "mse": keras.losses.mean_squared_error,
    "mae": keras.losses.mean_absolute_error,
    "huber": keras.losses.huber,
}


def row_losses(loss: Loss, labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """The loss of each row, without penalties, as `model.fit` computes it.

    Args:
        labels: int32 (rows,), class numbers; in a regression float32 (rows,), standardized targets, or (rows, targets)
            if there are several.
        probabilities: float32 (rows, outputs); one output is the probability of class 1. In a regression, the
            standardized numbers.

    Returns:
        float32 (rows,). The Huber loss (Huber 1964) is squared up to an error of one standard deviation.
    """
    if labels.dtype.is_floating:
        return _ERRORS[loss](labels[:, tf.newaxis] if len(labels.shape) == 1 else labels, probabilities)
    outputs = probabilities.shape[1]
    if outputs == 1:
        truth = tf.cast(labels, tf.float32)[:, tf.newaxis]
        if loss == "mse":
            return keras.losses.mean_squared_error(truth, probabilities)
        return keras.losses.binary_crossentropy(truth, probabilities)
    if loss == "mse":
        return keras.losses.mean_squared_error(tf.one_hot(labels, outputs), probabilities)
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities)


def row_scores(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """1 for a row whose most probable class is the true one, else 0; in a regression the squared error.

    float32 (rows,); (rows, targets) if several numbers are predicted.

    Args:
        labels, probabilities: As in `row_losses`.
    """
    if labels.dtype.is_floating:
        return tf.square((probabilities[:, 0] if len(labels.shape) == 1 else probabilities) - labels)
    if probabilities.shape[1] == 1:
        guesses = tf.cast(probabilities[:, 0] > 0.5, tf.int32)
    else:
        guesses = tf.argmax(probabilities, axis=1, output_type=tf.int32)
    return tf.cast(guesses == labels, tf.float32)


def make_optimizer(config: Config) -> keras.optimizers.Optimizer:
    """The optimizer at its initial learning rate; the schedule is in `learning_rates`."""
    known, rate = OPTIMIZERS[str(config["optimizer"])], float(config["learning_rate"])  # type: ignore[arg-type]
    momentum = {} if known.momentum is None else {"momentum": float(config["momentum"] or 0.0)}
    return getattr(keras.optimizers, known.keras)(learning_rate=rate, **momentum, **known.options)


def learning_rates(config: Config, total_steps: int) -> np.ndarray:
    """The learning rate of every training step, float64 (total_steps,).

    Exponential decays to a hundredth, cosine to zero, both over the whole training
    (Loshchilov & Hutter 2017 for the cosine, without restarts).
    """
    rate = float(config["learning_rate"])  # type: ignore[arg-type]
    progress = np.arange(total_steps, dtype=np.float64) / total_steps
    shapes: dict[Schedule, np.ndarray] = {
        "constant": np.ones_like(progress),
        "exponential": 0.01**progress,
        "cosine": (1 + np.cos(np.pi * progress)) / 2,
    }
    return rate * shapes[cast(Schedule, config["schedule"])]


def with_scaling(
    network: keras.Model,
    scale: np.ndarray,
    offset: np.ndarray,
    input_shape: tuple[int, ...] | None = None,
    standardization: Standardization | None = None,
) -> keras.Model:
    """The network with its scaling built in: it takes rows as the dataset has them.

    Args:
        scale: float32, shape () or one number per input; the network sees x · scale + offset.
        offset: Like scale.
        input_shape: Shape of one row; None if the network is a graph of layers, which knows it.
        standardization: Of the targets of a regression: then the model gives numbers in their own unit.
    """
    shape = network.input_shape[1:] if input_shape is None else input_shape

    def as_config(values: np.ndarray) -> Any:
        return values.reshape(shape if values.shape else ()).tolist()

    with settings_of(network):
        rescale = keras.layers.Rescaling(as_config(scale), as_config(offset), dtype="float32")
        inputs = keras.Input(shape, dtype="float32")
        outputs = network(rescale(inputs))
        if standardization:
            unit = (standardization.deviation.tolist(), standardization.mean.tolist())
            outputs = keras.layers.Rescaling(*unit, dtype="float32", name="unit")(outputs)
        scaled = keras.Model(inputs, outputs, name="network")
        remember_settings(scaled)
    return scaled
