"""What the large parts of a training step cost by themselves, each compiled alone in a loop of as many steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hpstudy.training.model import make_optimizer

_STEPS = 1500
_TIMES = 7  # the fastest counts


def parts_us(config: dict[str, Any], features: int) -> dict[str, float]:
    """Microseconds a step, by part, for the first layer of a network on images; the deeper ones are not looked at."""
    batch, units = int(config["batch_size"]), int(config["units"])
    images = tf.constant(np.random.default_rng(0).integers(0, 256, (60_000, features)).astype(np.uint8))
    order = tf.constant(np.random.default_rng(1).permutation(60_000).astype(np.int32))
    inputs, kernel = tf.random.uniform((batch, features)), tf.random.uniform((features, units))
    gradient = tf.random.uniform((batch, units))
    weights = tf.Variable(kernel)
    optimizer = make_optimizer(config)
    optimizer.build([weights])

    def fetch(step: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        numbers = tf.slice(order, [step * batch % 50_000], [batch])
        return tf.cast(tf.gather(images, numbers), tf.float32) / 255.0

    def apply(_: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        optimizer.apply([weights.value() * 0.01], [weights])
        return state

    def nudged(tensor: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Depends on the step before, so that nothing is computed once for all steps."""
        return tensor + state[:1, :1]

    return {
        "fetching and scaling the rows": _us(fetch, inputs),
        "the first product": _us(lambda _, state: nudged(inputs, state) @ kernel, gradient),
        "its gradient": _us(
            lambda _, state: tf.matmul(inputs, nudged(gradient, state), transpose_a=True) * 1e-9, kernel
        ),
        f"{config['optimizer']} on its weights": _us(apply, tf.zeros(())),
    }


def _us(body: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], start: tf.Tensor) -> float:
    def loop(start: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(
            lambda step, _: step < _STEPS,
            lambda step, state: (step + 1, body(step, state)),
            (tf.constant(0), start),
        )[1]

    run = tf.function(loop, jit_compile=True, autograph=False)
    seconds = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        run(start).numpy()
        seconds.append(time.perf_counter() - begun)
    return min(seconds) / _STEPS * 1e6
