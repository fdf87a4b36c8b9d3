"""Settings that Keras keeps for the whole process, such as the dtype policy: each own network keeps its own.

A `build` function may change them, as a script does that trains one network. The next trial, and whatever hpstudy
makes itself, must not be affected.
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
    """The settings that layers look up when they are created or called."""

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
    """The block begins with the settings of outside; what it changes is restored at its end."""
    before, runs_eagerly = KerasSettings.now(), tf.config.functions_run_eagerly()
    if before.policy.name == before.floatx:  # it follows floatx, but Keras caches it once it was read
        keras.utils.clear_session(free_memory=False)
    try:
        yield
    finally:
        before.apply()
        tf.config.run_functions_eagerly(runs_eagerly)


def remember_settings(network: keras.Model) -> None:
    """Note that this network was built with the current settings."""
    _BUILT_WITH[network] = KerasSettings.now()


@contextmanager
def settings_of(network: keras.Model) -> Iterator[None]:
    """Apply the settings that the network was built with. Call it and its layers only inside the block."""
    before = KerasSettings.now()
    _BUILT_WITH.get(network, before).apply()
    try:
        yield
    finally:
        before.apply()
