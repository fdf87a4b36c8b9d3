"""Reads trials from Optuna's tables, with one statement per table instead of one object per row."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial

from hpstudy.storage.conversion import RESULT
from hpstudy.storage.optuna_private import models
from hpstudy.study.factors import Level

_Fields = defaultdict[int, dict[Any, Any]]  # the entries of each trial, by the trial's id
_distribution: Callable[[str], BaseDistribution] = functools.lru_cache(maxsize=1024)(json_to_distribution)


def read_trials(
    connection: sa.Connection, wanted: sa.ColumnElement[bool], most: int | None = None
) -> list[FrozenTrial]:
    """Trials, ordered by id, without hpstudy's results, which are most of what is stored.

    Args:
        wanted: A condition on the columns of Optuna's table of trials.
        most: The largest number of trials to read.
    """
    trial = models.TrialModel
    query = sa.select(
        trial.trial_id, trial.number, trial.state, trial._datetime_start_utc, trial._datetime_complete_utc
    ).where(wanted)
    rows = connection.execute(query.order_by(trial.trial_id).limit(most)).all()
    if not rows:
        return []
    found = trial.trial_id.between(rows[0].trial_id, rows[-1].trial_id)
    fields = _Reader(connection, sa.select(trial.trial_id).where(wanted, found))
    values, params = fields.values(), fields.params()
    said, system = (
        fields.attributes(models.TrialUserAttributeModel),
        fields.attributes(models.TrialSystemAttributeModel),
    )
    reported = fields.reported()
    return [
        FrozenTrial(
            number=number,
            state=state,
            value=None,
            values=[values[trial_id][place] for place in sorted(values[trial_id])] if trial_id in values else None,
            datetime_start=_local(start),
            datetime_complete=_local(end),
            params={name: level for name, (level, _) in params[trial_id].items()},
            distributions={name: distribution for name, (_, distribution) in params[trial_id].items()},
            user_attrs=said[trial_id],
            system_attrs=system[trial_id],
            intermediate_values=reported[trial_id],
            trial_id=trial_id,
        )
        for trial_id, number, state, start, end in rows
    ]


def read_params(connection: sa.Connection, trial_ids: list[int]) -> dict[int, dict[str, Level]]:
    """The levels of some trials, by their ids."""
    trial = models.TrialModel
    params = _Reader(connection, sa.select(trial.trial_id).where(trial.trial_id.in_(trial_ids))).params()
    return {at: {name: level for name, (level, _) in levels.items()} for at, levels in params.items()}


def read_attributes(connection: sa.Connection, trial_ids: list[int], key: str) -> dict[int, Any]:
    """One user attribute of some trials, by their ids."""
    said = models.TrialUserAttributeModel
    query = sa.select(said.trial_id, said.value_json).where(said.trial_id.in_(trial_ids), said.key == key)
    return {trial_id: json.loads(text) for trial_id, text in connection.execute(query)}


class _Reader:
    """Reads what belongs to some trials, table by table."""

    def __init__(self, connection: sa.Connection, trial_ids: sa.Select[tuple[int]]) -> None:
        self._connection, self._trial_ids = connection, trial_ids

    def values(self) -> _Fields:
        table = models.TrialValueModel
        rows = self._rows(table, table.objective, table.value, table.value_type)
        return _by_trial((at, objective, table.stored_repr_to_value(*stored)) for at, objective, *stored in rows)

    def params(self) -> _Fields:
        """The level and the distribution of each parameter, in the order in which they were set."""
        table = models.TrialParamModel
        rows = self._rows(table, table.param_name, table.param_value, table.distribution_json, order=table.param_id)
        kinds = ((at, name, value, _distribution(text)) for at, name, value, text in rows)
        return _by_trial((at, name, (kind.to_external_repr(value), kind)) for at, name, value, kind in kinds)

    def attributes(self, table: Any) -> _Fields:
        rows = self._rows(table, table.key, table.value_json, where=table.key != RESULT)
        return _by_trial((at, key, json.loads(text)) for at, key, text in rows)

    def reported(self) -> _Fields:
        table = models.TrialIntermediateValueModel
        rows = self._rows(table, table.step, table.intermediate_value, table.intermediate_value_type)
        return _by_trial((at, step, table.stored_repr_to_intermediate_value(*stored)) for at, step, *stored in rows)

    def _rows(self, table: Any, *columns: Any, where: Any = None, order: Any = None) -> Iterable[Any]:
        query = sa.select(table.trial_id, *columns).where(table.trial_id.in_(self._trial_ids))
        query = query if where is None else query.where(where)
        return self._connection.execute(query if order is None else query.order_by(order))


def _by_trial(entries: Iterable[tuple[int, Any, Any]]) -> _Fields:
    found: _Fields = defaultdict(dict)
    for trial_id, name, value in entries:
        found[trial_id][name] = value
    return found


def _local(moment: datetime | None) -> datetime | None:
    """A stored time as Optuna returns it: Optuna stores UTC and returns local times, both without a time zone."""
    return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None) if moment else None
