"""The built-in factors: their legal levels, their defaults, and which levels go together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal, TypeAlias, cast, get_args

from hpstudy.errors import UserError
from hpstudy.study.catalog import DATASETS, KINDS, DatasetInfo, Scaling, info_of
from hpstudy.study.keras_levels import ACTIVATIONS, INITIALIZERS, MOMENTUM_OPTIMIZERS, OPTIMIZERS
from hpstudy.study.legal import Config, Factor, Level, integer, layers, number, one_of, unknown
from hpstudy.study.metrics import METRICS_OF, MONITORED
from hpstudy.study.own import Own
from hpstudy.study.task import Task

__all__ = ["Config", "Factor", "Level", "unknown"]  # names from `legal` that are used from here

Schedule: TypeAlias = Literal["constant", "exponential", "cosine"]
Loss: TypeAlias = Literal["cross_entropy", "mse", "mae", "huber"]
Augmentation: TypeAlias = Literal["none", "shift", "flip", "both"]
ClassWeight: TypeAlias = Literal["none", "balanced"]


LOSSES: dict[Task, tuple[Loss, ...]] = {  # that suit a task, the default first
    "classification": ("cross_entropy", "mse"),
    "regression": ("mse", "mae", "huber"),
}


def loss_of(config: Config) -> Loss:
    """The loss of a whole configuration."""
    return cast(Loss, config["loss"])


def hidden_units(config: Config) -> list[int]:
    """The units of each hidden layer of a whole configuration."""
    units = config["units"]
    if isinstance(units, str):
        return [int(number) for number in units.split("-")]
    return [int(units)] * int(config["depth"])  # type: ignore[arg-type]


FACTORS: dict[str, Factor] = {
    factor.name: factor
    for factor in (
        Factor(name="optimizer", meaning="the update rule", default="adam", check=one_of(*OPTIMIZERS)),
        Factor(
            name="learning_rate",
            meaning="step size; by default Keras's own for the optimizer",
            default=None,
            check=number(0, positive=True),
            compiled="nothing",
        ),
        Factor(
            name="momentum",
            meaning="of sgd (0 by default), momentum and nesterov (0.9 by default)",
            default=None,
            check=number(0, 1),
            compiled="presence",
        ),
        Factor(
            name="schedule",
            meaning="of the learning rate over the whole training",
            default="constant",
            check=one_of(*get_args(Schedule)),
            compiled="nothing",
        ),
        Factor(
            name="initializer",
            meaning="initial values of the weights",
            default="glorot_uniform",
            check=one_of(*INITIALIZERS),
            compiled="nothing",
        ),
        Factor(
            name="activation",
            meaning="of the hidden layers",
            default="relu",
            check=one_of(*ACTIVATIONS),
        ),
        Factor(
            name="dropout",
            meaning="share dropped after each hidden layer",
            default=0.0,
            check=number(0, 1),
            compiled="presence",
        ),
        Factor(name="l1", meaning="penalty on the sum of |w|", default=0.0, check=number(0), compiled="presence"),
        Factor(name="l2", meaning="penalty on the sum of w²", default=0.0, check=number(0), compiled="presence"),
        Factor(
            name="depth",
            meaning="hidden layers; 0 is a single-layer perceptron",
            default=1,
            check=integer(0),
        ),
        Factor(
            name="units",
            meaning="in each hidden layer; a text such as '256-128-100' has a number for each and takes the place of "
            "depth",
            default=100,
            check=layers,
        ),
        Factor(
            name="batch_size",
            meaning="rows a step; 'full' is all training rows",
            default=32,
            check=integer(1, also=("full",)),
        ),
        Factor(
            name="epochs",
            meaning="passes over the training rows, at most",
            default=10,
            check=integer(1),
            compiled="nothing",
        ),
        Factor(
            name="loss",
            meaning="what training minimizes; in a regression of standardized targets, and mse by default",
            default="cross_entropy",
            check=one_of(*get_args(Loss)),
        ),
        Factor(
            name="scaling",
            meaning="of the inputs, fitted on training rows",
            default=None,
            check=one_of(*get_args(Scaling)),
            compiled="nothing",
        ),
        Factor(
            name="augmentation",
            meaning="random shift by up to two pixels, mirroring, or both",
            default="none",
            check=one_of(*get_args(Augmentation)),
        ),
        Factor(
            name="early_stopping",
            meaning="epochs without a better val_loss, or monitor, until training stops and the best weights return; "
            "None is off",
            default=None,
            check=integer(1, also=(None,)),
            compiled="nothing",
        ),
        Factor(
            name="monitor",
            meaning="the validation metric that early stopping watches",
            default="val_loss",
            check=one_of(*MONITORED),
            compiled="nothing",
        ),
        Factor(
            name="class_weight",
            meaning="how much rows count in training: all the same, or each class as a whole as much as another",
            default="none",
            check=one_of(*get_args(ClassWeight)),
        ),
        Factor(
            name="train_rows",
            meaning="a stratified subset of the training rows; None is all",
            default=None,
            check=integer(4, also=(None,)),
        ),
        *(factor for kind in KINDS for factor in kind.factors),
    )
}


def dataset_info(name: object) -> DatasetInfo:
    """What is known of a built-in dataset or of one's own. Raises UserError if the dataset is unknown."""
    if isinstance(name, Own):
        return info_of(name)
    if not isinstance(name, str) or name not in DATASETS:
        raise UserError(unknown_dataset(name))
    return DATASETS[name]


