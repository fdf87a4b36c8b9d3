"""How many trials a study asks for now, by its declaration, its results and what people asked for."""

from __future__ import annotations

from hpstudy.analysis import intake
from hpstudy.records import TrialRecord
from hpstudy.storage.book import RecordBook
from hpstudy.storage.entry import StudyEntry
from hpstudy.storage.ledger import Standing
from hpstudy.study.designs import Adaptive, Grid, Search


class Intake:
    """Reads the results only where the budget depends on them."""

    def __init__(self, entry: StudyEntry, book: RecordBook) -> None:
        self._entry, self._book = entry, book

    @property
    def is_closed(self) -> bool:
        return self._entry.is_closed

    def records(self) -> list[TrialRecord]:
        """Every trial, ordered by number."""
        return self._book.read(self._entry.instructions.again)

    def depends_on_results(self, standing: Standing) -> bool:
        """Whether the trials at hand may have changed the budget."""
        design = self._entry.study.design
        match design:
            case Search() if not self.is_closed:
                return design.patience is not None or (design.confirms and standing.trials >= design.trials)
            case Grid(replicates=Adaptive()):
                return True
        return self.is_closed

    def budget(self, standing: Standing) -> int:
        study = self._entry.study
        if not self.depends_on_results(standing):
            return study.budget
        return intake.asked(study, self.records(), closed=self.is_closed)

    def ended_early(self, budget: int) -> str | None:
        """Why the study asks for fewer trials than it might; None if it does not."""
        study, closed = self._entry.study, self._entry.instructions.closed
        if budget >= study.budget:
            return None
        if closed is not None:
            return closed
        design = study.design
        if isinstance(design, Search) and intake.is_out_of_patience(study, design, self.records()):
            return f"no trial was better than the best one for {design.patience} trials"
        return None
