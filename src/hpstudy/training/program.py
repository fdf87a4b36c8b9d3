"""Epochs as one compiled program.

`keras.Model.fit` spends most of its time on Python between the batches of a small network. Here XLA compiles the whole
loop over batches, and around it a loop over a block of epochs. The program depends only on the structure of a trial:
learning rate, dropout rate, penalties, initial values, seeds and the split are its inputs, so trials of one structure
share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from hpstudy.study.factors import Config
from hpstudy.training.epoch_graph import Batches, EpochGraph
from hpstudy.training.keras_private import RepeatableNames
from hpstudy.training.learner import built_in_learner
from hpstudy.training.traced import Traced

if TYPE_CHECKING:
    from hpstudy.data import Arrays


BLOCK_EPOCHS = 64  # at most; more save no more time
BLOCK_ROWS = 250_000  # row numbers that a block may hold, a megabyte; an epoch of many rows gains nothing in a block


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """What an epoch gives, as Keras's `fit` defines it: means over rows, with penalties included in losses.

    A score is the accuracy, or in a regression the mean squared error of standardized targets, of each if there are
    several.
    """

    loss: float
    score: float | np.ndarray
    val_loss: float
    val_score: float | np.ndarray


class Program(Protocol):
    """Trains and evaluates one epoch after another, for all trials of one structure.

    Not thread-safe: a program trains one trial at a time.
    """

    @property
    def network(self) -> keras.Model:
        """The network that it trains; it belongs to the program, not to a trial."""

    @property
    def steps(self) -> int:
        """Training batches of an epoch."""

    @property
    def block(self) -> int:
        """The most epochs that one call of `epochs` trains."""

    @property
    def compilations(self) -> int:
        """How often its epoch was compiled: at most once, whatever configurations of its structure came."""

    def store(self, arrays: Arrays) -> Any:
        """What a process keeps of a dataset, for all of its splits and all programs of this class."""

    def rows(self, arrays: Arrays, stored: Any, weights: np.ndarray | None = None) -> Any:
        """What `epochs` takes: the stored dataset, a split, and `row_weights`. `stored` comes from `store`."""

    def start(self, config: Config, variables: list[np.ndarray], seed: int) -> None:
        """Go to the beginning of a trial.

        Args:
            variables: Values of `network.variables`: weights, statistics, states of random generators.
        """

    def state(self) -> list[np.ndarray]:
        """Everything that training has changed so far, for `restore`."""

    def restore(self, state: list[np.ndarray]) -> None:
        """Go back to where the trial was when `state` was taken."""

    def epochs(self, rows: Any, orders: Sequence[np.ndarray], rates: np.ndarray) -> list[EpochMetrics]:
        """For each of 1 to `block` epochs, train once on every row of its order, then evaluate on the validation rows.

        Args:
            orders: Of each epoch int32 (training rows,), row numbers in the order of training.
            rates: (epochs, steps), the learning rate of each step.
        """


@dataclass(frozen=True, kw_only=True)
class DenseSplit:
    """A dataset and a split of it, as tensors."""

    x: tf.Tensor  # as in `Arrays.x`
    y: tf.Tensor  # as `Arrays.truth`
    scale: tf.Tensor  # float32, () or (features,)
    offset: tf.Tensor  # as scale
    validation: tf.Tensor  # int32 (validation rows,), padded with zeros to whole evaluation batches
    weights: tuple[tf.Tensor, ...]  # `row_weights`, if there are any

    @staticmethod
    def store(arrays: Arrays) -> tuple[tf.Tensor, tf.Tensor]:
        """x and y, which all splits of a dataset share; but each standardizes targets by its own training rows."""
        return tf.constant(arrays.x), tf.constant(arrays.y)

    @classmethod
    def of(
        cls,
        arrays: Arrays,
        stored: tuple[tf.Tensor, tf.Tensor],
        batches: Batches,
        weights: np.ndarray | None,
    ) -> DenseSplit:
        x, y = stored
        padding = -len(arrays.validation) % batches.validation_size
        return cls(
            x=x,
            y=tf.constant(arrays.truth) if arrays.standardization else y,
            scale=tf.constant(arrays.scale),
            offset=tf.constant(arrays.offset),
            validation=tf.constant(np.pad(arrays.validation, (0, padding))),
            weights=() if weights is None else (tf.constant(weights),),
        )

    def inputs(self, order: np.ndarray, rates: np.ndarray) -> tuple[Any, ...]:
        """Those of `EpochGraph.train_and_evaluate`, or of `train_block` if order and rates are those of a block.

        Without the weights, which come last.

        Args:
            order: int32 (…, steps · batch), padded.
            rates: float32 (…, steps).
        """
        return self.x, self.y, self.scale, self.offset, order, rates, self.validation


class DenseProgram:
    """A `Program` for the built-in network.

    Args:
        config: A trial of this structure; its numbers are not baked in.
        arrays: Gives shapes and the encoding; the program keeps none of its arrays.
        structure: Another text for each structure.
    """

    def __init__(self, config: Config, arrays: Arrays, structure: str) -> None:
        self._names = RepeatableNames(structure)
        with self._names():
            self._learner = built_in_learner(config, arrays)
        self._batches = Batches.of(config, arrays)
        self.network, self.steps = self._learner.network, self._batches.steps
        self.block = min(BLOCK_EPOCHS, max(1, BLOCK_ROWS // len(arrays.train)))
        graph = EpochGraph(self._learner, config, arrays, pads=True)
        self._epochs = Traced(graph.train_block, self._learner.assigned(), structure)

    @property
    def compilations(self) -> int:
        return self._epochs.compilations

    def store(self, arrays: Arrays) -> Any:
        return DenseSplit.store(arrays)

    def rows(self, arrays: Arrays, stored: Any, weights: np.ndarray | None = None) -> DenseSplit:
        return DenseSplit.of(arrays, stored, self._batches, weights)

    def start(self, config: Config, variables: list[np.ndarray], seed: int) -> None:
        self._learner.start(config, variables, seed)

    def state(self) -> list[np.ndarray]:
        return self._learner.state()

    def restore(self, state: list[np.ndarray]) -> None:
        self._learner.restore(state)

    def epochs(self, rows: DenseSplit, orders: Sequence[np.ndarray], rates: np.ndarray) -> list[EpochMetrics]:
        """The shapes of the inputs are those of a whole block, so that blocks of every length share one compilation."""
        count = len(orders)
        padded = np.zeros((self.block, self.steps * self._batches.size), np.int32)
        padded_rates = np.zeros((self.block, self.steps), np.float32)
        padded[:count, : self._batches.rows], padded_rates[:count] = orders, rates
        with self._names():
            means = self._epochs(*rows.inputs(padded, padded_rates), tf.constant(count), *rows.weights).numpy()
        return [epoch_metrics(of_epoch) for of_epoch in means[:count]]


def epoch_metrics(means: np.ndarray) -> EpochMetrics:
    """From what `EpochGraph.train_and_evaluate` gives."""
    (loss, *scores), (val_loss, *val_scores) = np.split(means.astype(float), 2)
    score, val_score = (one[0] if len(one) == 1 else np.array(one) for one in (scores, val_scores))
    return EpochMetrics(loss=float(loss), score=score, val_loss=float(val_loss), val_score=val_score)
