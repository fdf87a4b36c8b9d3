"""The factors that every study can use: their legal levels, their defaults, and which go together."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hpstudy.errors import UserError
from hpstudy.study.catalog import DATASETS, DatasetFacts

Level: TypeAlias = str | int | float | bool | None
Config: TypeAlias = Mapping[str, Level]

MOMENTUM_OPTIMIZERS = ("sgd", "momentum", "nesterov")
OPTIMIZERS = (*MOMENTUM_OPTIMIZERS, "adagrad", "rmsprop", "adam", "adamw", "nadam")
SCHEDULES = ("constant", "exponential", "cosine")
INITIALIZERS = (
    "zeros",
    "normal_1",
    "normal_0.1",
    "normal_0.01",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
)
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "linear")
LOSSES = ("cross_entropy", "mse")
SCALINGS = ("none", "unit", "standard", "minmax")
AUGMENTATIONS = ("none", "shift", "flip", "both")
GATES = ("and", "or", "nand", "xor")


def unknown(kind: str, name: object, legal: Iterable[str], listed: str = "Legal") -> str:
    """A sentence that refuses `name`, lists what is legal and points at the nearest."""
    legal = list(legal)
    nearest = difflib.get_close_matches(str(name).lower(), legal, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return f"There is no {kind} {name!r}.{hint} {listed}: {', '.join(legal)}."


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One built-in factor."""

    name: str
    meaning: str  # for docs and error messages, with unit
    default: Level  # None: decided by the dataset or the optimizer, or switched off
    check: Callable[[Level], Level]  # returns the normal form of a level or raises UserError
    kinds: tuple[str, ...] = ()  # of datasets that have it; () is all


def _one_of(*levels: str) -> Callable[[Level], Level]:
    def check(level: Level) -> Level:
        normal = level.lower().replace("-", "_") if isinstance(level, str) else level
        if normal not in levels:
            raise UserError(unknown("level", level, levels))
        return normal

    return check


def _number(low: float, below: float = math.inf, *, positive: bool = False) -> Callable[[Level], Level]:
    legal = f"a number {'above' if positive else 'of at least'} {low:g}"
    legal += f" and below {below:g}" if below < math.inf else ""

    def check(level: Level) -> Level:
        is_number = isinstance(level, int | float) and not isinstance(level, bool)
        inside = is_number and low <= level < below and not (positive and level == low)  # type: ignore[operator]
        if not inside:
            raise UserError(f"{level!r} is not {legal}.")
        return float(level)  # type: ignore[arg-type]

    return check


def _integer(low: int, *, also: tuple[Level, ...] = ()) -> Callable[[Level], Level]:
    others = "".join(f" or {other!r}" for other in also)

    def check(level: Level) -> Level:
        if any(level == other and type(level) is type(other) for other in also):
            return level
        if isinstance(level, bool) or not isinstance(level, int) or level < low:
            raise UserError(f"{level!r} is not a whole number of at least {low}{others}.")
        return level

    return check


def _layers(level: Level) -> Level:
    """One number for every hidden layer, or a number for each such as '256-128-100'."""
    if isinstance(level, str) and re.fullmatch(r"[1-9]\d*(-[1-9]\d*)+", level):
        return level
    if isinstance(level, str):
        raise UserError(f"{level!r} is neither a whole number of at least 1 nor one for each layer like '256-128-100'.")
    return _integer(1)(level)


def hidden_units(config: Config) -> list[int]:
    """The units of each hidden layer of a whole configuration."""
    units = config["units"]
    if isinstance(units, str):
        return [int(number) for number in units.split("-")]
    return [int(units)] * int(config["depth"])  # type: ignore[arg-type]


_NOT_STRUCTURE = ("learning_rate", "schedule", "initializer", "epochs", "early_stopping", "scaling", "gate")
_PRESENCE_ONLY = ("dropout", "l1", "l2")  # zero or not is structure, the number is not