def unknown_dataset(name: object) -> str:
    """The sentence of an error, with what one's own dataset is."""
    own = " One of your own is a Table(…), Images(…), Texts(…) or Arrays(…), or what a function load() in the study "
    own += "file returns."
    if isinstance(name, str) and PurePath(name).suffix:
        own = f" A file of your own is dataset=Table({name!r}, target=…), with `from hpstudy import Table`."
    return unknown("dataset", name, DATASETS) + own


def check_level(name: str, level: Level) -> Level:
    """The normal form of one level of a factor. Factors of a user's own pass unchanged.

    Raises:
        UserError: the level is not legal; the message names the factor.
    """
    if name not in FACTORS:
        return level
    try:
        return FACTORS[name].check(level)
    except UserError as error:
        raise UserError(f"Factor {name!r}: {error}") from None


def default_config(dataset: DatasetInfo) -> dict[str, Level]:
    """Every built-in factor of this dataset at its default level."""
    config = {name: factor.default for name, factor in FACTORS.items() if _has(dataset, name)}
    return {**config, "scaling": dataset.scaling, "loss": LOSSES[dataset.task][0]}


def complete(config: Config) -> dict[str, Level]:
    """Fill in the levels whose defaults depend on other levels: learning rate, momentum and depth."""
    full = dict(config)
    if isinstance(full["units"], str):
        full["depth"] = len(hidden_units(full))
    optimizer = OPTIMIZERS[str(full["optimizer"])]
    if full["momentum"] is None:
        full["momentum"] = optimizer.momentum
    if full["learning_rate"] is None:
        full["learning_rate"] = optimizer.learning_rate
    return full


def structure(config: Config, *, own_network: bool = False) -> tuple[tuple[str, Level], ...]:
    """The part of a whole configuration on which a compiled epoch depends: trials with the same one can share it.

    Args:
        own_network: Whether a study's own `build` makes the network, which may depend on every level.
    """
    if own_network:
        return tuple(sorted(config.items(), key=str))
    compiled = {name: factor.compiled for name, factor in FACTORS.items() if name in config}
    levels = {name: level for name, level in config.items() if compiled.get(name) != "nothing"}
    levels |= {name: bool(config[name]) for name, what in compiled.items() if what == "presence"}
    if config.get("optimizer") in MOMENTUM_OPTIMIZERS:  # without momentum all are sgd, with it one program is for all
        levels["optimizer"] = "momentum" if config["momentum"] else "sgd"
    return tuple(sorted(levels.items(), key=str))


