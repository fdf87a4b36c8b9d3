"""A running trial in the hands of this process: report, finish, heartbeat. Late writes are refused."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import optuna
from optuna.exceptions import UpdateFinishedTrialError

from hpstudy.errors import HpstudyError, TrialLost
from hpstudy.records import Epoch, TrialRecord, TrialState
from hpstudy.storage.conversion import RESULT, Start
from hpstudy.storage.database import Database
from hpstudy.storage.optuna_private import id_of, note_value
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study

_LOG = logging.getLogger(__name__)
_RECORDED = {"provenance": "facts"}  # the name that it has in databases
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that a process records about a trial when it ends."""

    diverged: int | None = None  # the epoch; stands first in the JSON, where a count of such trials looks for it
    metrics: Mapping[str, float] = field(default_factory=dict)
    history: Sequence[Epoch] = ()
    device: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    traceback: str | None = None
    diagnostics: str | None = None  # `Diagnostics` as text
    repeats: int | None = None  # the number of the trial whose result this is

    def to_json(self) -> dict[str, Any]:
        values = {**vars(self), "history": [epoch.to_json() for epoch in self.history], "at": time.time()}
        return {_RECORDED.get(name, name): value for name, value in values.items() if value is not None}


class Claim:
    """A trial that this process has taken. Not thread-safe, except for `beat`.

    Every method that writes raises TrialLost once the trial has been taken away.

    Args:
        trial: May have another number within its search.
        find_original: Returns the trial of the same study that this one would repeat, if there is one.
    """

    def __init__(
        self,
        database: Database,
        study: Study,
        trial: optuna.Trial,
        number: int,
        params: Mapping[str, Level],
        start: Start,
        find_original: Callable[[], TrialRecord | None],
    ) -> None:
        self.number = number
        self.study_name = study.name
        self.params = params
        self.start = start
        self.config = study.config(params)
        self._database, self._study, self._find_original = database, study, find_original
        self._trial, self._trial_id = trial, id_of(trial)
        self._reported = 0  # epochs
        self._unwritten: dict[int, float] = {}  # values of epochs that wait to be written together
        self._written_s = time.monotonic()

    def beat(self) -> None:
        """Record that this process is still alive."""
        self._fenced(lambda: self._database.rdb.record_heartbeat(self._trial_id))

    def report(self, epoch: Epoch, *, is_last: bool = False, within_s: float = 0.0) -> bool:
        """Record the objective after an epoch. Returns whether the pruner ends the trial early.

        Args:
            within_s: How long ago values may have been written last, if this one is to wait for the next ones. The end
                of the trial writes what waits, and the pruner sees it before.
            is_last: Whether this is the trial's last epoch, after which no pruner can end it early. It is asked even
                then: successive halving records the value with which other trials are compared.
        """
        objectives = self._study.objectives
        value = epoch.metrics.get(objectives[0].metric)
        if value is None or len(objectives) > 1 or epoch.number <= self._reported:
            return False
        note_value(self._trial, epoch.number, value)
        self._unwritten[epoch.number], self._reported = value, epoch.number
        if time.monotonic() - self._written_s >= within_s:
            self._write_values()
        return self.prunes and self._fenced(self._trial.should_prune) and not is_last

    @property
    def may_be_chosen(self) -> bool:
        """Whether its network may be the one that is evaluated: of a design with confirmations, only theirs may."""
        return self.start.confirms is not None or not self._study.design.confirms

    @property
    def prunes(self) -> bool:
        """Whether a pruner may end it early."""
        return self._study.prunes and self.start.confirms is None

    def complete(self, outcome: Outcome) -> None:
        """End the trial with its objectives, taken from the outcome's metrics."""
        values = [outcome.metrics[objective.metric] for objective in self._study.objectives]
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"objectives must be finite, not {values}")
        self._end(optuna.trial.TrialState.COMPLETE, outcome, values)

    def prune(self, outcome: Outcome) -> None:
        """End the trial early; its value is the objective at the last epoch, as in Optuna's own `tell`."""
        last = outcome.history[-1].metrics[self._study.objectives[0].metric]
        self._end(optuna.trial.TrialState.PRUNED, outcome, [last])

    def original(self) -> TrialRecord | None:
        """The trial that this one would repeat to the last bit; None if no trial has trained this configuration yet."""
        return self._find_original()

    def repeat(self, original: TrialRecord) -> TrialState:
        """End the trial as training would have ended it: the pruner sees the epochs of the original one by one.

        Returns:
            Complete or pruned; running if the original was pruned where this trial is not, so that it must be trained.
        """
        now, is_whole = time.time(), original.state == TrialState.COMPLETE
        is_trained = is_whole and original.diverged is None  # a pruner might have ended one before it diverged
        history: list[Epoch] = []
        for epoch in original.history:
            history.append(replace(epoch, at=now, system={}))  # the machine's load was that of another time
            is_last = (is_trained and epoch is original.history[-1]) or epoch.number == self.config["epochs"]
            if self.report(epoch, is_last=is_last, within_s=math.inf):
                self.prune(Outcome(history=history, provenance=original.provenance, repeats=original.number))
                return TrialState.PRUNED
        if not is_whole:
            return TrialState.RUNNING
        self.complete(
            Outcome(
                diverged=original.diverged,
                metrics=original.metrics,
                history=history,
                provenance=original.provenance,
                diagnostics=original.diagnostics,
                repeats=original.number,
            )
        )
        return TrialState.COMPLETE

    def fail(self, outcome: Outcome) -> None:
        """End the trial as failed; it is not tried again."""
        self._end(optuna.trial.TrialState.FAIL, outcome, None)

    def _end(self, state: optuna.trial.TrialState, outcome: Outcome, values: list[float] | None) -> None:
        """Write state, values, result and what waits of epochs in one transaction, which may be repeated."""
        said = outcome.to_json()
        rdb = self._database.rdb
        self._fenced(lambda: rdb.finish(self._trial_id, state, values, RESULT, said, self._unwritten))

    def _write_values(self) -> None:
        self._fenced(lambda: self._database.rdb.report(self._trial_id, self._unwritten))
        self._unwritten, self._written_s = {}, time.monotonic()

    def _fenced(self, write: Callable[[], _Result]) -> _Result:
        try:
            return self._database.retrying(write)
        except (UpdateFinishedTrialError, KeyError) as error:  # KeyError: the study was deleted
            raise TrialLost(f"Trial {self.number} was taken away from this process.") from error


class Heartbeat:
    """Beats for one claim in a separate thread, which survives database errors.

    Use as a context manager around the training.
    """

    def __init__(self, claim: Claim, interval_s: float) -> None:
        self._claim, self._interval_s = claim, interval_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat {claim.number}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._interval_s):
            try:
                self._claim.beat()
            except TrialLost:
                return
            except HpstudyError as error:
                _LOG.warning("A heartbeat could not be written.", extra={"reason": str(error)})
