"""Optuna's samplers and pruners by the names of a `Search`."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace

from hpstudy.errors import UserError
from hpstudy.study.designs import Grid, Search
from hpstudy.study.distributions import distribution, exact_level
from hpstudy.study.domains import Choice, Domain, Float
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


def make_space() -> IntersectionSearchSpace:
    """The factors that all trials have. All samplers of a study in one process share this object."""
    return IntersectionSearchSpace(include_pruned=True)


def make_sampler(study: Study, trial_number: int, space: IntersectionSearchSpace | None = None) -> BaseSampler:
    """The sampler that proposes one trial.

    Its random numbers depend on seed and trial number, so that processes with the same seed propose different
    trials, while a single process repeats its proposals. Quasi-random points come from one sequence, whose
    scrambling all processes must share.

    Args:
        space: The study's shared space; a new one looks through all trials.

    Raises:
        UserError: the sampler needs a library that is not installed.
    """
    if isinstance(study.design, Grid):
        return optuna.samplers.RandomSampler(seed=study.seed)
    search = study.design
    check_sampler(search)
    base = study.seed if search.seed is None else search.seed
    seed = (base * 1_000_003 + trial_number) % 2**31
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if search.sampler == "tpe":
            conditional = any(domain.when for domain in study.vary.values())
            if conditional:
                return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)
            return _Tpe(space or make_space(), seed=seed, multivariate=True)
        if search.sampler == "qmc":
            return optuna.samplers.QMCSampler(seed=base, scramble=True, warn_independent_sampling=False)
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


def check_sampler(search: Search) -> None:
    """Raises UserError if the sampler needs a library that is not installed."""
    if search.sampler == "gp" and importlib.util.find_spec("torch") is None:
        raise UserError(
            "Sampler 'gp' needs PyTorch, which is not installed. Run `pip install 'hpstudy[gp]'`, or use sampler='tpe'."
        )


def make_pruner(study: Study) -> BasePruner:
    """The pruner with Optuna's defaults; the resource of Hyperband and successive halving is an epoch."""
    name = study.design.pruner if isinstance(study.design, Search) else "none"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruners: dict[str, Callable[[], BasePruner]] = {
            "none": optuna.pruners.NopPruner,
            "median": optuna.pruners.MedianPruner,
            "percentile": lambda: optuna.pruners.PercentilePruner(25.0),
            "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
            "hyperband": lambda: optuna.pruners.HyperbandPruner(max_resource=study.max_epochs),
            "patient": lambda: optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(), patience=2),
        }
        return pruners[name]()


def suggest(study: Study, trial: optuna.Trial) -> dict[str, Level]:
    """Ask the sampler for a level of every factor that exists, given the levels of those above it."""
    params: dict[str, Level] = {}
    for name, domain in study.vary.items():
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
