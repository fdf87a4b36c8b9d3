"""What the database keeps of a study itself, beside its trials: declaration, instructions, evaluation, identity."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from hpstudy.errors import NotFoundError, UserError
from hpstudy.records import Evaluation
from hpstudy.storage.database import Database
from hpstudy.storage.instructions import INSTRUCTIONS, Instructions
from hpstudy.study.spec import Study

# User attributes of an Optuna study.
DECLARATION = "hpstudy.study"  # as JSON
IDENTITY = "hpstudy.id"  # tells it from the studies of its name in other databases
EVALUATION = "hpstudy.evaluation"  # the scores on the test split


class StudyEntry:
    """One study's entry in the database. Other processes may change it: `read` takes up what they wrote.

    Attributes:
        study: The declaration as it was last read.
        instructions: As they were last read.
    """

    def __init__(self, database: Database, study: Study) -> None:
        self.study = study
        self.instructions = Instructions()
        self.study_id: int = database.optuna.get_study_id_from_name(study.name)
        self._database = database
        self._declaration = ""  # as the database has it

    def lock(self) -> AbstractContextManager[None]:
        """At most one process holds it; see `Database.study_lock`."""
        return self._database.study_lock(self.study.name)

    def read(self) -> Instructions:
        """Take up what was written meanwhile.

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
        """Replace the instructions by what `change` makes of them."""

        def instruct() -> None:
            with self.lock():
                self._write(INSTRUCTIONS, change(self.read()).to_json())

        self._database.retrying(instruct)

    def stop(self) -> None:
        """Let nobody take a trial of this study until `resume`. Trials that are in training go on to their end."""
        self.instruct(lambda instructions: dataclasses.replace(instructions, stopped=True))

    def resume(self) -> None:
        """Let trials be taken again."""
        self.instruct(lambda instructions: dataclasses.replace(instructions, stopped=False))

    def extend(self, study: Study) -> None:
        """Record a declaration that differs in nothing but a larger budget; living workers take it up.

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
                        "extend it. Trials are never taken back: give the whole new budget, not what is added."
                    )
                self._write(DECLARATION, study.to_json())
                self.read()

        self._database.retrying(extend)

    def evaluation(self) -> Evaluation | None:
        """What `keep_evaluation` was given last; None if the test split was not touched yet."""
        with self._database.translated():
            found = self._attributes().get(EVALUATION)
            return None if found is None else Evaluation.from_json(found)

    def keep_evaluation(self, evaluation: Evaluation) -> None:
        """Store the scores on the test split with the study."""
        self._database.retrying(lambda: self._write(EVALUATION, evaluation.to_json()))

    def identity(self) -> str:
        """What tells this study from those of its name in other databases, for places that several databases share.

        A study that an earlier version recorded gets one when it is first asked for.
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
            raise NotFoundError(f"Study {self.study.name!r} was deleted meanwhile.") from error

    def _write(self, key: str, value: Any) -> None:
        self._database.optuna.set_study_user_attr(self.study_id, key, value)
