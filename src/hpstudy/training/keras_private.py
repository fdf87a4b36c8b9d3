"""All that hpstudy knows of private parts of Keras and TensorFlow. tests/test_private_parts.py holds it against theirs.

So a version that has renamed one of them fails in that test, not in a study that trains to other numbers.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import keras
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.core.framework.function_pb2 import FunctionDefLibrary
from tensorflow.python.eager import context
from tensorflow.python.eager.polymorphic_function import concrete_function
from tensorflow.python.ops import control_flow_util_v2

# Operations whose random numbers do not come from `keras.random`. Under XLA they differ every time, whatever the seed;
# without XLA their seed is that of the first trial.
RANDOM_OPERATIONS = frozenset(
    (
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
        *("ParameterizedTruncatedNormal", "RandomShuffle", "RandomGamma", "RandomPoisson", "RandomPoissonV2"),
        "Multinomial",
    )
)
_CAPTURED = "_hpstudy_captured"  # TensorFlow leaves attributes alone whose names begin with an underscore
PYTHON_OPERATIONS = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))  # they call back into Python


class SharedRateDropout(keras.layers.Dropout):  # type: ignore[misc] # Keras has no types
    """Dropout whose rate is a variable, so that another rate needs no new compilation."""

    def __init__(self, rate: tf.Variable) -> None:
        super().__init__(0.5)  # any rate above 0: only then does Keras make `seed_generator`
        self._shared_rate = rate

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        return tf.nn.experimental.stateless_dropout(inputs, rate=self._shared_rate, seed=seed, rng_alg="threefry")


class SharedMomentum(keras.optimizers.SGD):  # type: ignore[misc] # Keras has no types
    """SGD with momentum whose momentum and Nesterov's switch are variables: others need no new compilation.

    Plain SGD is no case of it: the bits of 0 · v − rate · g are not those of −rate · g where both are zeros, and it
    would read and write a velocity of each weight for nothing.

    Args:
        momentum: float32 (), above 0.
        is_nesterov: bool ().
    """

    def __init__(self, momentum: tf.Variable, is_nesterov: tf.Variable) -> None:
        super().__init__(momentum=0.5)  # any above 0: only then does Keras make `momentums`
        self._shared_momentum, self._is_nesterov = momentum, is_nesterov

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """The steps of Keras's SGD, bit by bit (Sutskever et al. 2013)."""
        velocity = self.momentums[self._get_variable_index(variable)]
        step = learning_rate * gradient
        changed = velocity * self._shared_momentum - step
        self.assign(velocity, changed)
        self.assign_add(variable, tf.where(self._is_nesterov, changed * self._shared_momentum - step, changed))


class RepeatableNames:
    """Within the context, layers and compiled functions get names that do not depend on what was made before.

    Both number what they make through the whole process, and TensorFlow finds a compiled program on disk by its text,
    in which these names occur. So it would find only what it makes in the same order as another process.

    Args:
        key: What is made here. A second object of the same key gives other names, as the first one's may be in use.
    """

    _made: ClassVar[Counter[str]] = Counter()

    def __init__(self, key: str) -> None:
        self._made[key] += 1
        digest = hashlib.sha256(f"{key} {self._made[key]}".encode()).digest()
        self._prefix, self._numbers = int.from_bytes(digest[:6], "big"), itertools.count()
        self._layers: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        of_keras = global_state.get_global_attribute("object_name_uids")
        of_loops, of_functions = control_flow_util_v2.unique_fn_name, concrete_function._inference_name
        global_state.set_global_attribute("object_name_uids", self._layers)
        control_flow_util_v2.unique_fn_name = lambda scope, name: self._name(scope + name).replace("/", "_")
        concrete_function._inference_name = lambda name: self._name(f"__inference_{name}")
        try:
            yield
        finally:
            global_state.set_global_attribute("object_name_uids", of_keras)
            control_flow_util_v2.unique_fn_name = of_loops
            concrete_function._inference_name = of_functions

    def _name(self, text: str) -> str:
        return f"{text}_{self._prefix}{next(self._numbers):04}"


def graph_of(traced: Any, handles: list[Any], name: str) -> bytes:
    """The graph of a concrete function, for `Graph`.

    Args:
        traced: Gives one tensor, and captures no others than these handles of variables.
        name: Where the names of its functions begin: those that they have are those of others in another process.
    """
    library = FunctionDefLibrary(function=[traced.function_def, *traced.graph.as_graph_def().library.function])
    names = {function.signature.name: f"{name}_{place}" for place, function in enumerate(library.function)}
    for function in library.function:
        function.signature.name = names[function.signature.name]
        for value in (value for node in function.node_def for value in node.attr.values()):
            for called in (value.func, *value.list.func) if value.HasField("func") else value.list.func:
                called.name = names[called.name]
    places = {id(handle): place for place, handle in enumerate(handles)}
    library.function[0].attr[_CAPTURED].list.i.extend(places[id(handle)] for handle in traced.captured_inputs)
    content: bytes = library.SerializeToString(deterministic=True)
    return content


class Graph:
    """A function of TensorFlow's runtime, from what `graph_of` gave, perhaps in another process.

    It is called like an operation, with its inputs and all handles of variables that `graph_of` was given the like of.
    """

    def __init__(self, content: bytes) -> None:
        library = FunctionDefLibrary.FromString(content)
        self._name = library.function[0].signature.name.encode()
        self._captured = list(library.function[0].attr[_CAPTURED].list.i)
        for function in library.function:
            context.context().add_function_def(function)

    def __call__(self, inputs: Sequence[Any], handles: list[Any]) -> tf.Tensor:
        tensors = [tf.convert_to_tensor(given) for given in inputs]
        captured = [handles[place] for place in self._captured]
        return context.context().call_function(self._name, [*tensors, *captured], 1)[0]


def set_default_seed(seed: int) -> None:
    """Decide what `default_seed` gives, as `keras.utils.set_random_seed` does.

    That sets TensorFlow's seed as well, which built-in networks do not use, and with it TensorFlow forgets how to run
    every operation: the next ones take ten times as long.
    """
    random.seed(seed)


def default_seed() -> int:
    """The seed of the next layer or initializer that is given none."""
    return random.randint(1, int(1e9))


def optimizer_state(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Every variable that a step of a built optimizer changes. Nadam keeps one of them outside `variables`."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    hidden = [inner._u_product] if isinstance(inner, keras.optimizers.Nadam) else []
    return [*optimizer.variables, *hidden]
