"""Graphs of compiled functions, kept between processes: reading one takes milliseconds, tracing it half a second.

TensorFlow finds what XLA compiled on disk (`compiled`), but only by the graph, for which it would have to run the
Python of a whole epoch again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import keras
import tensorflow as tf

from hpstudy.training.compiled import keep_graph, kept_graph
from hpstudy.training.keras_private import Graph, graph_of
from hpstudy.training.learner import handle_of


class Traced:
    """A function that XLA compiles, from a graph that this or another process traced.

    A process traces or reads a graph once, and keeps what XLA compiled from it: another object of the same key starts
    at once, also while the first one is in use, as variables are inputs of a graph.

    Args:
        function: From tensors to one tensor. All that it does depends on their shapes and dtypes and on the key.
        variables: Of Keras or of TensorFlow: all that it reads or changes.
        key: Another text for every other function.
    """

    _known: ClassVar[dict[str, Graph]] = {}  # by name, of this process

    def __init__(self, function: Callable[..., tf.Tensor], variables: list[Any], key: str) -> None:
        self._function, self._handles = function, [handle_of(variable) for variable in variables]
        decisive = repr((key, _software(), _settings()))
        self._name = f"hpstudy_{hashlib.sha256(decisive.encode()).hexdigest()[:32]}"
        self.compilations = 0  # or 1, where no other object of this process had what XLA compiled

    def __call__(self, *inputs: Any) -> tf.Tensor:
        if self._name not in self._known:
            self._known[self._name] = Graph(kept_graph(self._name) or self._trace(inputs))
            self.compilations = 1
        return self._known[self._name](inputs, self._handles)

    def _trace(self, inputs: tuple[Any, ...]) -> bytes:
        traced = tf.function(self._function, jit_compile=True, autograph=False).get_concrete_function(*inputs)
        content = graph_of(traced, self._handles, self._name)
        keep_graph(self._name, content)
        return content


@cache
def _software() -> tuple[str, ...]:
    sources = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        sources.update(file.read_bytes())
    return sources.hexdigest(), tf.__version__, keras.__version__


def _settings() -> tuple[str, ...]:
    """Those of Keras that layers take up when they are called."""
    config = keras.config
    return config.floatx(), config.dtype_policy().name, str(config.epsilon()), config.image_data_format()
