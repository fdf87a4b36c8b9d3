"""What the database keeps about a study itself: its declaration, instructions, evaluation and identity."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from hpstudy.errors import NotFoundError, UserError
from hpstudy.records import Baselines, Evaluation
from hpstudy.storage.database import Database
from hpstudy.storage.instructions import INSTRUCTIONS, Instructions
from hpstudy.study.spec import Study

# User attributes of an Optuna study.
DECLARATION = "hpstudy.study"  # as JSON
IDENTITY = "hpstudy.id"  # distinguishes it from studies of the same name in other databases
UNEXTENDED = "hpstudy.unextended"  # the declaration before the first extension
EXTENSIONS = "hpstudy.extensions"  # how often it was extended; without it once, if it was
EVALUATION = "hpstudy.evaluation"  # the scores on the test split
TIMES_SCORED = "hpstudy.times_scored"  # how often the test split was; without it once, if there is an evaluation
BASELINES = "hpstudy.baselines"  # scores of simple predictors on the same rows


class StudyEntry:
    """One study's entry in the database. Other processes may change it: `read` picks up their changes.

    Attributes:
        study: The declaration as it was last read.
        instructions: The instructions as they were last read.
    """

    def __init__(self, database: Database, study: Study) -> None:
        self.study = study
        self.instructions = Instructions()
        self.study_id: int = database.optuna.get_study_id_from_name(study.name)
        self._database = database
        self._declaration = ""  # its text in the database

    @property
    def is_closed(self) -> bool:
        """Whether nothing new is tried any more, as far as was read."""
        return self.instructions.closed is not None

    def lock(self) -> AbstractContextManager[None]:
        """At most one process holds it; see `Database.study_lock`."""
        return self._database.study_lock(self.study.name)

    def read(self) -> Instructions:
        """Pick up what was written in the meantime.

        Raises:
            NotFoundError: the study was deleted.
        """
        attributes = self._attributes()
        self.instructions = Instructions.of(attributes)
        declaration = attributes.get(DECLARATION, self._declaration)
        if declaration != self._declaration:
            self._declaration, self.study = declaration, Study.from_json(declaration)
        return self.instructions

    def instruct(self, change: Callable[[Instructions], Instructions]) -> None:
        """Replace the instructions with the result of `change`."""

        def instruct() -> None:
            with self.lock():
                self._write(INSTRUCTIONS, change(self.read()).to_json())

        self._database.retrying(instruct)

    def stop(self) -> None:
        """Let nobody take a trial of this study until `resume`. Trials in training run to their end."""
        self.instruct(lambda instructions: dataclasses.replace(instructions, stopped=True))

    def close(self, reason: str) -> None:
        """Let nothing new be tried: the study ends with what was begun, and confirms what it found."""
        self.instruct(lambda instructions: dataclasses.replace(instructions, closed=instructions.closed or reason))

    def resume(self) -> None:
        """Let trials be taken again, also after `close`."""
        self.instruct(lambda instructions: dataclasses.replace(instructions, stopped=False, closed=None))

    def prioritise(self, priority: int) -> None:
        """Let workers that serve several studies take this one's trials before those of a lower priority."""
        self.instruct(lambda instructions: dataclasses.replace(instructions, priority=priority))

    def extend(self, study: Study) -> None:
        """Record a declaration that differs only in its larger budget; running workers pick it up.

        Raises:
            UserError: the budget is not larger, or what was confirmed would not be the best any more.
        """

        def extend() -> None:
            with self.lock():
                self.read()
                study.design.check_extends(self.study.design)
                if study.budget <= self.study.budget:
                    raise UserError(
                        f"Study {study.name!r} has a budget of {self.study.budget} trials; {study.budget} does not "
                        "extend it. Trials are never taken back: give the new total budget, not the increase."
                    )
                self._write(EXTENSIONS, _extensions(attributes := self._attributes()) + 1)
                if UNEXTENDED not in attributes:
                    self._write(UNEXTENDED, self.study.to_json())
                self._write(DECLARATION, study.to_json())
                self.read()

        self._database.retrying(extend)

    def extensions(self) -> int:
        """How often the study was extended."""
        with self._database.translated():
            return _extensions(self._attributes())

    def evaluation(self) -> Evaluation | None:
        """The evaluation that was stored last; None if the test split has not been scored yet."""
        with self._database.translated():
            found = self._attributes().get(EVALUATION)
            return None if found is None else Evaluation.from_json(found)

    def keep_evaluation(self, evaluation: Evaluation) -> None:
        """Store the scores on the test split with the study, and count that it was scored once more."""

        def keep() -> None:
            with self.lock():
                attributes = self._attributes()
                if attributes.get(EVALUATION, {}).get("at") != evaluation.at:  # else an earlier try has counted it
                    self._write(TIMES_SCORED, times_scored(attributes) + 1)
                self._write(EVALUATION, evaluation.to_json())

        self._database.retrying(keep)

    def baselines(self) -> Baselines | None:
        """What `keep_baselines` was given last; None if they were not computed."""
        with self._database.translated():
            found = self._attributes().get(BASELINES)
            return None if found is None else Baselines.from_json(found)

    def keep_baselines(self, baselines: Baselines) -> None:
        self._database.retrying(lambda: self._write(BASELINES, baselines.to_json()))

    def identity(self) -> str:
        """What distinguishes this study from studies of the same name in other databases that share a tracker.

        A study that an earlier version recorded gets an identity on the first call.
        """
        return self._database.retrying(self._identified)

    def _identified(self) -> str:
        with self.lock():
            found: str | None = self._attributes().get(IDENTITY)
            if found is None:
                found = uuid.uuid4().hex
                self._write(IDENTITY, found)
            return found

    def _attributes(self) -> dict[str, Any]:
        try:
            return self._database.optuna.get_study_user_attrs(self.study_id)
        except KeyError as error:
            raise NotFoundError(f"Study {self.study.name!r} was deleted in the meantime.") from error

    def _write(self, key: str, value: Any) -> None:
        self._database.optuna.set_study_user_attr(self.study_id, key, value)


def _extensions(attributes: Mapping[str, Any]) -> int:
    return int(attributes.get(EXTENSIONS, UNEXTENDED in attributes))


def times_scored(attributes: Mapping[str, Any]) -> int:
    """How often the test split was scored for a study with these user attributes."""
    return int(attributes.get(TIMES_SCORED, EVALUATION in attributes))
