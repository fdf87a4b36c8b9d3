"""All that hpstudy knows of private parts of Keras and TensorFlow. tests/test_private_parts.py holds it against theirs.

So a version that has renamed one of them fails in that test, not in a study that trains to other numbers.
"""

from __future__ import annotations

import random
from typing import Any

import keras
import tensorflow as tf

# Operations whose random numbers do not come from `keras.random`. Under XLA they differ every time, whatever the seed;
# without XLA their seed is that of the first trial.
RANDOM_OPERATIONS = frozenset(
    (
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
        *("ParameterizedTruncatedNormal", "RandomShuffle", "RandomGamma", "RandomPoisson", "RandomPoissonV2"),
        "Multinomial",
    )
)
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
