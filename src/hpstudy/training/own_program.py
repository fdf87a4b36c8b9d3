"""The compiled epoch of a study's own network, of which nothing is known but that Keras can call it.

XLA may lack a kernel, layers may keep state of their own or draw random numbers of TensorFlow. So the epoch is traced
first and looked at; where XLA cannot compile it, or would not keep to the seed, TensorFlow runs the same loop itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from hpstudy.study.factors import Config
from hpstudy.training.keras_settings import settings_of
from hpstudy.training.model import make_optimizer
from hpstudy.training.program import EpochMetrics, Program, Rows

if TYPE_CHECKING:
    from hpstudy.data import Arrays

_SLOWER = "so trials with such a layer are trained without XLA. They take longer and are recorded as the others."
NOT_COMPILED = f"XLA cannot compile a layer of the study's own network, {_SLOWER}"
NOT_SEEDED = (
    "A layer of the study's own network draws random numbers from TensorFlow itself, which under XLA do not follow the "
    f"trial's seed, {_SLOWER} Those of keras.random follow it under XLA, too."
)
# XLA gives them other numbers every time, whatever the seed; without it their seed is that of the first trial.
_SEEDED_BY_GRAPH = {
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "ParameterizedTruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "RandomPoisson", "RandomPoissonV2", "Multinomial"),
}
_CALLS_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


class OwnProgram(Program):
    """A `Program` for a network that a study file built.

    Args:
        network: The program's alone: a trial that shares it has one of its own, which gets the weights at the end.
        told: Hears, in a sentence, that XLA is not used.
    """

    _pads = False  # the network may look at the whole batch

    def __init__(self, config: Config, arrays: Arrays, network: keras.Model, told: Callable[[str], None]) -> None:
        super().__init__(config, arrays, network)
        self._told = told
        self._is_looked_at = self._has_run = self._has_foreign_state = False
        self._uses_xla = True

    def can_train(self, inputs: tf.Tensor, outputs: np.ndarray, seed: int) -> bool:
        """Whether a trial that was just started with it can share it. `predict` has these outputs of its own network.

        Not where a trial leaves a trace that `start` does not remove, nor where `build` made something other than
        weights anew, such as a random constant.
        """
        if self._has_foreign_state:
            return False
        return np.allclose(predict(self.network, inputs, seed), outputs, rtol=1e-4, atol=1e-5, equal_nan=True)

    def epoch(self, rows: Rows, order: np.ndarray, rates: np.ndarray) -> EpochMetrics:
        """As in `Program`."""
        with settings_of(self.network):
            return super().epoch(rows, order, rates)

    def _run(self, *inputs: Any) -> tf.Tensor:
        if not self._is_looked_at:
            self._look_at(self._epoch.get_concrete_function(*inputs))
        try:
            found = self._epoch(*inputs)
        except tf.errors.OpError as error:
            if self._has_run or not self._uses_xla or is_out_of_memory(error):
                raise
            self._give_up_xla()  # it fails before anything is computed
            found = self._epoch(*inputs)
            self._told(NOT_COMPILED)
        self._has_run = True
        return found

    def _look_at(self, traced: Any) -> None:
        """Find out what the epoch holds besides weights: `traced` is TensorFlow's ConcreteFunction."""
        self._is_looked_at = True
        operations = set(_operations(traced.graph))
        ours = {id(handle) for handle in self._handles()}
        captured = [tensor for tensor in traced.captured_inputs if tensor.dtype in (tf.resource, tf.variant)]
        self._has_foreign_state = any(id(handle) not in ours for handle in captured) or bool(
            operations & (_SEEDED_BY_GRAPH | _CALLS_PYTHON)
        )
        if operations & _SEEDED_BY_GRAPH:
            self._give_up_xla()
            self._told(NOT_SEEDED)

    def _handles(self) -> Iterator[Any]:
        """Of all variables that `start` assigns."""
        for variable in (*self.network.variables, *self._optimizer_state(), self._seeds.state):
            yield getattr(variable, "value", variable).handle
        yield self._dropout.handle
        yield self._penalties.handle

    def _give_up_xla(self) -> None:
        self._uses_xla = False
        self._epoch = tf.function(self._train_and_evaluate, autograph=False)

    def _make_optimizer(self, config: Config) -> keras.optimizers.Optimizer:
        """Where Keras's `compile` scales the loss, here too: small gradients are no numbers of float16."""
        optimizer = make_optimizer(config)
        if self.network.dtype_policy.name != "mixed_float16" or not self.network.trainable_variables:
            return optimizer
        return keras.optimizers.LossScaleOptimizer(optimizer)

    def _call(self, inputs: tf.Tensor, *, training: bool) -> tf.Tensor:
        return tf.cast(super()._call(inputs, training=training), tf.float32)

    def _penalty(self) -> tf.Tensor:
        """What the layers of the last call and the weights add to the loss."""
        losses = [tf.reduce_sum(tf.cast(loss, tf.float32)) for loss in self.network.losses]
        return tf.add_n(losses) if losses else tf.constant(0.0)


def predict(network: keras.Model, inputs: tf.Tensor, seed: int) -> np.ndarray:
    """What it gives for these rows, float64 (rows, outputs).

    Args:
        seed: For networks that draw random numbers when they predict, too.
    """
    keras.utils.set_random_seed(seed)
    with settings_of(network):
        return np.asarray(tf.cast(network(inputs, training=False), tf.float64).numpy())


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the libraries say so, in one of their ways."""
    return isinstance(error, MemoryError | tf.errors.ResourceExhaustedError) or (
        isinstance(error, tf.errors.InternalError) and "out of memory" in str(error).lower()
    )


def _operations(graph: Any) -> Iterator[str]:
    """The kinds of all operations of a graph and of the functions that it calls, such as bodies of loops."""
    definition = graph.as_graph_def()
    for part in (definition.node, *(function.node_def for function in definition.library.function)):
        yield from (node.op for node in part)
