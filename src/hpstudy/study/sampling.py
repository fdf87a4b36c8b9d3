"""The names of samplers and pruners, and what each requires of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.checks import check_listable
from hpstudy.study.domains import Choice, Domain
from hpstudy.study.levels import is_number
from hpstudy.study.metrics import AT_END
from hpstudy.study.objective import Objective

Sampler = Literal["tpe", "random", "gp", "cmaes", "qmc", "nsga2"]
Pruner = Literal["none", "median", "hyperband", "successive_halving", "percentile", "patient"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
PRUNERS: tuple[Pruner, ...] = get_args(Pruner)


WARMUP = 0.2  # share of a trial's epochs
_WARMED: tuple[Pruner, ...] = ("median", "percentile", "patient")  # the others have rungs


def checked_warmup(warmup: float | None, pruner: str) -> float | None:
    """A pruner's warm-up; None for a pruner that has none. Raises UserError if it is no share."""
    if warmup is not None and not (is_number(warmup) and 0 <= warmup < 1):
        raise UserError(
            f"Search(warmup=…) is the share of a trial's epochs before which none is pruned, at least 0 and below 1; "
            f"it is {warmup!r}."
        )
    return warmup if pruner in _WARMED else None


def check_names(sampler: str, pruner: str) -> None:
    """Raises UserError if there is no sampler or no pruner of this name."""
    if sampler not in SAMPLERS:
        raise UserError(factors.unknown("sampler", sampler, SAMPLERS))
    if pruner not in PRUNERS:
        raise UserError(factors.unknown("pruner", pruner, PRUNERS))


def check_pruner(pruner: Pruner, objectives: Sequence[Objective]) -> None:
    """Raises UserError if trials cannot be pruned by these objectives."""
    if pruner == "none":
        return
    if len(objectives) > 1:
        raise UserError(
            f"Pruner {pruner!r} compares trials by one metric; the study has {len(objectives)}. "
            "Take pruner='none' or one objective."
        )
    if objectives[0].metric in AT_END:
        raise UserError(
            f"{objectives[0].metric} is known only at the end, so no trial can be pruned by it. "
            "Take pruner='none' or an objective such as 'val_loss'."
        )


def check_sampler(
    sampler: Sampler, domains: Mapping[str, Domain], objectives: Sequence[Objective], *, recorded: bool
) -> None:
    """Raises UserError if the sampler cannot propose levels of these factors."""
    if sampler == "cmaes":
        if sum(not isinstance(domain, Choice) for domain in domains.values()) < 2:
            raise UserError("Sampler 'cmaes' needs at least two Float or Int factors. Take 'tpe' for others.")
        if len(objectives) > 1:
            raise UserError("Sampler 'cmaes' has one objective. Take 'tpe' or 'nsga2' for several.")
    if sampler == "gp" and not recorded:
        check_listable(domains)
