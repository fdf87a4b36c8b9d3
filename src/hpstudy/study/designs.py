"""How the configurations of a study are chosen: every cell of a grid, or by a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.factors import Level
from hpstudy.study.given import frozen
from hpstudy.study.levels import check_count, make_plain

Sampler = Literal["tpe", "random", "gp", "cmaes", "qmc", "nsga2"]
Pruner = Literal["none", "median", "hyperband", "successive_halving", "percentile", "patient"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
PRUNERS: tuple[Pruner, ...] = get_args(Pruner)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every cell × replicate exactly once."""

    replicates: int = 1

    def __post_init__(self) -> None:
        make_plain(self, "replicates")
        check_count("Grid(replicates=…)", self.replicates)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class Search:
    """An Optuna sampler with a budget, and a pruner that ends bad trials early.

    Args:
        trials: The budget.
        seed: The sampler's seed; the study's seed if None.
        first: Given configurations, which are tried in this order before the sampler proposes any. Each is a dict of
            levels such as `{"optimizer": "adam", "learning_rate": 0.001}`; the sampler proposes what it leaves out.
    """

    trials: int
    sampler: Sampler = "tpe"
    pruner: Pruner = "none"
    seed: int | None = None
    first: Sequence[Mapping[str, Level]] = ()

    def __post_init__(self) -> None:
        make_plain(self, "trials", "sampler", "pruner", "seed")
        check_count("Search(trials=…)", self.trials)
        if self.sampler not in SAMPLERS:
            raise UserError(factors.unknown("sampler", self.sampler, SAMPLERS))
        if self.pruner not in PRUNERS:
            raise UserError(factors.unknown("pruner", self.pruner, PRUNERS))
        if self.seed is not None:
            check_count("Search(seed=…)", self.seed, low=0)
        object.__setattr__(self, "first", frozen(self.first, self.trials))

    def to_json(self) -> dict[str, Any]:
        """`first` is left out if it is empty, so that searches recorded before it existed stay equal."""
        given = {"first": [dict(levels) for levels in self.first]} if self.first else {}
        return {**{name: value for name, value in vars(self).items() if name != "first"}, **given}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of levels in a grid design."""

    number: int  # from 0, in the order of the declaration
    params: Mapping[str, Level]
