"""One epoch on rows of words, whose first layer sums the weights of the words that occur.

A review has some 130 of 10,000 words, so a dense product with the first kernel and its gradient do 77 times too much.
XLA has no fast sparse product for processors; SciPy has. So SciPy computes these two, and functions that are
compiled for the structure, as in `program`, the rest. The numbers are those of `program`, up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import sparse

from hpstudy.data import decode
from hpstudy.study.factors import Config
from hpstudy.training.model import row_hits, row_losses
from hpstudy.training.program import EpochMetrics, Program, loop, row_sums

if TYPE_CHECKING:
    from hpstudy.data import Arrays

WORTH_CELLS = 600_000  # of a decoded batch: below it the dense program is faster, as one call does a whole epoch
_CHUNK_ROWS = 1024  # decoded at a time


@dataclass(frozen=True, kw_only=True)
class SparseRows:
    """A dataset and a split."""

    x: sparse.csr_array  # float32 (rows, features)
    y: NDArray[np.int32]  # (rows,)
    validation: NDArray[np.int32]  # (validation rows,)


def is_worth_it(config: Config, arrays: Arrays) -> bool:
    """Whether the built-in network is trained faster by a `SparseProgram`, on this machine and at this batch size."""
    batch = len(arrays.train) if config["batch_size"] == "full" else int(config["batch_size"])  # type: ignore[arg-type]
    is_unscaled = bool(np.all(arrays.scale == 1)) and not arrays.offset.any()
    is_large = min(batch, len(arrays.train)) * arrays.features >= WORTH_CELLS
    return arrays.encoding == "bits" and is_unscaled and is_large and not tf.config.list_physical_devices("GPU")


class SparseProgram(Program):
    """A `Program` for the built-in network on a 0-1 matrix of few ones, unscaled."""

    def __init__(self, config: Config, arrays: Arrays) -> None:
        super().__init__(config, arrays)
        self._first, *self._others = self.network.layers
        self._words: list[sparse.csr_array] = []  # by batch of the epoch in training
        self._epoch = tf.function(self._train, autograph=False)
        self._gradients = tf.function(self._differentiate_batch, jit_compile=True, autograph=False)
        self._update = tf.function(self._apply, jit_compile=True, autograph=False)
        self._validate = tf.function(self._evaluate, jit_compile=True, autograph=False)

    @staticmethod
    def store(arrays: Arrays) -> sparse.csr_array:
        """The ones of the whole dataset."""
        chunks = (arrays.x[first : first + _CHUNK_ROWS] for first in range(0, len(arrays.x), _CHUNK_ROWS))
        decoded = (sparse.csr_array(decode(chunk, arrays.encoding, arrays.features)) for chunk in chunks)
        return sparse.vstack(list(decoded), format="csr", dtype=np.float32)

    def rows(self, arrays: Arrays, stored: sparse.csr_array) -> SparseRows:
        """What `epoch` takes; `stored` comes from `store`."""
        return SparseRows(x=stored, y=np.asarray(arrays.y), validation=arrays.validation)

    def epoch(self, rows: SparseRows, order: np.ndarray, rates: np.ndarray) -> EpochMetrics:  # type: ignore[override]
        """As in `Program`."""
        labels = np.zeros(self.steps * self._batch, np.int32)
        labels[: self._rows] = rows.y[order]
        self._words = [rows.x[order[first : first + self._batch]] for first in range(0, self._rows, self._batch)]
        sums = self._epoch(labels.reshape(self.steps, self._batch), rates.astype(np.float32))
        loss, accuracy = (float(mean) for mean in sums.numpy() / self._rows)
        products = rows.x[rows.validation] @ self._first.kernel.numpy()
        sums = self._validate(products, rows.y[rows.validation])
        val_loss, val_accuracy = (float(mean) for mean in sums.numpy() / self._validation_rows)
        return EpochMetrics(loss=loss, accuracy=accuracy, val_loss=val_loss, val_accuracy=val_accuracy)

    def _train(self, labels: tf.Tensor, rates: tf.Tensor) -> tf.Tensor:
        """Sums of loss and accuracy, float32 (2,). Labels are int32 (steps, batch), rates float32 (steps,)."""
        kernel = self._first.kernel

        def train(step: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
            products = tf.numpy_function(self._multiply, [step, kernel.value], tf.float32)
            products = tf.ensure_shape(products, (self._batch, self._first.units))
            by_products, by_weights, of_batch = self._gradients(products, tf.gather(labels, step), step)
            by_kernel = tf.numpy_function(self._multiply_transposed, [step, by_products], tf.float32)
            by_weights[0] += tf.ensure_shape(by_kernel, kernel.shape)
            self._update(by_weights, tf.gather(rates, step))
            return sums + of_batch

        return loop(self.steps, train)

    def _multiply(self, step: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """(batch, units): the batch's words times the kernel, with rows of zeros behind a last batch of fewer rows."""
        words = self._words[step]
        products = np.zeros((self._batch, kernel.shape[1]), np.float32)
        products[: words.shape[0]] = words @ kernel
        return products

    def _multiply_transposed(self, step: np.ndarray, by_products: np.ndarray) -> np.ndarray:
        """The gradient by the kernel, (features, units), from that by its products."""
        words = self._words[step]
        by_kernel: np.ndarray = words.T @ by_products[: words.shape[0]]
        return by_kernel

    def _predict(self, products: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Probabilities from the products of the first layer, as the network has them."""
        outputs = self._first.activation(products + self._first.bias)
        for layer in self._others:
            outputs = layer(outputs, training=training)
        return outputs

    def _differentiate_batch(
        self, products: tf.Tensor, labels: tf.Tensor, step: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Gradients by the products and by all weights (by the first kernel: its penalty's alone), and the sums."""
        present = self._present(step * self._batch, self._batch, self._rows)
        by: list[Any] = [products, *(weight.value for weight in self.network.trainable_variables)]
        gradients, sums = self._differentiate(lambda: self._predict(products, training=True), by, labels, present)
        by_products, by_kernel, *by_others = gradients
        return by_products, [tf.constant(0.0) if by_kernel is None else by_kernel, *by_others], sums

    def _apply(self, by_weights: list[tf.Tensor], rate: tf.Tensor) -> None:
        self._optimizer.learning_rate = rate
        self._optimizer.apply(by_weights, self.network.trainable_variables)

    def _evaluate(self, products: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        probabilities = self._predict(products, training=False)
        losses = row_losses(self._loss, labels, probabilities)
        return row_sums(losses, self._penalty(), row_hits(labels, probabilities), tf.ones(self._validation_rows))
