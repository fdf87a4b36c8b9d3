"""The recorded trials of a study: how many have ended, each of them, and the best ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import optuna

from hpstudy.analysis.best import front
from hpstudy.errors import NotFoundError
from hpstudy.records import TrialRecord, TrialState
from hpstudy.storage import conversion
from hpstudy.storage.book import RecordBook
from hpstudy.storage.database import Database
from hpstudy.storage.diverged import Diverged
from hpstudy.storage.entry import StudyEntry
from hpstudy.storage.intake import Intake
from hpstudy.storage.ledger import Ledger
from hpstudy.storage.originals import Originals
from hpstudy.storage.progress import Progress
from hpstudy.study.factors import Level
from hpstudy.study.spec import Study


class Trials:
    """Reads the trials of one study."""

    def __init__(self, database: Database, entry: StudyEntry, ledger: Ledger, book: RecordBook, intake: Intake) -> None:
        self._database, self._entry, self._ledger = database, entry, ledger
        self._book, self._intake = book, intake
        self._originals = Originals(database, entry.study_id, ledger)
        self._diverged = Diverged(database, ledger)
        self._found_best: tuple[int, list[TrialRecord]] = (0, [])  # among so many complete trials

    @property
    def _study(self) -> Study:
        return self._entry.study

    def progress(self) -> Progress:
        return self._database.retrying(self._progress)

    def records(self) -> list[TrialRecord]:
        """Every trial, ordered by number."""
        return self._database.retrying(self._records)

    def record(self, number: int) -> TrialRecord:
        """Raises NotFoundError if there is no such trial."""
        record = self._database.retrying(lambda: self._record(number))
        if record is None:
            raise NotFoundError(f"Study {self._study.name!r} has no trial {number}. `hpstudy export` lists them.")
        return record

    def original(self, params: Mapping[str, Level], seed: int) -> TrialRecord | None:
        """The trial of a search that was trained with exactly these levels and this seed, if there is one.

        Training them again would give the same epochs. A grid has no such trial: its cells and replicates all differ.
        """
        if self._study.design.sampler is None:
            return None
        record = self._database.retrying(lambda: self._originals.find(params, seed))
        wanted = {objective.metric for objective in self._study.objectives}
        if record is None or record.seed != seed or not (record.history or record.diverged):
            return None  # others may have written into the database, too
        return record if record.state == TrialState.PRUNED or wanted <= record.metrics.keys() else None

    def best(self) -> list[TrialRecord]:
        """The best trial, or the Pareto front of several objectives. Empty if no trial is complete.

        Once configurations are confirmed, it is the best confirmation of the one with the best mean. Otherwise Optuna
        decides which of several equal trials is the best, so that its own tools name the same one.
        """
        return self._database.retrying(self._best)

    def _progress(self) -> Progress:
        """Reads the instructions first: if they name a failed trial, its failure is then seen as well."""
        instructions = self._entry.read()
        standing = self._ledger.read()
        budget = self._intake.budget(standing)
        progress = Progress.of(self._study, standing, instructions, budget)
        early = self._intake.ended_early(budget)
        return dataclasses.replace(progress, diverged=self._diverged.count(), ended_early=early)

    def _best(self) -> list[TrialRecord]:
        """The best trials. Optuna is only asked again if a trial has been completed since."""
        complete = self._ledger.read().complete
        if complete != self._found_best[0]:
            is_by_mean = self._study.design.has_cells or self._study.design.confirms
            best = front(self._study, self._records()) if is_by_mean else self._best_of_optuna()
            self._found_best = complete, best
        return self._found_best[1]

    def _best_of_optuna(self) -> list[TrialRecord]:
        study = optuna.load_study(study_name=self._study.name, storage=self._database.optuna)
        best = [study.best_trial] if len(self._study.objectives) == 1 else study.best_trials
        return [record for record in self._book.records_of(best) if record is not None]

    def _records(self) -> list[TrialRecord]:
        self._entry.read()
        return self._book.read(self._entry.instructions.again)

    def _record(self, number: int) -> TrialRecord | None:
        self._entry.read()
        try:
            trial_id = self._database.rdb.get_trial_id_from_study_id_trial_number(self._entry.study_id, number)
        except KeyError:
            return None
        return conversion.record_of(self._database.rdb.get_trial(trial_id), self._entry.instructions.again)
