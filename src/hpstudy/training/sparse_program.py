"""One epoch on rows of words, whose first layer sums the weights of the words that occur.

A review has some 130 of 10,000 words, so a dense product with the first kernel and its gradient do 77 times too much.
XLA has no fast sparse product for processors; SciPy has. So SciPy computes these two, and functions compiled for the
structure, as in `program`, compute the rest. The numbers are those of `program`, up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import sparse

from hpstudy.data import decode
from hpstudy.study.factors import Config
from hpstudy.training.epoch_graph import Batches, loop, present
from hpstudy.training.keras_private import RepeatableNames
from hpstudy.training.learner import built_in_learner
from hpstudy.training.program import EpochMetrics

if TYPE_CHECKING:
    from hpstudy.data import Arrays

WORTH_CELLS = (
    600_000  # of a decoded batch; a smaller one is faster in the dense program, where one call does a whole epoch
)
_CHUNK_ROWS = 1024  # rows decoded at a time


@dataclass(frozen=True, kw_only=True)
class SparseSplit:
    """A dataset and a split of it, on the processor."""

    x: sparse.csr_array  # float32 (rows, features)
    y: NDArray[np.int32]  # (rows,)
    validation: NDArray[np.int32]  # (validation rows,)
    weights: NDArray[np.float32] | None  # `row_weights`


def is_worth_it(config: Config, arrays: Arrays) -> bool:
    """Whether the built-in network is trained faster by a `SparseProgram`, on this machine and at this batch size."""
    batch = len(arrays.train) if config["batch_size"] == "full" else int(config["batch_size"])  # type: ignore[arg-type]
    is_unscaled = bool(np.all(arrays.scale == 1)) and not arrays.offset.any()
    is_large = min(batch, len(arrays.train)) * arrays.features >= WORTH_CELLS
    is_sparse = arrays.encoding == "bits" and arrays.task == "classification"
    return is_sparse and is_unscaled and is_large and not tf.config.list_physical_devices("GPU")


class SparseProgram:
    """A `Program` for the built-in network on a 0-1 matrix of few ones, unscaled.

    A block is one epoch: SciPy needs its batches, and an epoch is long beside a call.
    """

    def __init__(self, config: Config, arrays: Arrays, structure: str) -> None:
        self._names = RepeatableNames(structure)
        with self._names():
            self._learner = built_in_learner(config, arrays)
        self._batches = Batches.of(config, arrays)
        self.network, self.steps = self._learner.network, self._batches.steps
        self._first, *self._others = self.network.layers
        self._words: list[sparse.csr_array] = []  # of each batch of the current epoch
        self._epoch = tf.function(self._train, autograph=False)
        self._gradients = tf.function(self._differentiate, jit_compile=True, autograph=False)
        self._update = tf.function(self._learner.apply, jit_compile=True, autograph=False)
        self._validate = tf.function(self._evaluate, jit_compile=True, autograph=False)

    @property
    def block(self) -> int:
        return 1

    @property
    def compilations(self) -> int:
        return int(self._epoch.experimental_get_tracing_count())

    def store(self, arrays: Arrays) -> sparse.csr_array:
        """The ones of the whole dataset."""
        chunks = (arrays.x[first : first + _CHUNK_ROWS] for first in range(0, len(arrays.x), _CHUNK_ROWS))
        decoded = (sparse.csr_array(decode(chunk, arrays.encoding, arrays.features)) for chunk in chunks)
        return sparse.vstack(list(decoded), format="csr", dtype=np.float32)

    def rows(self, arrays: Arrays, stored: sparse.csr_array, weights: np.ndarray | None = None) -> SparseSplit:
        return SparseSplit(x=stored, y=np.asarray(arrays.y), validation=arrays.validation, weights=weights)

    def start(self, config: Config, variables: list[np.ndarray], seed: int) -> None:
        self._learner.start(config, variables, seed)

    def state(self) -> list[np.ndarray]:
        return self._learner.state()

    def restore(self, state: list[np.ndarray]) -> None:
        self._learner.restore(state)

    def epochs(self, rows: SparseSplit, orders: Sequence[np.ndarray], rates: np.ndarray) -> list[EpochMetrics]:
        (order,), (of_steps,) = orders, rates.astype(np.float32)
        count, size = self._batches.rows, self._batches.size
        labels = self._by_steps(rows.y[order])
        weights = () if rows.weights is None else (self._by_steps(rows.weights[order]),)
        self._words = [rows.x[order[first : first + size]] for first in range(0, count, size)]
        with self._names():
            sums = self._epoch(labels, of_steps, *weights)
        loss, accuracy = (float(mean) for mean in sums.numpy() / count)
        products = rows.x[rows.validation] @ self._first.kernel.numpy()
        with self._names():
            sums = self._validate(products, rows.y[rows.validation])
        val_loss, val_accuracy = (float(mean) for mean in sums.numpy() / self._batches.validation_rows)
        return [EpochMetrics(loss=loss, score=accuracy, val_loss=val_loss, val_score=val_accuracy)]

    def _by_steps(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the rows in the order of training as (steps, batch), padded with zeros."""
        padded = np.zeros(self.steps * self._batches.size, values.dtype)
        padded[: len(values)] = values
        return padded.reshape(self.steps, -1)

    def _train(self, labels: tf.Tensor, rates: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """The sums of loss and accuracy, float32 (2,).

        Labels are int32 (steps, batch), rates float32 (steps,), weights of the rows float32 (steps, batch).
        """
        kernel = self._first.kernel

        def train(step: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
            products = tf.numpy_function(self._multiply, [step, kernel.value], tf.float32)
            products = tf.ensure_shape(products, (self._batches.size, self._first.units))
            of_rows = () if weights is None else (tf.gather(weights, step),)
            by_products, by_weights, of_batch = self._gradients(products, tf.gather(labels, step), step, *of_rows)
            by_kernel = tf.numpy_function(self._multiply_transposed, [step, by_products], tf.float32)
            by_weights[0] += tf.ensure_shape(by_kernel, kernel.shape)
            self._update(by_weights, tf.gather(rates, step))
            return sums + of_batch

        return loop(self.steps, train)

    def _multiply(self, step: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """(batch, units): the batch's words times the kernel, with rows of zeros after a last batch of fewer rows."""
        words = self._words[step]
        products = np.zeros((self._batches.size, kernel.shape[1]), np.float32)
        products[: words.shape[0]] = words @ kernel
        return products

    def _multiply_transposed(self, step: np.ndarray, by_products: np.ndarray) -> np.ndarray:
        """The gradient by the kernel, (features, units), from the gradient by its products."""
        words = self._words[step]
        by_kernel: np.ndarray = words.T @ by_products[: words.shape[0]]
        return by_kernel

    def _predict(self, products: tf.Tensor, *, training: bool) -> tf.Tensor:
        """The network's probabilities, from the products of its first layer."""
        outputs = self._first.activation(products + self._first.bias)
        for layer in self._others:
            outputs = layer(outputs, training=training)
        return outputs

    def _differentiate(
        self, products: tf.Tensor, labels: tf.Tensor, step: tf.Tensor, weights: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Gradients by the products and by all weights, and the sums. By the first kernel, only its penalty's."""
        size = self._batches.size
        is_there = present(step * size, size, self._batches.rows)
        by: list[Any] = [products, *(weight.value for weight in self.network.trainable_variables)]
        gradients, sums = self._learner.differentiate(
            lambda: self._predict(products, training=True), by, labels, is_there, weights
        )
        by_products, by_kernel, *by_others = gradients
        return by_products, [tf.constant(0.0) if by_kernel is None else by_kernel, *by_others], sums

    def _evaluate(self, products: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        probabilities = self._predict(products, training=False)
        return self._learner.evaluate(labels, probabilities, tf.ones(self._batches.validation_rows))
