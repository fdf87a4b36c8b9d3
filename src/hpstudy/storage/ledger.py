"""A study's trials as a claim needs them: read once, and from then on only what has changed.

Reading every trial through Optuna takes a second for some thousands. A claim needs no more than counts, who is in
training, what failed, and which cells are taken; of a trial that has ended none of that changes any more.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial

from hpstudy.storage.conversion import LOST, RESULT, START, Start, is_retried
from hpstudy.storage.database import Database

_State = optuna.trial.TrialState
_TRIAL, _SAID = models.TrialModel, models.TrialUserAttributeModel
_COLUMNS = (_TRIAL.trial_id, _TRIAL.number, _TRIAL.state, _SAID.value_json)
_START_OF_TRIAL = sa.and_(_SAID.trial_id == _TRIAL.trial_id, _SAID.key == START)
_ALL = sa.select(*_COLUMNS).outerjoin(_SAID, _START_OF_TRIAL)
_NEW = _ALL.where(_TRIAL.study_id == sa.bindparam("study_id"), _TRIAL.trial_id > sa.bindparam("last_id"))
_UNFINISHED = _ALL.where(_TRIAL.trial_id.in_(sa.bindparam("unfinished", expanding=True)))
_ENDINGS = sa.select(_SAID.trial_id, _SAID.key, sa.case((_SAID.key == LOST, _SAID.value_json), else_="{}")).where(
    _SAID.trial_id.in_(sa.bindparam("failed", expanding=True)), _SAID.key.in_((LOST, RESULT))
)
_SOME = 1000  # trials asked for in one statement


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a study stands. The trials in it have a number, a state and hpstudy's marks, but no parameters."""

    trials: int  # of any state, those that others made included
    complete: int
    pruned: int
    lost: int  # tried again, or to be
    running: tuple[FrozenTrial, ...]  # in the order of their numbers
    failed: Mapping[int, FrozenTrial]  # by number; the user may want them tried again
    to_retry: Mapping[int, FrozenTrial]  # the lost ones that no trial repeats yet
    retried: Set[int]  # numbers of trials that another one repeats; grows
    taken: Set[tuple[int | None, int]]  # (cell, replicate); grows


class Ledger:
    """The trials of one study, kept up to date by reading. Safe to use from several threads."""

    def __init__(self, database: Database, study_id: int) -> None:
        self._database, self._study_id = database, study_id
        self._lock = threading.Lock()
        self._last_id = -1
        self._unfinished: dict[int, FrozenTrial] = {}  # by id
        self._trials = self._lost = 0
        self._ended: Counter[_State] = Counter()
        self._failed: dict[int, FrozenTrial] = {}
        self._to_retry: dict[int, FrozenTrial] = {}
        self._retried: set[int] = set()
        self._taken: set[tuple[int | None, int]] = set()

    def read(self) -> Standing:
        """Where the study stands now; as much work as trials have changed since the last time."""
        with self._lock:
            for trial in self._changed():
                self._enter(trial)
            running = (trial for trial in self._unfinished.values() if trial.state == _State.RUNNING)
            return Standing(
                trials=self._trials,
                complete=self._ended[_State.COMPLETE],
                pruned=self._ended[_State.PRUNED],
                lost=self._lost,
                running=tuple(sorted(running, key=lambda trial: trial.number)),
                failed=dict(self._failed),
                to_retry=dict(self._to_retry),
                retried=self._retried,
                taken=self._taken,
            )

    def _changed(self) -> list[FrozenTrial]:
        """The new trials, and those that had not ended; a trial's id is greater than those of all before it."""
        unfinished = list(self._unfinished)
        with self._database.rdb.engine.connect() as connection:
            rows = list(connection.execute(_UNFINISHED, {"unfinished": unfinished})) if unfinished else []
            rows += connection.execute(_NEW.order_by(_TRIAL.trial_id), self._from())
            failed = [trial_id for trial_id, _, state, _ in rows if state == _State.FAIL]
            endings = _endings(connection, failed)
        return [
            _bare(trial_id, number, state, {**_start(text), **endings.get(trial_id, {})})
            for trial_id, number, state, text in rows
        ]

    def _from(self) -> dict[str, int]:
        return {"study_id": self._study_id, "last_id": self._last_id}

    def _enter(self, trial: FrozenTrial) -> None:
        if trial._trial_id > self._last_id:
            self._last_id = trial._trial_id
            self._begin(trial)
        if not trial.state.is_finished():
            self._unfinished[trial._trial_id] = trial
            return
        self._unfinished.pop(trial._trial_id, None)
        self._end(trial)

    def _begin(self, trial: FrozenTrial) -> None:
        self._trials += 1
        start = Start.of(trial)
        self._taken.add((start.cell, start.replicate))
        if start.retry_of is not None:
            self._retried.add(start.retry_of)
            self._to_retry.pop(start.retry_of, None)

    def _end(self, trial: FrozenTrial) -> None:
        if trial.state != _State.FAIL:
            self._ended[trial.state] += 1
        elif not is_retried(trial):
            self._failed[trial.number] = trial
        else:
            self._lost += 1
            if trial.number not in self._retried:
                self._to_retry[trial.number] = trial


def _start(text: str | None) -> dict[str, Any]:
    return {START: json.loads(text)} if text else {}


def _endings(connection: sa.Connection, failed: list[int]) -> dict[int, dict[str, Any]]:
    """Why trials failed: their mark of being lost, and whether they have a result, whose content is left out."""
    found: dict[int, dict[str, Any]] = {}
    for some in chunks(failed):
        for trial_id, key, text in connection.execute(_ENDINGS, {"failed": some}):
            found.setdefault(trial_id, {})[key] = json.loads(text)
    return found


def _bare(trial_id: int, number: int, state: _State, marks: dict[str, Any]) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        state=state,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs=marks,
        system_attrs={},
        intermediate_values={},
        trial_id=trial_id,
    )


def chunks(ids: list[int]) -> Iterable[list[int]]:
    """As many as one statement may name."""
    return (ids[first : first + _SOME] for first in range(0, len(ids), _SOME))
