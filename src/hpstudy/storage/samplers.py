"""Optuna's samplers and pruners by the names of a design."""

from __future__ import annotations

import importlib.util
import math
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.designs import Design
from hpstudy.study.distributions import distribution, exact_level
from hpstudy.study.domains import Choice, Domain, Float
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


def make_space() -> IntersectionSearchSpace:
    """The factors that all trials have. All samplers of a study in one process share this object."""
    return IntersectionSearchSpace(include_pruned=True)


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Where a sampler's random numbers come from."""

    trial: int  # of one proposal: other trials get others, and one process alone proposes the same again
    search: int  # of what all trials of a search share: the scrambling of a quasi-random sequence

    @classmethod
    def of_trial(cls, study: Study, number: int) -> Seeds:
        """Of a study that is one search."""
        base = study.seed if study.design.seed is None else study.design.seed
        return cls(trial=(base * 1_000_003 + number) % 2**31, search=base)

    @classmethod
    def of_turn(cls, study: Study, cell: Mapping[str, Level], replicate: int, turn: int) -> Seeds:
        """Of one search among many: what else is in the study makes no difference."""
        search = zlib.crc32(f"{study.seed} {replicate} {factors.key(cell)}".encode())
        return cls(trial=zlib.crc32(f"{search} {turn}".encode()) % 2**31, search=search % 2**31)


def make_sampler(study: Study, seeds: Seeds, space: IntersectionSearchSpace | None = None) -> BaseSampler:
    """The sampler that proposes one trial.

    Args:
        space: Of this search; a new one looks through all trials.

    Raises:
        UserError: the sampler needs a library that is not installed.
    """
    search, seed, proposed = study.design, seeds.trial, study.tune or study.vary
    check_sampler(search)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if search.sampler == "tpe":
            conditional = any(name in proposed for domain in proposed.values() for name in domain.when)
            if conditional:
                return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)
            return _Tpe(space or make_space(), seed=seed, multivariate=True)
        if search.sampler == "qmc":
            return optuna.samplers.QMCSampler(seed=seeds.search, scramble=True, warn_independent_sampling=False)
        if search.sampler == "cmaes":
            return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        if search.sampler == "gp":
            return optuna.samplers.GPSampler(seed=seed)
        if search.sampler == "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed)
        return optuna.samplers.RandomSampler(seed=seed)


class _Tpe(optuna.samplers.TPESampler):
    """TPE that does not search all trials again for the factors that they have in common."""

    def __init__(self, space: IntersectionSearchSpace, **options: Any) -> None:
        super().__init__(**options)
        self._space = space

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        if len(study.directions) > 1:
            return super().infer_relative_search_space(study, trial)
        return {name: kind for name, kind in self._space.calculate(study, use_cache=True).items() if not kind.single()}


def check_sampler(search: Design) -> None:
    """Raises UserError if the sampler needs a library that is not installed."""
    if search.sampler == "gp" and importlib.util.find_spec("torch") is None:
        raise UserError(
            "Sampler 'gp' needs PyTorch, which is not installed. Run `pip install 'hpstudy[gp]'`, or use sampler='tpe'."
        )


def make_pruner(study: Study) -> BasePruner:
    """The pruner with Optuna's defaults but for its warm-up; a resource of Hyperband and halving is an epoch."""
    wait = math.ceil((study.design.warmup or 0) * study.max_epochs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruners: dict[str, Callable[[], BasePruner]] = {
            "none": optuna.pruners.NopPruner,
            "median": lambda: optuna.pruners.MedianPruner(n_warmup_steps=wait),
            "percentile": lambda: optuna.pruners.PercentilePruner(25.0, n_warmup_steps=wait),
            "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
            "hyperband": lambda: optuna.pruners.HyperbandPruner(max_resource=study.max_epochs),
            "patient": lambda: optuna.pruners.PatientPruner(
                optuna.pruners.MedianPruner(n_warmup_steps=wait), patience=2
            ),
        }
        return pruners[study.design.pruner]()


def suggest(domains: Mapping[str, Domain], trial: optuna.Trial, beside: Mapping[str, Level]) -> dict[str, Level]:
    """Ask the sampler for a level of every factor that exists, given the levels of those above it.

    Args:
        beside: Levels that are decided.
    """
    params = dict(beside)
    for name, domain in domains.items():
        if domain.exists_beside(params):
            params[name] = _suggest_one(trial, name, domain)
    return params


def _suggest_one(trial: optuna.Trial, name: str, domain: Domain) -> Level:
    if isinstance(domain, Choice):
        return trial.suggest_categorical(name, domain.levels)
    if isinstance(domain, Float):
        level = trial.suggest_float(name, domain.low, domain.high, log=domain.log, step=domain.step)
        return exact_level(distribution(domain), level)
    return trial.suggest_int(name, domain.low, domain.highest, step=domain.step, log=domain.log)
