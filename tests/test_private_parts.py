"""The private parts of libraries that hpstudy uses still exist in the installed versions."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from hpstudy.study.keras_levels import OPTIMIZERS
from hpstudy.training.keras_private import (
    PYTHON_OPERATIONS,
    RANDOM_OPERATIONS,
    RepeatableNames,
    SharedMomentum,
    SharedRateDropout,
    optimizer_state,
)


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


@pytest.mark.parametrize("momentum", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("is_nesterov", [False, True], ids=["momentum", "nesterov"])
def test_shared_momentum_takes_the_steps_of_keras_to_the_last_bit(momentum: float, is_nesterov: bool) -> None:
    begin, *gradients = np.random.default_rng(0).normal(size=(6, 17, 5)).astype(np.float32)

    def weights(optimizer: keras.optimizers.Optimizer) -> list[bytes]:
        weight = keras.Variable(begin)
        optimizer.build([weight])

        def step(gradient: tf.Tensor, rate: tf.Tensor) -> None:
            optimizer.learning_rate = rate
            optimizer.apply([gradient], [weight])

        compiled, reached = tf.function(step, jit_compile=True, autograph=False), []
        for number, gradient in enumerate(gradients, 1):
            compiled(tf.constant(gradient), tf.constant(0.1 / number))
            reached.append(weight.numpy().tobytes())
        return reached

    shared = SharedMomentum(tf.Variable(momentum), tf.Variable(is_nesterov))
    problem = f"Keras {keras.__version__} has another SGD than training/keras_private.py"
    assert weights(shared) == weights(keras.optimizers.SGD(momentum=momentum, nesterov=is_nesterov)), problem


def test_dropout_of_keras_still_has_a_seed_generator_of_the_name_that_is_used() -> None:
    layer = SharedRateDropout(tf.Variable(0.5))
    problem = f"Keras {keras.__version__} has renamed Dropout.seed_generator, see training/keras_private.py"
    assert isinstance(getattr(layer, "seed_generator", None), keras.random.SeedGenerator), problem


def test_names_in_a_compiled_program_do_not_depend_on_what_was_made_before() -> None:
    def made(key: str) -> tuple[str, list[str]]:
        names = RepeatableNames(key)
        with names():
            layer = keras.layers.Dense(2)
            count = tf.function(lambda end: tf.while_loop(lambda i: i < end, lambda i: (i + 1,), [tf.constant(0)]))
            graph = count.get_concrete_function(tf.constant(3)).graph
        functions = [graph.name, *(function.signature.name for function in graph.as_graph_def().library.function)]
        return layer.name, sorted(re.sub(r"\d{8,}(\d{4})", r"\1", name) for name in functions)

    first = made("one")
    keras.layers.Dense(2)
    made("two")
    problem = f"TensorFlow {tf.__version__} or Keras {keras.__version__} numbers in another way"
    assert made("three") == first, problem
    assert first[0] == "dense", problem


@pytest.mark.parametrize("name", sorted(RANDOM_OPERATIONS | PYTHON_OPERATIONS))
def test_an_operation_that_is_looked_for_in_graphs_is_one_of_tensorflow(name: str) -> None:
    problem = f"TensorFlow {tf.__version__} has no operation {name}, see training/keras_private.py"
    assert hasattr(tf.raw_ops, name), problem


def test_mlflow_takes_another_address_within_a_block_only(tmp_path: Path) -> None:
    import mlflow

    from hpstudy.tracking.mlflow.private import use_tracking_uri

    before, other = mlflow.get_tracking_uri(), (tmp_path / "runs").as_uri()
    with use_tracking_uri(other):
        assert mlflow.get_tracking_uri() == other
    assert mlflow.get_tracking_uri() == before


def test_psycopg_still_has_the_wait_that_is_overridden_and_its_timeout() -> None:
    psycopg = pytest.importorskip("psycopg")
    from hpstudy.storage.psycopg_private import WaitTimeout

    assert issubclass(WaitTimeout, psycopg.Error)
    assert callable(getattr(psycopg.Connection, "wait", None)), "psycopg has renamed Connection.wait"
