"""What learns: a network and its optimizer, with variables for the numbers in which trials of one structure differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from hpstudy.study.factors import Config, Loss, loss_of
from hpstudy.training.keras_private import SharedMomentum, SharedRateDropout, optimizer_state
from hpstudy.training.model import make_network, make_optimizer, row_losses, row_scores

if TYPE_CHECKING:
    from hpstudy.data import Arrays


class TrialVariables:
    """Numbers of a trial that a compiled program reads from variables, so that others need no new compilation."""

    def __init__(self) -> None:
        self.dropout = tf.Variable(0.0, trainable=False)
        self.momentum = tf.Variable(0.0, trainable=False)
        self.is_nesterov = tf.Variable(False, trainable=False)
        self.penalties = tf.Variable([0.0, 0.0], trainable=False)  # of Σ|w| and of Σw²
        self.seeds = keras.random.SeedGenerator(0)  # of augmentation

    @staticmethod
    def values(config: Config, seed: int) -> list[np.ndarray]:
        """The values of `all` in a trial."""
        penalties = [float(config["l1"] or 0.0), float(config["l2"] or 0.0)]
        return [
            np.array(config["dropout"] or 0.0, np.float32),
            np.array(config["momentum"] or 0.0, np.float32),
            np.array(config["optimizer"] == "nesterov"),
            np.array(penalties, np.float32),
            np.array([seed, 0], np.int64),
        ]

    def all(self) -> list[Any]:
        return [self.dropout, self.momentum, self.is_nesterov, self.penalties, self.seeds.state]


class Learner:
    """A network, an optimizer and a loss. Not thread-safe: it learns one trial at a time.

    Args:
        optimizer: Not yet built.
        penalty: Gives what is added to the mean loss of every batch, float32 ().
        variables: Those that the network reads, if it reads any.
    """

    def __init__(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: Loss,
        penalty: Callable[[], tf.Tensor],
        variables: TrialVariables,
    ) -> None:
        self.network, self.loss, self.penalty, self.variables = network, loss, penalty, variables
        self._optimizer = optimizer
        self._optimizer.build(network.trainable_variables)
        self._optimizer_start = values_of(optimizer_state(optimizer))

    def start(self, config: Config, variables: list[np.ndarray], seed: int) -> None:
        """Go to the beginning of a trial.

        Args:
            variables: Values of `network.variables`: weights, statistics, states of random generators.
        """
        assign_all(self.assigned(), [*variables, *self._optimizer_start, *self.variables.values(config, seed)])

    def state(self) -> list[np.ndarray]:
        """The values of all that training changes."""
        return values_of(self.assigned())

    def restore(self, state: list[np.ndarray]) -> None:
        """Go back to values that `state` gave."""
        assign_all(self.assigned(), state)

    def assigned(self) -> list[Any]:
        """Every variable that `start` assigns, of Keras or of TensorFlow."""
        return [*self.network.variables, *optimizer_state(self._optimizer), *self.variables.all()]

    def call(self, inputs: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Probabilities, or standardized numbers of a regression, float32 (rows, outputs)."""
        return tf.cast(self.network(inputs, training=training), tf.float32)

    def train_step(
        self,
        inputs: tf.Tensor,
        labels: tf.Tensor,
        present: tf.Tensor,
        rate: tf.Tensor,
        weights: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Learn from a batch at this learning rate. Returns the batch's `row_sums`."""
        values = [weight.value for weight in self.network.trainable_variables]
        gradients, sums = self.differentiate(lambda: self.call(inputs, training=True), values, labels, present, weights)
        self.apply(gradients, rate)
        return sums

    def apply(self, gradients: list[tf.Tensor | None], rate: tf.Tensor) -> None:
        """Change the trainable variables of the network by these gradients, at this learning rate."""
        self._optimizer.learning_rate = rate
        self._optimizer.apply(gradients, self.network.trainable_variables)

    def differentiate(
        self,
        predict: Callable[[], tf.Tensor],
        by: list[Any],
        labels: tf.Tensor,
        present: tf.Tensor,
        weights: tf.Tensor | None = None,
    ) -> tuple[list[tf.Tensor | None], tf.Tensor]:
        """Gradients of the batch's mean loss `by` these tensors or variables, and its `row_sums`.

        Args:
            predict: Gives the probabilities of the batch.
            labels: As in `row_losses`.
            present: float32 (rows,), 1 for a row and 0 for padding.
            weights: float32 (rows,), factors of the rows' losses, as Keras's `sample_weight`; None: all are 1.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(by)
            probabilities = predict()
            losses = row_losses(self.loss, labels, probabilities)
            if weights is not None:
                losses *= weights
            penalty = self.penalty()
            loss = tf.reduce_sum(losses * present) / tf.reduce_sum(present) + penalty
            loss = self._optimizer.scale_loss(loss)  # the loss itself, unless gradients are of float16
        return tape.gradient(loss, by), row_sums(losses, penalty, row_scores(labels, probabilities), present)

    def evaluate(self, labels: tf.Tensor, probabilities: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """The `row_sums` of a batch that is not learned from."""
        losses = row_losses(self.loss, labels, probabilities)
        return row_sums(losses, self.penalty(), row_scores(labels, probabilities), present)


def assign_all(variables: list[Any], values: list[np.ndarray]) -> None:
    """Assign to variables of Keras or of TensorFlow values of their dtypes.

    Their own `assign` takes twenty times as long, most of it for checks.

    Raises:
        ValueError: the values are those of other variables, as their number or a shape shows.
    """
    for variable, value in zip(variables, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise ValueError(f"A variable of shape {tuple(variable.shape)} cannot take values of shape {value.shape}.")
        tf.raw_ops.AssignVariableOp(resource=handle_of(variable), value=tf.constant(value))


def values_of(variables: list[Any]) -> list[np.ndarray]:
    """The values of variables of Keras or of TensorFlow, for `assign_all`; faster than by their own `numpy`."""
    return [
        tf.raw_ops.ReadVariableOp(resource=handle_of(variable), dtype=tf.as_dtype(variable.dtype)).numpy()
        for variable in variables
    ]


def handle_of(variable: Any) -> Any:
    """TensorFlow's handle of a variable of Keras or of TensorFlow."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def built_in_learner(config: Config, arrays: Arrays) -> Learner:
    """The built-in network of this structure. The numbers of `config` are not baked in."""
    variables = TrialVariables()
    network = make_network(
        {**config, "l1": 0.0, "l2": 0.0},
        arrays.input_shape,
        arrays.outputs,
        arrays.task,
        make_dropout=lambda _: SharedRateDropout(variables.dropout),
    )
    is_penalized = bool(config["l1"] or config["l2"])

    def penalty() -> tf.Tensor:
        return _weight_penalty(network, variables.penalties) if is_penalized else tf.constant(0.0)

    has_momentum = bool(config["momentum"])
    optimizer = SharedMomentum(variables.momentum, variables.is_nesterov) if has_momentum else make_optimizer(config)
    return Learner(network, optimizer, loss_of(config), penalty, variables)


def row_sums(losses: tf.Tensor, penalty: tf.Tensor, scores: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Sums over the rows that are present: of loss with penalty, and of scores, float32 (2,).

    Where several numbers are predicted, each target has a sum of scores: float32 (1 + targets,).
    """
    loss = tf.reduce_sum((losses + penalty) * present)
    if len(scores.shape) == 1:
        return tf.stack([loss, tf.reduce_sum(scores * present)])
    return tf.concat([[loss], tf.reduce_sum(scores * present[:, tf.newaxis], axis=0)], axis=0)


def _weight_penalty(network: keras.Model, penalties: tf.Variable) -> tf.Tensor:
    kernels = [layer.kernel.value for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    absolute = tf.add_n([tf.reduce_sum(tf.abs(kernel)) for kernel in kernels])
    squared = tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])
    return penalties[0] * absolute + penalties[1] * squared
