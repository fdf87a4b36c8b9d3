"""One epoch as one compiled program.

`keras.Model.fit` spends most of its time on Python between the batches of a small network. Here the whole
loop over batches is compiled by XLA. The program depends on the structure of a trial only: learning rate,
dropout rate, penalties, initial values, seeds and the split are its inputs, so trials of one structure share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from hpstudy.study.factors import Config
from hpstudy.training.model import make_network, make_optimizer, row_hits, row_losses

if TYPE_CHECKING:
    from hpstudy.data import Arrays

EVALUATION_BATCH = 1024  # rows; larger is no faster on a CPU and needs more memory
_SHIFT_PIXELS = 2  # the most that augmentation moves an image


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """What an epoch gives, as Keras's `fit` defines it: means over rows, penalties included in losses."""

    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A dataset and a split as tensors."""

    x: tf.Tensor  # as in `Arrays.x`
    y: tf.Tensor  # int32 (rows,)
    scale: tf.Tensor  # float32, () or (features,)
    offset: tf.Tensor
    validation: tf.Tensor  # int32 (validation rows,), padded with zeros to whole evaluation batches

    @classmethod
    def of(cls, arrays: Arrays, stored: tuple[tf.Tensor, tf.Tensor]) -> Rows:
        """`stored` is what `Program.store` gave: x and y, shared by all splits of a dataset."""
        x, y = stored
        padding = -len(arrays.validation) % _evaluation_batch(arrays)
        return cls(
            x=x,
            y=y,
            scale=tf.constant(arrays.scale),
            offset=tf.constant(arrays.offset),
            validation=tf.constant(np.pad(arrays.validation, (0, padding))),
        )


def _evaluation_batch(arrays: Arrays) -> int:
    return min(EVALUATION_BATCH, len(arrays.validation))


class SharedRateDropout(keras.layers.Dropout):  # type: ignore[misc] # Keras has no types
    """Dropout whose rate is a variable, so that another rate needs no new compilation."""

    def __init__(self, rate: tf.Variable) -> None:
        super().__init__(0.5)
        self._shared_rate = rate

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        return tf.nn.experimental.stateless_dropout(inputs, rate=self._shared_rate, seed=seed, rng_alg="threefry")


class Program:
    """A network, an optimizer and a compiled epoch for one structure.

    Not thread-safe: a program trains one trial at a time.

    Args:
        config: A trial of this structure; its numbers are not baked in.
        arrays: Gives shapes and the encoding; the program keeps none of its arrays.
        network: Another one than the built-in one.
    """

    _pads = True  # a last batch of fewer rows, so that it needs no second body
    is_new = True  # no epoch was trained with it, so the next one compiles it

    def __init__(self, config: Config, arrays: Arrays, network: keras.Model | None = None) -> None:
        self._dropout = tf.Variable(0.0, trainable=False)
        self._penalties = tf.Variable([0.0, 0.0], trainable=False)  # of Σ|w| and of Σw²
        self._penalized = bool(config["l1"] or config["l2"]) and network is None
        bare = {**config, "l1": 0.0, "l2": 0.0}
        self.network = (
            network
            if network is not None
            else make_network(
                bare, arrays.input_shape, arrays.outputs, make_dropout=lambda _: SharedRateDropout(self._dropout)
            )
        )
        self._optimizer = self._make_optimizer(config)
        self._optimizer.build(self.network.trainable_variables)
        self._optimizer_start = [variable.numpy() for variable in self._optimizer_state()]
        self._loss = str(config["loss"])
        self._augmentation = str(config["augmentation"])
        self._encoding, self._features = arrays.encoding, arrays.features
        self._input_shape, self._outputs = arrays.input_shape, arrays.outputs
        self._rows, self._validation_rows = len(arrays.train), len(arrays.validation)
        self._evaluation_batch = _evaluation_batch(arrays)
        self._batch = self._rows if config["batch_size"] == "full" else min(int(config["batch_size"]), self._rows)  # type: ignore[arg-type]
        self.steps = -(-self._rows // self._batch)
        self._seeds = keras.random.SeedGenerator(0)
        self._epoch = tf.function(self._train_and_evaluate, jit_compile=True, autograph=False)

    @staticmethod
    def store(arrays: Arrays) -> Any:
        """What a process keeps of a dataset, for all of its splits."""
        return tf.constant(arrays.x), tf.constant(arrays.y)

    def rows(self, arrays: Arrays, stored: Any) -> Any:
        """What `epoch` takes; `stored` comes from `store`."""
        return Rows.of(arrays, stored)

    def start(self, config: Config, variables: list[np.ndarray], seed: int) -> None:
        """Put the program at the beginning of a trial.

        Args:
            variables: Values of `network.variables`: weights, statistics, states of random generators.
        """
        for variable, value in zip(self.network.variables, variables, strict=True):
            variable.assign(value)
        for variable, value in zip(self._optimizer_state(), self._optimizer_start, strict=True):
            variable.assign(value)
        self._dropout.assign(float(config["dropout"] or 0.0))
        self._penalties.assign([float(config["l1"] or 0.0), float(config["l2"] or 0.0)])
        self._seeds.state.assign([seed, 0])

    def epoch(self, rows: Rows, order: np.ndarray, rates: np.ndarray) -> EpochMetrics:
        """Train on every row of `order` once, then evaluate on the validation rows.

        Args:
            order: int32 (training rows,), row numbers in the order of training.
            rates: (steps,), the learning rate of each step.
        """
        padded = np.zeros(self.steps * self._batch, np.int32)
        padded[: self._rows] = order
        means = self._run(rows.x, rows.y, rows.scale, rows.offset, padded, rates.astype(np.float32), rows.validation)
        loss, accuracy, val_loss, val_accuracy = (float(mean) for mean in means.numpy())
        return EpochMetrics(loss=loss, accuracy=accuracy, val_loss=val_loss, val_accuracy=val_accuracy)

    def _run(self, *inputs: Any) -> tf.Tensor:
        return self._epoch(*inputs)

    def _make_optimizer(self, config: Config) -> keras.optimizers.Optimizer:
        return make_optimizer(config)

    def _optimizer_state(self) -> list[Any]:
        """Nadam keeps one number outside `variables`."""
        extra = getattr(getattr(self._optimizer, "inner_optimizer", self._optimizer), "_u_product", None)
        return [*self._optimizer.variables, *([] if extra is None else [extra])]

    def _train_and_evaluate(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        scale: tf.Tensor,
        offset: tf.Tensor,
        order: tf.Tensor,
        rates: tf.Tensor,
        validation: tf.Tensor,
    ) -> tf.Tensor:
        """Means of loss and accuracy over training rows, then over validation rows, float32 (4,)."""

        def batch(numbers: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
            raw = tf.gather(x, numbers)
            inputs = self._decode(raw)
            if training and self._augmentation != "none":
                inputs = self._augment(inputs)
            inputs = inputs * scale + offset
            return tf.reshape(inputs, (-1, *self._input_shape)), tf.gather(y, numbers)

        def train(step: tf.Tensor, size: int, sums: tf.Tensor) -> tf.Tensor:
            first = step * self._batch
            inputs, labels = batch(tf.slice(order, [first], [size]), training=True)
            present = self._present(first, size, self._rows)
            self._optimizer.learning_rate = rates[step]
            return sums + self._train_step(inputs, labels, present)

        def evaluate(step: tf.Tensor, size: int, sums: tf.Tensor) -> tf.Tensor:
            first = step * self._evaluation_batch
            inputs, labels = batch(tf.slice(validation, [first], [size]), training=False)
            present = self._present(first, size, self._validation_rows)
            probabilities = self._call(inputs, training=False)
            losses = row_losses(self._loss, labels, probabilities)
            return sums + row_sums(losses, self._penalty(), row_hits(labels, probabilities), present)

        trained = self._over_batches(self._rows, self._batch, train)
        evaluated = self._over_batches(self._validation_rows, self._evaluation_batch, evaluate)
        return tf.concat([trained / self._rows, evaluated / self._validation_rows], axis=0)

    def _over_batches(self, rows: int, size: int, body: Callable[[tf.Tensor, int, tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """Add up `body(step, rows of the batch, sums)` over the batches, float32 (2,)."""
        whole = -(-rows // size) if self._pads else rows // size
        sums = loop(whole, lambda step, sums: body(step, size, sums))
        if whole * size >= rows:
            return sums
        with tf.control_dependencies([sums]):  # without XLA, what calls Python would not wait for the loop
            return body(tf.constant(whole), rows % size, sums)

    def _call(self, inputs: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Probabilities, float32 (rows, outputs)."""
        return self.network(inputs, training=training)

    def _train_step(self, inputs: tf.Tensor, labels: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        weights = self.network.trainable_variables
        values = [weight.value for weight in weights]
        gradients, sums = self._differentiate(lambda: self._call(inputs, training=True), values, labels, present)
        self._optimizer.apply(gradients, weights)
        return sums

    def _differentiate(
        self, predict: Callable[[], tf.Tensor], by: list[Any], labels: tf.Tensor, present: tf.Tensor
    ) -> tuple[list[tf.Tensor | None], tf.Tensor]:
        """Gradients of the batch's mean loss `by` these tensors or variables, and its `row_sums`."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(by)
            probabilities = predict()
            losses = row_losses(self._loss, labels, probabilities)
            penalty = self._penalty()
            loss = tf.reduce_sum(losses * present) / tf.reduce_sum(present) + penalty
            loss = self._optimizer.scale_loss(loss)  # the loss itself, unless gradients are of float16
        return tape.gradient(loss, by), row_sums(losses, penalty, row_hits(labels, probabilities), present)

    def _decode(self, raw: tf.Tensor) -> tf.Tensor:
        """Stored rows become float32 (batch, features)."""
        if self._encoding == "bits":
            bits = tf.bitwise.right_shift(
                raw[:, :, tf.newaxis], tf.constant([0, 1, 2, 3, 4, 5, 6, 7], tf.uint8)
            ) & tf.constant(1, tf.uint8)
            raw = tf.reshape(bits, (tf.shape(raw)[0], -1))[:, : self._features]
        return tf.cast(raw, tf.float32)

    def _augment(self, inputs: tf.Tensor) -> tf.Tensor:
        """Move each image by up to two pixels each way, mirror it with probability 1/2, or both."""
        count = inputs.shape[0]
        height, width = self._input_shape[:2]

        def shifts() -> tf.Tensor:
            if self._augmentation == "flip":
                return tf.zeros((count, 1), tf.int32)
            return keras.random.randint((count, 1), -_SHIFT_PIXELS, _SHIFT_PIXELS + 1, seed=self._seeds)

        from_row = tf.range(height)[tf.newaxis] + shifts()
        from_column = tf.range(width)[tf.newaxis] + shifts()
        inside = tf.logical_and(
            _within(from_row, height)[:, :, tf.newaxis], _within(from_column, width)[:, tf.newaxis, :]
        )
        if self._augmentation in ("flip", "both"):
            mirrored = keras.random.randint((count, 1), 0, 2, seed=self._seeds) == 1
            from_column = tf.where(mirrored, width - 1 - from_column, from_column)
        row = tf.clip_by_value(from_row, 0, height - 1)[:, :, tf.newaxis]
        column = tf.clip_by_value(from_column, 0, width - 1)[:, tf.newaxis, :]
        source = tf.reshape(row * width + column, (count, height * width))
        moved = tf.gather(inputs, source, batch_dims=1)
        return moved * tf.cast(tf.reshape(inside, (count, height * width)), tf.float32)

    def _penalty(self) -> tf.Tensor:
        if self._penalized:
            kernels = [layer.kernel.value for layer in self.network.layers if isinstance(layer, keras.layers.Dense)]
            absolute = tf.add_n([tf.reduce_sum(tf.abs(kernel)) for kernel in kernels])
            squared = tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])
            return self._penalties[0] * absolute + self._penalties[1] * squared
        return tf.constant(0.0)

    def _present(self, first: tf.Tensor, size: int, rows: int) -> tf.Tensor:
        """1 for each row of the batch, 0 for padding behind the last row, float32 (size,)."""
        if rows % size == 0 or not self._pads:
            return tf.ones(size)
        return tf.cast(first + tf.range(size) < rows, tf.float32)


def row_sums(losses: tf.Tensor, penalty: tf.Tensor, hits: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Sums over the rows that are present: of loss with penalty, and of hits, float32 (2,)."""
    return tf.stack([tf.reduce_sum((losses + penalty) * present), tf.reduce_sum(hits * present)])


def _within(numbers: tf.Tensor, size: int) -> tf.Tensor:
    return tf.logical_and(numbers >= 0, numbers < size)


def loop(count: int, body: Any) -> tf.Tensor:
    """Add up `body(step, sums)` over the steps, one after the other, starting with zeros, float32 (2,).

    Outside XLA, TensorFlow would begin a step while another one has not yet changed the weights, if it were allowed to.
    """
    _, sums = tf.while_loop(
        lambda step, sums: step < count,
        lambda step, sums: (step + 1, body(step, sums)),
        (tf.constant(0), tf.zeros(2)),
        parallel_iterations=1,
    )
    return sums
