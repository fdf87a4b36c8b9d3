"""One study as a queue of trials, with its parts."""

from __future__ import annotations

from hpstudy.storage.book import RecordBook
from hpstudy.storage.claims import Claims
from hpstudy.storage.database import Database
from hpstudy.storage.entry import StudyEntry
from hpstudy.storage.intake import Intake
from hpstudy.storage.ledger import Ledger
from hpstudy.storage.trials import Trials
from hpstudy.study.spec import Study


class StudyQueue:
    """One registered study. Any number of processes may use the same study.

    Attributes:
        entry: What is recorded about the study itself: declaration, instructions, evaluation.
        trials: Reads its trials.
        claims: Takes its trials.
    """

    def __init__(self, database: Database, study: Study, *, grace_s: float) -> None:
        self.database = database
        self.entry = StudyEntry(database, study)
        ledger = Ledger(database, self.entry.study_id)
        book = RecordBook(database, self.entry.study_id)
        intake = Intake(self.entry, book)
        self.trials = Trials(database, self.entry, ledger, book, intake)
        self.claims = Claims(database, self.entry, ledger, intake, find_original=self.trials.original, grace_s=grace_s)

    @property
    def study(self) -> Study:
        """The declaration as it was last read."""
        return self.entry.study
