"""The compiled epoch of a study's own network, about which nothing is known except that Keras can call it.

XLA may lack a kernel; layers may keep state of their own or draw random numbers from TensorFlow. So the epoch is traced
and inspected first. If XLA cannot compile it, or would not follow the seed, TensorFlow runs the same loop itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from hpstudy.study.factors import Config, loss_of
from hpstudy.training.compiled import is_unusable
from hpstudy.training.epoch_graph import Batches, EpochGraph
from hpstudy.training.keras_private import PYTHON_OPERATIONS, RANDOM_OPERATIONS
from hpstudy.training.keras_settings import settings_of
from hpstudy.training.learner import Learner, TrialVariables, handle_of
from hpstudy.training.model import make_optimizer
from hpstudy.training.program import DenseSplit, EpochMetrics, epoch_metrics

if TYPE_CHECKING:
    from hpstudy.data import Arrays

_SLOWER = "so trials with such a layer are trained without XLA. They take longer and are recorded as the others."
NOT_COMPILED = f"XLA cannot compile a layer of the study's own network, {_SLOWER}"
NOT_SEEDED = (
    "A layer of the study's own network draws random numbers from TensorFlow itself, which under XLA do not follow the "
    f"trial's seed, {_SLOWER} Those of keras.random follow it under XLA, too."
)


class OwnProgram:
    """A `Program` for a network that a study file built.

    A block is one epoch: without XLA, and with layers that keep state, nothing is known of a loop over epochs.

    Args:
        network: Belongs to the program: each trial has its own network, which gets the weights at the end.
        told: Receives a sentence if XLA is not used.
    """

    def __init__(self, config: Config, arrays: Arrays, network: keras.Model, told: Callable[[str], None]) -> None:
        self._learner = _own_learner(network, config)
        self._batches = Batches.of(config, arrays)
        self.network, self.steps = network, self._batches.steps
        # Unpadded, as the network may look at the whole batch.
        self._graph = EpochGraph(self._learner, config, arrays, pads=False).train_and_evaluate
        self._epoch = tf.function(self._graph, jit_compile=True, autograph=False)
        self._told = told
        self._is_looked_at = self._has_run = self._has_foreign_state = False
        self._uses_xla = True

    @property
    def block(self) -> int:
        return 1

    @property
    def compilations(self) -> int:
        return int(self._epoch.experimental_get_tracing_count())

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
        (order,), (of_steps,) = orders, rates.astype(np.float32)
        padded = np.zeros(self.steps * self._batches.size, np.int32)
        padded[: len(order)] = order
        with settings_of(self.network):
            return [epoch_metrics(self._run(*rows.inputs(padded, of_steps), *rows.weights).numpy())]

    def can_train(self, inputs: tf.Tensor, outputs: np.ndarray, seed: int) -> bool:
        """Whether the program can train a trial that it was just started with.

        It cannot if a trial leaves a trace that `start` does not remove, or if `build` makes something other than
        weights anew each time, such as a random constant.

        Args:
            inputs: Rows, float32 (rows, *input_shape).
            outputs: What `predict` gives for them with the trial's own network.
        """
        if self._has_foreign_state:
            return False
        return np.allclose(predict(self.network, inputs, seed), outputs, rtol=1e-4, atol=1e-5, equal_nan=True)

    def _run(self, *inputs: Any) -> tf.Tensor:
        if not self._is_looked_at:
            self._look_at(self._epoch.get_concrete_function(*inputs))
        try:
            found = self._epoch(*inputs)
        except tf.errors.OpError as error:
            if self._has_run or not self._uses_xla or is_out_of_memory(error) or is_unusable(error):
                raise
            self._give_up_xla()  # XLA fails before anything is computed
            found = self._epoch(*inputs)
            self._told(NOT_COMPILED)
        self._has_run = True
        return found

    def _look_at(self, traced: Any) -> None:
        """Find out what the epoch uses besides weights. `traced` is TensorFlow's ConcreteFunction."""
        self._is_looked_at = True
        operations = set(_operations(traced.graph))
        ours = {id(handle_of(variable)) for variable in self._learner.assigned()}
        captured = [tensor for tensor in traced.captured_inputs if tensor.dtype in (tf.resource, tf.variant)]
        self._has_foreign_state = any(id(handle) not in ours for handle in captured) or bool(
            operations & (RANDOM_OPERATIONS | PYTHON_OPERATIONS)
        )
        if operations & RANDOM_OPERATIONS:
            self._give_up_xla()
            self._told(NOT_SEEDED)

    def _give_up_xla(self) -> None:
        self._uses_xla = False
        self._epoch = tf.function(self._graph, autograph=False)


def _own_learner(network: keras.Model, config: Config) -> Learner:
    def penalty() -> tf.Tensor:
        """What the weights, and the layers in the last call, add to the loss."""
        losses = [tf.reduce_sum(tf.cast(loss, tf.float32)) for loss in network.losses]
        return tf.add_n(losses) if losses else tf.constant(0.0)

    return Learner(network, _own_optimizer(network, config), loss_of(config), penalty, TrialVariables())


def _own_optimizer(network: keras.Model, config: Config) -> keras.optimizers.Optimizer:
    """The loss is scaled where Keras's `compile` scales it: small gradients vanish in float16."""
    optimizer = make_optimizer(config)
    if network.dtype_policy.name != "mixed_float16" or not network.trainable_variables:
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def predict(network: keras.Model, inputs: tf.Tensor, seed: int) -> np.ndarray:
    """The network's outputs for these rows, float64 (rows, outputs).

    Args:
        seed: For networks that draw random numbers even when they predict.
    """
    keras.utils.set_random_seed(seed)
    with settings_of(network):
        return np.asarray(tf.cast(network(inputs, training=False), tf.float64).numpy())


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether this is one of the ways in which the libraries report that memory ran out."""
    return isinstance(error, MemoryError | tf.errors.ResourceExhaustedError) or (
        isinstance(error, tf.errors.InternalError) and "out of memory" in str(error).lower()
    )


def _operations(graph: Any) -> Iterator[str]:
    """The types of all operations of a graph and of the functions that it calls, such as loop bodies."""
    definition = graph.as_graph_def()
    for part in (definition.node, *(function.node_def for function in definition.library.function)):
        yield from (node.op for node in part)
