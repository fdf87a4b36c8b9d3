"""Levels that are classes of Keras: the name of each in Keras, one table per factor, without loading Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """A class of `keras.optimizers`."""

    keras: str
    learning_rate: float = 0.001  # the default of Keras
    momentum: float | None = None  # the default of hpstudy; None: the optimizer has no momentum
    options: Mapping[str, Any] = field(default_factory=dict)  # arguments of the class that make it this level


@dataclass(frozen=True, kw_only=True)
class Initializer:
    """A class of `keras.initializers`."""

    keras: str
    options: Mapping[str, Any] = field(default_factory=dict)


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer(keras="SGD", learning_rate=0.01, momentum=0.0),
    "momentum": Optimizer(keras="SGD", learning_rate=0.01, momentum=0.9),
    "nesterov": Optimizer(keras="SGD", learning_rate=0.01, momentum=0.9, options={"nesterov": True}),
    "adagrad": Optimizer(keras="Adagrad"),
    "rmsprop": Optimizer(keras="RMSprop"),
    "adam": Optimizer(keras="Adam"),
    "adamw": Optimizer(keras="AdamW"),
    "nadam": Optimizer(keras="Nadam"),
}
MOMENTUM_OPTIMIZERS = tuple(name for name, optimizer in OPTIMIZERS.items() if optimizer.momentum is not None)

INITIALIZERS: Mapping[str, Initializer] = {
    "zeros": Initializer(keras="Zeros"),
    "normal_1": Initializer(keras="RandomNormal", options={"stddev": 1.0}),
    "normal_0.1": Initializer(keras="RandomNormal", options={"stddev": 0.1}),
    "normal_0.01": Initializer(keras="RandomNormal", options={"stddev": 0.01}),
    "glorot_uniform": Initializer(keras="GlorotUniform"),
    "glorot_normal": Initializer(keras="GlorotNormal"),
    "he_uniform": Initializer(keras="HeUniform"),
    "he_normal": Initializer(keras="HeNormal"),
    "lecun_uniform": Initializer(keras="LecunUniform"),
    "lecun_normal": Initializer(keras="LecunNormal"),
    "orthogonal": Initializer(keras="Orthogonal"),
}

ACTIVATIONS: Mapping[str, str | None] = {  # the names that layers of Keras take
    **{name: name for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu")},
    "linear": None,
}
