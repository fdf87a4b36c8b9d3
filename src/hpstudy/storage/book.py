"""Every trial of a study as a record. What has ended is read and converted once."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Container, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial

from hpstudy.records import TrialRecord
from hpstudy.storage.conversion import RESULT, record_of
from hpstudy.storage.database import Database
from hpstudy.storage.ledger import chunks

_SAID = models.TrialUserAttributeModel
_RESULTS = sa.select(_SAID.trial_id, _SAID.value_json).where(
    _SAID.trial_id.in_(sa.bindparam("trials", expanding=True)), _SAID.key == RESULT
)


class RecordBook:
    """Safe to use from several threads."""

    def __init__(self, database: Database, study_id: int) -> None:
        self._database, self._study_id = database, study_id
        self._lock = threading.Lock()
        self._ended: dict[int, tuple[bool, TrialRecord]] = {}  # by number: whether it is tried again, and the record

    def read(self, again: Container[int]) -> list[TrialRecord]:
        """In the order of their numbers; the same objects as before for trials in which nothing has changed.

        Args:
            again: Numbers of failed trials that the user wants tried again.
        """
        with self._lock:
            trials = self._database.optuna.get_all_trials(self._study_id, deepcopy=False)
            changed = [trial for trial in trials if not self._is_known(trial, again)]
            converted = dict(zip((trial.number for trial in changed), self.records_of(changed, again), strict=True))
            for trial in changed:
                record = converted[trial.number]
                if record and trial.state.is_finished():
                    self._ended[trial.number] = (trial.number in again, record)
            records = (self._record(trial.number, converted) for trial in trials)
            return [record for record in records if record is not None]

    def records_of(self, trials: Sequence[FrozenTrial], again: Container[int] = ()) -> list[TrialRecord | None]:
        """Of trials as the storage has them, which is without their results."""
        results = self._results(trial._trial_id for trial in trials if trial.state.is_finished())
        return [record_of(_with_result(trial, results.get(trial._trial_id)), again) for trial in trials]

    def _is_known(self, trial: FrozenTrial, again: Container[int]) -> bool:
        known = self._ended.get(trial.number)
        return known is not None and known[0] == (trial.number in again)

    def _record(self, number: int, converted: dict[int, TrialRecord | None]) -> TrialRecord | None:
        return converted[number] if number in converted else self._ended[number][1]

    def _results(self, trial_ids: Iterable[int]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        with self._database.rdb.engine.connect() as connection:
            for some in chunks(list(trial_ids)):
                for trial_id, text in connection.execute(_RESULTS, {"trials": some}):
                    found[trial_id] = json.loads(text)
        return found


def _with_result(trial: FrozenTrial, result: Any) -> FrozenTrial:
    if result is None:
        return trial
    whole = copy.copy(trial)
    whole._user_attrs = {**trial.user_attrs, RESULT: result}
    return whole