FACTORS: dict[str, Factor] = {
    factor.name: factor
    for factor in (
        Factor(name="optimizer", meaning="the update rule", default="adam", check=_one_of(*OPTIMIZERS)),
        Factor(
            name="learning_rate",
            meaning="step size; by default Keras's own for the optimizer",
            default=None,
            check=_number(0, positive=True),
        ),
        Factor(
            name="momentum",
            meaning="of sgd (0 by default), momentum and nesterov (0.9 by default)",
            default=None,
            check=_number(0, 1),
        ),
        Factor(
            name="schedule",
            meaning="of the learning rate over the whole training",
            default="constant",
            check=_one_of(*SCHEDULES),
        ),
        Factor(
            name="initializer",
            meaning="initial values of the weights",
            default="glorot_uniform",
            check=_one_of(*INITIALIZERS),
        ),
        Factor(
            name="activation",
            meaning="of the hidden layers",
            default="relu",
            check=_one_of(*ACTIVATIONS),
        ),
        Factor(name="dropout", meaning="share dropped after each hidden layer", default=0.0, check=_number(0, 1)),
        Factor(name="l1", meaning="penalty on the sum of |w|", default=0.0, check=_number(0)),
        Factor(name="l2", meaning="penalty on the sum of w²", default=0.0, check=_number(0)),
        Factor(
            name="depth",
            meaning="hidden layers; 0 is a single-layer perceptron",
            default=1,
            check=_integer(0),
        ),
        Factor(
            name="units",
            meaning="in each hidden layer; a text such as '256-128-100' has a number for each and takes the place of "
            "depth",
            default=100,
            check=_layers,
        ),
        Factor(
            name="batch_size",
            meaning="rows a step; 'full' is all training rows",
            default=32,
            check=_integer(1, also=("full",)),
        ),
        Factor(name="epochs", meaning="passes over the training rows, at most", default=10, check=_integer(1)),
        Factor(name="loss", meaning="what training minimizes", default="cross_entropy", check=_one_of(*LOSSES)),
        Factor(
            name="scaling",
            meaning="of the inputs, fitted on training rows",
            default=None,
            check=_one_of(*SCALINGS),
        ),
        Factor(
            name="augmentation",
            meaning="random shift by up to two pixels, mirroring, or both",
            default="none",
            check=_one_of(*AUGMENTATIONS),
        ),
        Factor(
            name="early_stopping",
            meaning="epochs without a better val_loss until training stops and the best weights return; None is off",
            default=None,
            check=_integer(1, also=(None,)),
        ),
        Factor(
            name="train_rows",
            meaning="a stratified subset of the training rows; None is all",
            default=None,
            check=_integer(4, also=(None,)),
        ),
        Factor(
            name="num_words",
            meaning="the most frequent words that are kept",
            default=10_000,
            check=_integer(10),
            kinds=("words",),
        ),
        Factor(
            name="gate",
            meaning="the truth table to learn",
            default="xor",
            check=_one_of(*GATES),
            kinds=("gate",),
        ),
    )
}


def dataset_facts(name: object) -> DatasetFacts:
    """Raises UserError for a dataset that hpstudy does not know."""
    if not isinstance(name, str) or name not in DATASETS:
        raise UserError(unknown("dataset", name, DATASETS))
    return DATASETS[name]


def check_level(name: str, level: Level) -> Level:
    """The normal form of one level of a factor. Factors of a user's own pass as they are.

    Raises:
        UserError: the level is not legal; the message names the factor.
    """
    if name not in FACTORS:
        return level
    try:
        return FACTORS[name].check(level)
    except UserError as error:
        raise UserError(f"Factor {name!r}: {error}") from None


def default_config(dataset: DatasetFacts) -> dict[str, Level]:
    """Every built-in factor that this dataset has, at its default level."""
    config = {
        name: factor.default for name, factor in FACTORS.items() if not factor.kinds or dataset.kind in factor.kinds
    }
    return {**config, "scaling": dataset.scaling}