def check_combination(dataset: DatasetInfo, config: Config) -> None:
    """Refuse a configuration whose levels contradict each other.

    Args:
        config: Only what the study says: base and one level of each factor, without defaults.

    Raises:
        UserError: levels contradict each other; the message names them and a way out.
    """
    optimizer = config.get("optimizer", FACTORS["optimizer"].default)
    if config.get("momentum") is not None and optimizer not in MOMENTUM_OPTIMIZERS:
        raise UserError(
            f"momentum goes with {', '.join(MOMENTUM_OPTIMIZERS)}, not with optimizer={optimizer!r}. "
            'Let it exist only there: momentum=Choice(0.5, 0.9, when={"optimizer": ("sgd", "nesterov")}).'
        )
    if isinstance(config.get("units"), str) and "depth" in config:
        raise UserError(
            f"units={config['units']!r} says how many layers there are, so depth must not. Leave depth out."
        )
    if config.get("augmentation", "none") != "none" and not dataset.kind.augments:
        raise UserError(
            f"augmentation={config['augmentation']!r} needs images; {dataset.title} has none. "
            f"Datasets of images: {', '.join(owner.name for owner in DATASETS.values() if owner.kind.augments)}."
        )
    if (loss := config.get("loss")) is not None and loss not in LOSSES[dataset.task]:
        predicted = "a number" if dataset.targets else "a class"
        raise UserError(
            f"loss={loss!r} does not suit {dataset.title}, where {predicted} is predicted. "
            f"Legal: {', '.join(LOSSES[dataset.task])}."
        )
    monitor = config.get("monitor", FACTORS["monitor"].default)
    if monitor not in METRICS_OF[dataset.task]:
        legal = ", ".join(name for name in METRICS_OF[dataset.task] if name in MONITORED)
        raise UserError(f"monitor={monitor!r} does not exist for {dataset.title}. Legal: {legal}.")
    if config.get("class_weight", "none") != "none" and dataset.targets:
        raise UserError(
            f"class_weight={config['class_weight']!r} needs classes; of {dataset.title}, a number is predicted. "
            "Leave it out; weight= of a Table says how much each row counts."
        )
    if not dataset.kind.scales and config.get("scaling", "none") != "none":
        raise UserError(
            f"scaling={config['scaling']!r} does nothing for {dataset.title}, whose inputs are 0 or 1. "
            "Leave it out or take 'none'."
        )


def check_applies(dataset: DatasetInfo, name: str) -> None:
    """Refuse a built-in factor that this kind of datasets does not have."""
    if name in FACTORS and not _has(dataset, name):
        owners = [owner.name for owner in DATASETS.values() if _has(owner, name)]
        raise UserError(
            f"Factor {name!r} belongs to {', '.join(owners)}; the study's dataset is {dataset.name}. Leave it out."
        )


def describe(config: Mapping[str, Any]) -> str:
    """`optimizer=adam, learning_rate=0.001`: for messages and tables."""
    return ", ".join(f"{name}={level_text(level)}" for name, level in config.items())


def key(levels: Mapping[str, Level]) -> str:
    """A text that is the same for the same levels in any order. Python itself takes True for 1, and 1 for 1.0."""
    return json.dumps(dict(levels), sort_keys=True)


def level_text(level: object) -> str:
    """A level as people write it: a number shortened, a text without quotes."""
    return f"{level:.4g}" if isinstance(level, float) else str(level)


def _has(dataset: DatasetInfo, name: str) -> bool:
    """Whether the built-in factor belongs to every kind of datasets, or to that of this dataset."""
    owners = [kind for kind in KINDS if any(factor.name == name for factor in kind.factors)]
    return not owners or dataset.kind in owners
