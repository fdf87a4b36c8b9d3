"""The studies of one database: register, open, list, delete."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress

import optuna

from hpstudy.errors import NotFoundError, StorageError, UserError
from hpstudy.storage.database import PATIENCE_S, Database
from hpstudy.storage.entry import DECLARATION, IDENTITY, UNEXTENDED, times_scored
from hpstudy.storage.ledger import Ledger
from hpstudy.storage.queue import StudyQueue
from hpstudy.storage.samplers import check_sampler
from hpstudy.study.designs import Replicates
from hpstudy.study.factors import unknown
from hpstudy.study.own import Own
from hpstudy.study.spec import Study


class Store:
    """The studies that hpstudy keeps in one database."""

    def __init__(self, url: str, *, grace_s: float = 30.0, patience_s: float = PATIENCE_S) -> None:
        """Open the database, and create its tables if there are none.

        Args:
            grace_s: A trial without a heartbeat for this long is lost.
            patience_s: How long an operation is retried while the database cannot be reached.

        Raises:
            StorageError: the database cannot be opened.
            UserError: it is not a database URL.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.database = Database(url, patience_s=patience_s)
        self._grace_s = grace_s

    def close(self) -> None:
        self.database.close()

    def register(self, study: Study, identity: str | None = None) -> StudyQueue:
        """Open the study, after recording its declaration if it is new. Repeating it changes nothing.

        Args:
            identity: The identity of the study that a new one replaces (`StudyEntry.identity`).

        Raises:
            UserError: the recorded study of this name has another declaration, or was not created by hpstudy.
        """
        study.check_factors()
        check_sampler(study.design)
        return self._queue(self.database.retrying(lambda: self._register(study, identity)))

    def open(self, name: str) -> StudyQueue:
        """Raises NotFoundError if there is no such study."""
        recorded = self.database.retrying(lambda: self._declaration(name))
        if recorded is None:
            names = self.names()
            raise NotFoundError(unknown("study", name, names, "Recorded") if names else self._no_study_at_all(name))
        return self._queue(recorded)

    def names(self) -> list[str]:
        """The names of all hpstudy studies in this database, sorted."""
        studies = self.database.retrying(self.database.optuna.get_all_studies)
        return sorted(study.study_name for study in studies if DECLARATION in study.user_attrs)

    def times_scored(self, dataset: str | Own) -> int:
        """How often the test split of a dataset was scored, by the studies that this database has."""
        wanted = dataset.to_json() if isinstance(dataset, Own) else dataset
        studies = self.database.retrying(self.database.optuna.get_all_studies)
        declared = [study.user_attrs for study in studies if DECLARATION in study.user_attrs]
        return sum(times_scored(one) for one in declared if json.loads(one[DECLARATION])["dataset"] == wanted)

    def delete(self, name: str) -> None:
        """Remove a study with all its trials. Processes that still train one of them find that it was taken away.

        Raises:
            NotFoundError: there is no such study.
        """
        self.open(name)
        self.database.retrying(lambda: self._delete(name))

    def _register(self, study: Study, identity: str | None) -> Study:
        """Returns the study as it is recorded now."""
        with self.database.study_lock(study.name):
            recorded = self._declaration(study.name)
            if recorded and (before := self._declaration(study.name, UNEXTENDED)) and not study.changes(before):
                study = dataclasses.replace(study, design=recorded.design)  # its file does not know of the extension
            changes = study.changes(recorded) if recorded else []
            if changes and self._has_trials(study.name):
                raise UserError(_refusal(study.name, changes, _extension(study, recorded) if recorded else None))
            if changes:  # nothing has been trained under the old declaration
                identity = self._identity(study.name)
                optuna.delete_study(study_name=study.name, storage=self.database.optuna)
            if changes or recorded is None:
                self._create(study, identity)
                return study
            study = study.beside(recorded)
            if study.to_json() != recorded.to_json():  # different texts for readers, such as the question
                self._record(study)
            return study

    def _delete(self, name: str) -> None:
        with self.database.study_lock(name):
            try:
                optuna.delete_study(study_name=name, storage=self.database.optuna)
            except KeyError:
                return  # deleted by an earlier attempt whose answer was lost

    def _create(self, study: Study, identity: str | None) -> None:
        storage = self.database.optuna
        directions = [
            optuna.study.StudyDirection.MAXIMIZE if objective.maximizes else optuna.study.StudyDirection.MINIMIZE
            for objective in study.objectives
        ]
        try:
            study_id = storage.create_new_study(directions, study.name)
        except optuna.exceptions.DuplicatedStudyError:
            study_id = storage.get_study_id_from_name(study.name)
            if self._has_trials(study.name) or storage.get_study_directions(study_id) != directions:
                raise UserError(
                    f"The database has a study {study.name!r} that hpstudy did not create. Choose another name."
                ) from None
        if identity:
            storage.set_study_user_attr(study_id, IDENTITY, identity)
        self._record(study)

    def _record(self, study: Study) -> None:
        storage = self.database.optuna
        storage.set_study_user_attr(storage.get_study_id_from_name(study.name), DECLARATION, study.to_json())

    def _identity(self, name: str) -> str | None:
        storage = self.database.optuna
        identity: str | None = storage.get_study_user_attrs(storage.get_study_id_from_name(name)).get(IDENTITY)
        return identity

    def _has_trials(self, name: str) -> bool:
        study_id = self.database.optuna.get_study_id_from_name(name)
        return bool(Ledger(self.database, study_id).read().trials)

    def _declaration(self, name: str, key: str = DECLARATION) -> Study | None:
        storage = self.database.optuna
        try:
            attributes = storage.get_study_user_attrs(storage.get_study_id_from_name(name))
        except KeyError:
            return None
        if key not in attributes:
            return None
        try:
            return Study.from_json(attributes[key])
        except UserError as error:
            raise StorageError(f"The recorded declaration of study {name!r} cannot be read: {error}") from error

    def _queue(self, study: Study) -> StudyQueue:
        return self.database.retrying(lambda: StudyQueue(self.database, study, grace_s=self._grace_s))

    def _no_study_at_all(self, name: str) -> str:
        return (
            f"There is no study {name!r}: the database {self.database.label} has no study yet. "
            "`hpstudy run STUDY.py` creates one; --home, HPSTUDY_HOME or HPSTUDY_STORAGE choose another place."
        )


