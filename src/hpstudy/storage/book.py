"""Every trial of a study as a record. A trial that has ended is read and converted once."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Container, Sequence
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.trial import FrozenTrial

from hpstudy.records import TrialRecord
from hpstudy.storage.conversion import RESULT, record_of
from hpstudy.storage.database import Database
from hpstudy.storage.ledger import chunks
from hpstudy.storage.optuna_private import id_of, models
from hpstudy.storage.reading import read_trials

_TRIAL, _SAID = models.TrialModel, models.TrialUserAttributeModel
_SOME = 1000  # trials that are read in one go
_RESULTS = sa.select(_SAID.trial_id, _SAID.value_json).where(
    _SAID.trial_id.in_(sa.bindparam("trials", expanding=True)), _SAID.key == RESULT
)


class RecordBook:
    """Keeps only records: Optuna's objects for the same trials would take as much memory again. Thread-safe."""

    def __init__(self, database: Database, study_id: int) -> None:
        self._database, self._study_id = database, study_id
        self._lock = threading.Lock()
        self._last_id = -1
        self._unfinished: set[int] = set()  # ids
        self._failed: dict[int, tuple[int, bool]] = {}  # by number: the trial's id, and whether it is tried again
        self._records: dict[int, TrialRecord] = {}  # by number

    def read(self, again: Container[int]) -> list[TrialRecord]:
        """The records, ordered by number; the same objects as before for trials that have not changed.

        Args:
            again: Numbers of failed trials that the user wants tried again.
        """
        with self._lock, self._database.rdb.engine.connect() as connection:
            reread = [at for number, (at, tried) in self._failed.items() if tried != (number in again)]
            for some in chunks([*self._unfinished, *reread]):
                self._enter(connection, read_trials(connection, _TRIAL.trial_id.in_(some)), again)
            while some_new := read_trials(connection, self._is_new(), _SOME):
                self._enter(connection, some_new, again)
                self._last_id = id_of(some_new[-1])
            return [self._records[number] for number in sorted(self._records)]

    def _is_new(self) -> sa.ColumnElement[bool]:
        return sa.and_(_TRIAL.study_id == self._study_id, _TRIAL.trial_id > self._last_id)

    def _enter(self, connection: sa.Connection, trials: Sequence[FrozenTrial], again: Container[int]) -> None:
        for trial, record in zip(trials, _records_of(connection, trials, again), strict=True):
            if trial.state.is_finished():
                self._unfinished.discard(id_of(trial))
            else:
                self._unfinished.add(id_of(trial))
            if trial.state == optuna.trial.TrialState.FAIL:
                self._failed[trial.number] = (id_of(trial), trial.number in again)
            if record is not None:
                self._records[trial.number] = record

    def records_of(self, trials: Sequence[FrozenTrial]) -> list[TrialRecord | None]:
        """The records of trials from the storage, which come without their results."""
        with self._database.rdb.engine.connect() as connection:
            return _records_of(connection, trials)


def _records_of(
    connection: sa.Connection, trials: Sequence[FrozenTrial], again: Container[int] = ()
) -> list[TrialRecord | None]:
    """Uses the caller's connection: threads that each held one and asked for a second would wait for each other."""
    results = _results(connection, [id_of(trial) for trial in trials if trial.state.is_finished()])
    return [record_of(_with_result(trial, results.get(id_of(trial))), again) for trial in trials]


def _results(connection: sa.Connection, trial_ids: list[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for some in chunks(trial_ids):
        for trial_id, text in connection.execute(_RESULTS, {"trials": some}):
            found[trial_id] = json.loads(text)
    return found


def _with_result(trial: FrozenTrial, result: Any) -> FrozenTrial:
    if result is None:
        return trial
    whole = copy.copy(trial)
    whole.user_attrs = {**trial.user_attrs, RESULT: result}
    return whole
