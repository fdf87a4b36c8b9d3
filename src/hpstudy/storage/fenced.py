"""Optuna's relational storage, with two transactions that a shared queue needs and Optuna lacks, and with faster
reading of many trials."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from hpstudy.storage.conversion import START
from hpstudy.storage.optuna_private import models, session_scope
from hpstudy.storage.reading import read_trials
from hpstudy.storage.retrying import Superseded

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class FencedStorage(RDBStorage):
    """Creates a trial only under the number that its creator expects, and ends it together with its result.

    The lock of a study lives in a connection, and connections break: then two processes believe that they hold
    the lock. So creation itself is a compare-and-set on the number of trials, under the row lock that Optuna takes.
    """

    def __init__(self, url: str, engine_kwargs: dict[str, Any]) -> None:
        """Connect, and create the tables if there are none. Leaves no connection behind if that fails."""
        try:
            super().__init__(url, engine_kwargs=engine_kwargs)
        except BaseException:
            if hasattr(self, "engine"):
                self.engine.dispose()
            raise

    @override
    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> models.TrialModel:
        """Called by `create_new_trial` within its transaction, to which the first heartbeat belongs, too.

        Raises:
            Superseded: the template belongs to a claim, and its number is not the next one.
        """
        trial = super()._get_prepared_new_trial(study_id, template_trial, session)
        if template_trial is not None and _is_claim(template_trial):
            if trial.number != template_trial.number:
                raise Superseded(f"Trial {template_trial.number} was created by another process.")
            session.add(models.TrialHeartbeatModel(trial_id=trial.trial_id))
        return trial

    @override
    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """Optuna's method, several times as fast, and without the results, at which samplers and pruners do not look.

        Called by Optuna's cache of trials, which every process with a sampler has.

        Raises:
            KeyError: there is no such study.
        """
        trial = models.TrialModel
        wanted = trial.trial_id > trial_id_greater_than
        if included_trial_ids:
            wanted = sa.or_(wanted, trial.trial_id.in_(included_trial_ids))
        with self.engine.connect() as connection:
            study = models.StudyModel
            if connection.execute(sa.select(study.study_id).where(study.study_id == study_id)).first() is None:
                raise KeyError(f"There is no study with id {study_id}.")
            found = read_trials(connection, sa.and_(trial.study_id == study_id, wanted))
        return [one for one in found if states is None or one.state in states]

    def report(self, trial_id: int, reported: Mapping[int, float]) -> None:
        """Write the intermediate values of a running trial by their steps, in one transaction.

        Raises:
            UpdateFinishedTrialError: the trial is no longer running.
            KeyError: there is no such trial.
        """
        with session_scope(self.scoped_session) as session:
            trial = models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)
            self.check_trial_is_updatable(trial_id, trial.state)  # type: ignore[arg-type] # a column of Optuna's table
            _add_reported(session, trial_id, reported)

    def finish(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        name: str,
        attribute: Any,
        reported: Mapping[int, float] | None = None,
    ) -> None:
        """End a running trial and write one of its user attributes, atomically.

        Args:
            reported: Intermediate values that were not written before, by their steps.

        Raises:
            UpdateFinishedTrialError: it is no longer running, and the attribute is a different one. After a lost
                answer, repeating the call does nothing.
            KeyError: there is no such trial.
        """
        text = json.dumps(attribute)
        with session_scope(self.scoped_session) as session:
            if not self._end(session, trial_id, state):
                self._check_is_repetition(session, trial_id, name, text)
                return
            session.add(models.TrialUserAttributeModel(trial_id=trial_id, key=name, value_json=text))
            _add_reported(session, trial_id, reported or {})
            for objective, value in enumerate(values or ()):
                stored, kind = models.TrialValueModel.value_to_stored_repr(value)
                session.add(
                    models.TrialValueModel(trial_id=trial_id, objective=objective, value=stored, value_type=kind)
                )

    @staticmethod
    def _end(session: Session, trial_id: int, state: TrialState) -> bool:
        """Update first, with the state as a condition: SQLite locks nothing before the first write."""
        trial = models.TrialModel
        ended = session.execute(
            sa.update(trial)
            .where(trial.trial_id == trial_id, trial.state == TrialState.RUNNING)
            .values(state=state, datetime_complete=datetime.now())  # Optuna stores local times
            .execution_options(synchronize_session=False)
        )
        return bool(ended.rowcount)  # type: ignore[attr-defined]

    @staticmethod
    def _check_is_repetition(session: Session, trial_id: int, name: str, text: str) -> None:
        models.TrialModel.find_or_raise_by_id(trial_id, session)
        attribute = models.TrialUserAttributeModel
        query = sa.select(attribute.value_json).where(attribute.trial_id == trial_id, attribute.key == name)
        if session.execute(query).scalar() != text:
            raise UpdateFinishedTrialError(f"Trial {trial_id} has already ended.")


def _add_reported(session: Session, trial_id: int, reported: Mapping[int, float]) -> None:
    """Add intermediate values, except those of steps that have one: an answer may have been lost."""
    model = models.TrialIntermediateValueModel
    if not reported:
        return
    known = set(session.execute(sa.select(model.step).where(model.trial_id == trial_id)).scalars())
    rows = []
    for step, value in reported.items():
        stored, kind = model.intermediate_value_to_stored_repr(value)
        rows.append({"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind})
    if new := [row for row in rows if row["step"] not in known]:
        session.execute(sa.insert(model), new)


def _is_claim(template: FrozenTrial) -> bool:
    """Whether hpstudy creates a running trial. Optuna's own tools may create trials with any number."""
    return template.state == TrialState.RUNNING and START in template.user_attrs
