"""What Keras keeps for the whole process, such as the dtype policy: each network of a study's own has its own.

A `build` function may set it, as a script does that trains one network. Here the next trial, and all that hpstudy
makes itself, must not notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import keras
import tensorflow as tf


@dataclass(frozen=True, kw_only=True)
class KerasSettings:
    """The settings that layers look up when they are made or called."""

    policy: keras.DTypePolicy
    floatx: str
    epsilon: float
    image_data_format: str

    @classmethod
    def now(cls) -> KerasSettings:
        return cls(
            policy=keras.config.dtype_policy(),
            floatx=keras.config.floatx(),
            epsilon=keras.config.epsilon(),
            image_data_format=keras.config.image_data_format(),
        )

    def apply(self) -> None:
        keras.config.set_dtype_policy(self.policy)
        keras.config.set_floatx(self.floatx)
        keras.config.set_epsilon(self.epsilon)
        keras.config.set_image_data_format(self.image_data_format)


_BUILT_WITH: WeakKeyDictionary[keras.Model, KerasSettings] = WeakKeyDictionary()


@contextmanager
def separate_settings() -> Iterator[None]:
    """What is set inside begins as it is outside, and ends with the block."""
    before, runs_eagerly = KerasSettings.now(), tf.config.functions_run_eagerly()
    if before.policy.name == before.floatx:  # then it follows floatx, but Keras has noted it when it was asked
        keras.utils.clear_session(free_memory=False)
    try:
        yield
    finally:
        before.apply()
        tf.config.run_functions_eagerly(runs_eagerly)


def remember_settings(network: keras.Model) -> None:
    """Note that this network was built with the settings of now."""
    _BUILT_WITH[network] = KerasSettings.now()


@contextmanager
def settings_of(network: keras.Model) -> Iterator[None]:
    """The settings that the network was built with. Whoever calls it or its layers does so inside."""
    before = KerasSettings.now()
    _BUILT_WITH.get(network, before).apply()
    try:
        yield
    finally:
        before.apply()