def complete(config: Config) -> dict[str, Level]:
    """Fill in the levels whose defaults depend on other levels: learning rate, momentum and depth."""
    full = dict(config)
    if isinstance(full["units"], str):
        full["depth"] = len(hidden_units(full))
    family = full["optimizer"]
    if full["momentum"] is None:
        full["momentum"] = {"momentum": 0.9, "nesterov": 0.9, "sgd": 0.0}.get(str(family))
    if full["learning_rate"] is None:
        full["learning_rate"] = 0.01 if family in MOMENTUM_OPTIMIZERS else 0.001
    return full


def structure(config: Config, *, own_network: bool = False) -> tuple[tuple[str, Level], ...]:
    """What of a whole configuration a compiled epoch depends on: trials that are equal in it can share one.

    Args:
        own_network: Whether a study's own `build` makes the network, which may depend on every level.
    """
    if own_network:
        return tuple(sorted(config.items(), key=str))
    levels = {name: level for name, level in config.items() if name not in _NOT_STRUCTURE}
    levels |= {name: bool(config[name]) for name in _PRESENCE_ONLY}
    return tuple(sorted(levels.items(), key=str))


def check_combination(dataset: DatasetFacts, config: Config) -> None:
    """Refuse a configuration whose levels contradict each other.

    Args:
        config: Only what the study says: base and one level of each factor, defaults left out.

    Raises:
        UserError: names the levels and a way out.
    """
    optimizer = config.get("optimizer", FACTORS["optimizer"].default)
    if config.get("momentum") is not None and optimizer not in MOMENTUM_OPTIMIZERS:
        raise UserError(
            f"momentum goes with {', '.join(MOMENTUM_OPTIMIZERS)}, not with optimizer={optimizer!r}. "
            'Let it exist only there: momentum=Choice(0.5, 0.9, when={"optimizer": ("sgd", "nesterov")}).'
        )
    if isinstance(config.get("units"), str) and "depth" in config:
        raise UserError(f"units={config['units']!r} says how many layers there are, so depth cannot. Leave depth out.")
    if config.get("augmentation", "none") != "none" and dataset.kind != "image":
        raise UserError(
            f"augmentation={config['augmentation']!r} needs images; {dataset.title} has none. "
            "Datasets of images: " + ", ".join(_of_kind("image")) + "."
        )
    if dataset.kind in ("words", "gate") and config.get("scaling", "none") != "none":
        raise UserError(
            f"scaling={config['scaling']!r} does nothing for {dataset.title}, whose inputs are 0 or 1. "
            "Leave it out or take 'none'."
        )


def check_applies(dataset: DatasetFacts, name: str) -> None:
    """Refuse a built-in factor that this kind of dataset does not have."""
    factor = FACTORS.get(name)
    if factor and factor.kinds and dataset.kind not in factor.kinds:
        owners = [owner for kind in factor.kinds for owner in _of_kind(kind)]
        raise UserError(
            f"Factor {name!r} belongs to {', '.join(owners)}; the study's dataset is {dataset.name}. Leave it out."
        )


def describe(config: Mapping[str, Any]) -> str:
    """`optimizer=adam, learning_rate=0.001`: for messages and tables."""
    return ", ".join(f"{name}={level_text(level)}" for name, level in config.items())


def key(levels: Mapping[str, Level]) -> str:
    """The same for the same levels in any order. Python's own comparison takes True for 1, and 1 for 1.0."""
    return json.dumps(dict(levels), sort_keys=True)


def level_text(level: object) -> str:
    """A level as people write it: numbers short, texts bare."""
    return f"{level:.4g}" if isinstance(level, float) else str(level)


def _of_kind(kind: str) -> list[str]:
    return [name for name, facts in DATASETS.items() if facts.kind == kind]
