"""Domains as Optuna's distributions. Importing this loads Optuna, so `Study` does not import it."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpstudy.study.domains import Choice, Domain, Float
from hpstudy.study.factors import Level
from hpstudy.study.levels import steps


def distribution(domain: Domain) -> BaseDistribution:
    """The distribution from which samplers draw and which the database keeps with a level."""
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.levels)
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    return IntDistribution(domain.low, domain.highest, log=domain.log, step=domain.step)


def exact_level(kind: BaseDistribution, level: Level) -> Level:
    """The declared level: Optuna adds up steps as floats, and the database keeps 0.30000000000000004 for 0.3."""
    if isinstance(kind, FloatDistribution) and kind.step is not None and isinstance(level, float):
        return steps(kind.low, kind.high, kind.step).nearest(level)
    return level
