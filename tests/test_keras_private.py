"""What hpstudy knows of private parts of Keras and TensorFlow is still there in the installed versions."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from hpstudy.study.keras_levels import OPTIMIZERS
from hpstudy.training.keras_private import PYTHON_OPERATIONS, RANDOM_OPERATIONS, SharedRateDropout, optimizer_state


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_whose_state_is_put_back_takes_the_same_steps_again(name: str) -> None:
    known = OPTIMIZERS[name]
    weight = keras.Variable(np.ones(3, np.float32))
    optimizer = getattr(keras.optimizers, known.keras)(learning_rate=0.1, **known.options)
    optimizer.build([weight])
    begin = [(variable, variable.numpy()) for variable in (weight, *optimizer_state(optimizer))]

    def steps() -> list[list[float]]:
        for variable, value in begin:
            variable.assign(value)
        reached = []
        for gradient in (0.1, -0.3, 0.7):
            optimizer.apply([tf.fill([3], gradient)], [weight])
            reached.append(weight.numpy().tolist())
        return reached

    problem = f"Keras {keras.__version__} keeps state of {known.keras} that training/keras_private.py does not know"
    assert steps() == steps(), problem


def test_dropout_of_keras_still_has_a_seed_generator_of_the_name_that_is_used() -> None:
    layer = SharedRateDropout(tf.Variable(0.5))
    problem = f"Keras {keras.__version__} has renamed Dropout.seed_generator, see training/keras_private.py"
    assert isinstance(getattr(layer, "seed_generator", None), keras.random.SeedGenerator), problem


@pytest.mark.parametrize("name", sorted(RANDOM_OPERATIONS | PYTHON_OPERATIONS))
def test_an_operation_that_is_looked_for_in_graphs_is_one_of_tensorflow(name: str) -> None:
    problem = f"TensorFlow {tf.__version__} has no operation {name}, see training/keras_private.py"
    assert hasattr(tf.raw_ops, name), problem
