"""One epoch as a graph: a loop over batches that train, then one over batches that are evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hpstudy.study.factors import Config
from hpstudy.training.augmentation import Augment
from hpstudy.training.learner import Learner

if TYPE_CHECKING:
    from hpstudy.data import Arrays

EVALUATION_BATCH = 1024  # rows; larger is no faster on a CPU and needs more memory


@dataclass(frozen=True, kw_only=True)
class Batches:
    """How an epoch divides rows into batches. The last one may have fewer."""

    rows: int  # to train on
    size: int  # rows of a training batch
    validation_rows: int
    validation_size: int  # rows of an evaluation batch

    @classmethod
    def of(cls, config: Config, arrays: Arrays) -> Batches:
        rows, size = len(arrays.train), config["batch_size"]
        return cls(
            rows=rows,
            size=rows if size == "full" else min(int(size), rows),  # type: ignore[arg-type]
            validation_rows=len(arrays.validation),
            validation_size=min(EVALUATION_BATCH, len(arrays.validation)),
        )

    @property
    def steps(self) -> int:
        """Training batches of an epoch."""
        return -(-self.rows // self.size)


class EpochGraph:
    """Traced by `tf.function`, it is a whole epoch. Shapes and the encoding are baked in, the numbers are its inputs.

    Args:
        arrays: Gives shapes and the encoding; none of its arrays is kept.
        pads: Whether a last batch of fewer rows is filled up, so that it needs no second body of the loop.
    """

    def __init__(self, learner: Learner, config: Config, arrays: Arrays, *, pads: bool) -> None:
        self._learner, self._pads = learner, pads
        self._batches = Batches.of(config, arrays)
        self._augment = Augment(config["augmentation"], learner.variables.seeds)  # type: ignore[arg-type]
        self._encoding, self._features = arrays.encoding, arrays.features
        self._input_shape = arrays.input_shape
        self._sums = 2 if arrays.y.ndim == 1 else 1 + arrays.outputs  # of loss and scores

    def train_and_evaluate(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        scale: tf.Tensor,
        offset: tf.Tensor,
        order: tf.Tensor,
        rates: tf.Tensor,
        validation: tf.Tensor,
        weights: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Means of loss and scores over training rows, then over validation rows, float32 (2 · sums,).

        There is one score, or where several numbers are predicted, one for each.
        """
        batches = self._batches

        def batch(numbers: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
            inputs = self._decode(tf.gather(x, numbers))
            if training:
                inputs = self._augment(inputs, self._input_shape)
            inputs = inputs * scale + offset
            return tf.reshape(inputs, (-1, *self._input_shape)), tf.gather(y, numbers)

        def train(step: tf.Tensor, size: int, sums: tf.Tensor) -> tf.Tensor:
            first = step * batches.size
            numbers = tf.slice(order, [first], [size])
            inputs, labels = batch(numbers, training=True)
            present = self._present(first, size, batches.rows)
            of_batch = None if weights is None else tf.gather(weights, numbers)
            return sums + self._learner.train_step(inputs, labels, present, rates[step], of_batch)

        def evaluate(step: tf.Tensor, size: int, sums: tf.Tensor) -> tf.Tensor:
            first = step * batches.validation_size
            inputs, labels = batch(tf.slice(validation, [first], [size]), training=False)
            present = self._present(first, size, batches.validation_rows)
            probabilities = self._learner.call(inputs, training=False)
            return sums + self._learner.evaluate(labels, probabilities, present)

        trained = self._over_batches(batches.rows, batches.size, train)
        evaluated = self._over_batches(batches.validation_rows, batches.validation_size, evaluate)
        return tf.concat([trained / batches.rows, evaluated / batches.validation_rows], axis=0)

    def train_block(  # noqa: PLR0913, PLR0917 - the inputs of a compiled program
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        scale: tf.Tensor,
        offset: tf.Tensor,
        orders: tf.Tensor,
        rates: tf.Tensor,
        validation: tf.Tensor,
        count: tf.Tensor,
        weights: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """`train_and_evaluate` for the first `count` of a block's epochs, one after the other.

        The count is no constant, so XLA computes an epoch of a short block by the same instructions as one of a long
        block, and the bits are the same.

        Returns:
            float32 (epochs of the block, 2 · sums), zeros after the first `count`.
        """

        def train(epoch: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            means = self.train_and_evaluate(x, y, scale, offset, orders[epoch], rates[epoch], validation, weights)
            return epoch + 1, tf.tensor_scatter_nd_update(found, [[epoch]], means[tf.newaxis])

        start = (tf.constant(0), tf.zeros((orders.shape[0], 2 * self._sums)))
        _, found = tf.while_loop(lambda epoch, _: epoch < count, train, start, parallel_iterations=1)
        return found

    def _over_batches(self, rows: int, size: int, body: Callable[[tf.Tensor, int, tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """Add up `body(step, rows of the batch, sums)` over the batches, float32 (sums,)."""
        whole = -(-rows // size) if self._pads else rows // size
        sums = loop(whole, lambda step, sums: body(step, size, sums), self._sums)
        if whole * size >= rows:
            return sums
        with tf.control_dependencies([sums]):  # without XLA, what calls Python would not wait for the loop
            return body(tf.constant(whole), rows % size, sums)

    def _decode(self, raw: tf.Tensor) -> tf.Tensor:
        """Stored rows become float32 (batch, features)."""
        if self._encoding == "bits":
            bits = tf.bitwise.right_shift(
                raw[:, :, tf.newaxis], tf.constant([0, 1, 2, 3, 4, 5, 6, 7], tf.uint8)
            ) & tf.constant(1, tf.uint8)
            raw = tf.reshape(bits, (tf.shape(raw)[0], -1))[:, : self._features]
        return tf.cast(raw, tf.float32)

    def _present(self, first: tf.Tensor, size: int, rows: int) -> tf.Tensor:
        return present(first, size, rows) if self._pads else tf.ones(size)


def present(first: tf.Tensor, size: int, rows: int) -> tf.Tensor:
    """1 for each row of a batch, 0 for padding after the last row, float32 (size,)."""
    if rows % size == 0:
        return tf.ones(size)
    return tf.cast(first + tf.range(size) < rows, tf.float32)


def loop(count: int, body: Any, sums: int = 2) -> tf.Tensor:
    """Add up `body(step, sums)` over the steps, one after the other, starting with zeros, float32 (sums,).

    Outside XLA, TensorFlow would otherwise begin a step before the one before it has changed the weights.
    """
    _, found = tf.while_loop(
        lambda step, sums: step < count,
        lambda step, sums: (step + 1, body(step, sums)),
        (tf.constant(0), tf.zeros(sums)),
        parallel_iterations=1,
    )
    return found