def _extension(study: Study, recorded: Study) -> str | None:
    """The option of `hpstudy extend` that makes of the recorded study this one; None if there is none."""
    old, new = recorded.design, study.design
    if study.budget <= recorded.budget or dataclasses.replace(study, design=old).changes(recorded):
        return None
    trials: int | None = getattr(new, "trials", None)
    replicates: Replicates | None = "adaptive" if new.adaptive else getattr(new, "replicates", None)
    with suppress(UserError):
        new.check_extends(old)
        if trials is not None and old.resized(trials=trials, replicates=None) == new:
            return f"--trials {trials}"
    with suppress(UserError):
        new.check_extends(old)
        if replicates is not None and old.resized(trials=None, replicates=replicates) == new:
            return f"--replicates {replicates}"
    return None


def _refusal(name: str, changes: list[str], extension: str | None) -> str:
    if extension:
        return (
            f"Study {name!r} was recorded with another declaration, a smaller budget:\n  "
            + "\n  ".join(changes)
            + f"\n`hpstudy extend {name} {extension}` gives it the larger one, and what is trained stays. Then the "
            "same command goes on, with the file as it is now."
        )
    return (
        f"Study {name!r} was recorded with another declaration, and trials of two declarations cannot be "
        "compared. Changed since:\n  "
        + "\n  ".join(changes)
        + f"\nUndo the change, give the study another name, or start again with --fresh, which deletes the "
        f"recorded trials of {name!r}."
    )
