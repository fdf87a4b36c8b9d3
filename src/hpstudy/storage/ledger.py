"""A study's trials as a claim needs them: read once, and from then on only what has changed.

Reading a few thousand trials through Optuna takes a second. A claim only needs counts, the trials in training, the
failed ones, and which cells are taken. For a trial that has ended, none of this changes any more.
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
from optuna.trial import FrozenTrial

from hpstudy.storage.conversion import LOST, RESULT, START, is_retried
from hpstudy.storage.database import Database
from hpstudy.storage.optuna_private import id_of, models

_State = optuna.trial.TrialState
_TRIAL, _SAID = models.TrialModel, models.TrialUserAttributeModel
# The state's name as the database has it: converting names into enum members would cost more than the query.
_ROWS = sa.select(_TRIAL.trial_id, _TRIAL.number, sa.type_coerce(_TRIAL.state, sa.String))
_NEW = _ROWS.where(_TRIAL.study_id == sa.bindparam("study_id"), _TRIAL.trial_id > sa.bindparam("after"))
_NAMED: sa.BindParameter[list[int]] = sa.bindparam("trials", expanding=True)
_UNFINISHED = _ROWS.where(_TRIAL.trial_id.in_(_NAMED))
# For a result, only that it exists.
_MARKS = sa.select(_SAID.trial_id, _SAID.key, sa.case((_SAID.key == RESULT, "{}"), else_=_SAID.value_json)).where(
    _SAID.trial_id.in_(_NAMED), _SAID.key.in_((START, LOST, RESULT))
)
_STARTS = (
    sa.select(_TRIAL.trial_id, _SAID.value_json)
    .join(_SAID, _SAID.trial_id == _TRIAL.trial_id)
    .where(_TRIAL.study_id == sa.bindparam("study_id"), _TRIAL.trial_id > sa.bindparam("after"), _SAID.key == START)
)
_SOME = 1000  # trials that one statement asks for


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a study stands. Its trials have a number, a state and hpstudy's marks, but no parameters."""

    trials: int  # in any state, including those that others created
    complete: int
    pruned: int
    lost: Mapping[int, FrozenTrial]  # by number; already tried again, or still to be
    running: tuple[FrozenTrial, ...]  # ordered by number
    failed: Mapping[int, FrozenTrial]  # by number; the user may want them tried again


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What the trials created so far have taken. It only grows."""

    retried: Set[int]  # numbers of lost or failed trials that another one tries again
    taken: Set[tuple[int | None, int]]  # (cell, replicate)
    given: Set[int | None]  # indices of given configurations
    turns: Mapping[tuple[int, int], int]  # (cell, replicate) → how many trials of this search were begun
    confirmed: Set[tuple[int | None, int, int]]  # (cell, replicate, number of the trial that is confirmed)


class Ledger:
    """The trials of one study, updated by `read`. Thread-safe."""

    def __init__(self, database: Database, study_id: int) -> None:
        self._database, self._study_id = database, study_id
        self._lock = threading.Lock()
        self._last_id = self._last_begun = -1
        self._unfinished: dict[int, FrozenTrial] = {}  # by id
        self._trials = 0
        self._ended: Counter[_State] = Counter()
        self._failed: dict[int, FrozenTrial] = {}
        self._lost: dict[int, FrozenTrial] = {}
        self._trained: list[tuple[int, bool]] = []
        self._begun = Begun(retried=set(), taken=set(), given=set(), turns={}, confirmed=set())

    def read(self) -> Standing:
        """Where the study stands now. The cost depends on how many trials have changed since the last call."""
        with self._lock:
            for trial in self._changed():
                self._enter(trial)
            running = (trial for trial in self._unfinished.values() if trial.state == _State.RUNNING)
            return Standing(
                trials=self._trials,
                complete=self._ended[_State.COMPLETE],
                pruned=self._ended[_State.PRUNED],
                running=tuple(sorted(running, key=lambda trial: trial.number)),
                failed=dict(self._failed),
                lost=dict(self._lost),
            )

    def trained(self, after: int) -> list[tuple[int, bool]]:
        """The complete and pruned trials that were read so far, in the order in which they were seen to end.

        Args:
            after: How many at the beginning to leave out, because the caller knows them.

        Returns:
            The id of each, and whether it is complete.
        """
        with self._lock:
            return self._trained[after:]

    def begun(self) -> Begun:
        """What the trials have taken. Only needed for a choice among cells or retries."""
        with self._lock:
            with self._database.rdb.engine.connect() as connection:
                rows = connection.execute(_STARTS, {"study_id": self._study_id, "after": self._last_begun}).all()
            retried, taken, given = set(self._begun.retried), set(self._begun.taken), set(self._begun.given)
            turns, confirmed = dict(self._begun.turns), set(self._begun.confirmed)
            for trial_id, text in rows:
                start = json.loads(text)
                cell, replicate = start.get("cell"), start.get("replicate", 0)
                taken.add((cell, replicate))
                if "turn" in start:
                    turns[cell, replicate] = max(turns.get((cell, replicate), 0), start["turn"] + 1)
                if "confirms" in start:
                    confirmed.add((cell, replicate, start["confirms"]))
                given.add(start.get("given"))
                retried.add(start.get("retry_of"))
                self._last_begun = max(self._last_begun, trial_id)
            self._begun = Begun(retried=retried, taken=taken, given=given, turns=turns, confirmed=confirmed)
            return self._begun

    def _changed(self) -> list[FrozenTrial]:
        """The new trials, and those that had not ended. A trial's id is greater than every earlier one."""
        unfinished = list(self._unfinished)
        with self._database.rdb.engine.connect() as connection:
            rows = list(connection.execute(_UNFINISHED, {"trials": unfinished})) if unfinished else []
            after = {"study_id": self._study_id, "after": self._last_id}
            rows += connection.execute(_NEW.order_by(_TRIAL.trial_id), after)
            marks = _marks(connection, [row.trial_id for row in rows if self._needs_marks(*row)])
        return [
            _bare(trial_id, number, _State.__members__[state], marks.get(trial_id) or self._known_marks(trial_id))
            for trial_id, number, state in rows
        ]

    def _needs_marks(self, trial_id: int, _: int, state: str) -> bool:
        """Whether to read a trial's marks. They do not change while it runs, and nobody needs them if it succeeded."""
        return state == "FAIL" or (state == "RUNNING" and trial_id not in self._unfinished)

    def _known_marks(self, trial_id: int) -> dict[str, Any]:
        known = self._unfinished.get(trial_id)
        return known.user_attrs if known else {}

    def _enter(self, trial: FrozenTrial) -> None:
        if id_of(trial) > self._last_id:
            self._last_id = id_of(trial)
            self._trials += 1
        if not trial.state.is_finished():
            self._unfinished[id_of(trial)] = trial
            return
        self._unfinished.pop(id_of(trial), None)
        if trial.state != _State.FAIL:
            self._ended[trial.state] += 1
            self._trained.append((id_of(trial), trial.state == _State.COMPLETE))
        elif is_retried(trial):
            self._lost[trial.number] = trial
        else:
            self._failed[trial.number] = trial


def _marks(connection: sa.Connection, trial_ids: list[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for some in chunks(trial_ids):
        for trial_id, key, text in connection.execute(_MARKS, {"trials": some}):
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
    """Split ids into chunks that one statement may name."""
    return (ids[first : first + _SOME] for first in range(0, len(ids), _SOME))
