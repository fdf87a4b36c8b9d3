"""No tracker: `--tracking-uri none`. The study database holds everything, and nothing is mirrored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from hpstudy.errors import NotFoundError, UserError
from hpstudy.health import Diagnosis, Health
from hpstudy.records import Evaluation, StudyState, TrialRecord
from hpstudy.settings import Settings
from hpstudy.study.spec import Study
from hpstudy.tracking.tracker import Model, StudyMirror, SyncSummary, Tracker

if TYPE_CHECKING:
    import pandas as pd

    from hpstudy.report.whole import Report

VARIABLES = ()
LOGGERS = ()
_NO_MODEL = "Models are kept in a tracker, and with --tracking-uri none there is no tracker. Leave it out."


class NoMirror:
    """Always complete, because nothing is copied."""

    sharing: str | None = None

    def sync(self, trials: Sequence[TrialRecord], *, state: StudyState, complete: bool = False) -> SyncSummary:
        return SyncSummary()

    def refresh(self) -> None:
        pass

    def is_finished(self) -> bool:
        return True

    def forget(self, trials: Sequence[TrialRecord] = ()) -> str | None:
        return None

    def explain(self, error: Exception) -> str:
        return str(error)

    def keep_report(self, report: Report, *, patience_s: float | None = None) -> None:
        pass

    def keep_model(self, evaluation: Evaluation) -> str | None:
        return None

    def model(self, evaluation: Evaluation) -> str | None:
        raise NotFoundError(_NO_MODEL)


class NoTracker:
    name = "No tracker"
    scheme = "none"
    is_empty = True
    caution: str | None = None

    def mirror(
        self, study: Study, *, identity: Callable[[], str | None] = lambda: None, source: str | None = None
    ) -> StudyMirror:
        return NoMirror()

    def load(self) -> None:
        pass

    def load_model(self, address: str) -> Model:
        raise NotFoundError(_NO_MODEL)

    def register(self, address: str, name: str) -> tuple[str, bool]:
        raise UserError(_NO_MODEL)

    def runs(self, experiment: str) -> pd.DataFrame:
        raise NotFoundError("There are no runs to read, as --tracking-uri none says that there is no tracker.")

    def where_to_look(self, study: str) -> str | None:
        return None

    def link(self, study: str) -> str:
        return ""

    def addresses(self, study: str | None, port: int) -> dict[str, str]:
        return {}

    def page_command(self, port: int) -> tuple[list[str], dict[str, str]]:
        raise UserError("There is no tracker to browse: --tracking-uri is none. `hpstudy report` writes a page.")

    def examine(self) -> Iterator[Diagnosis]:
        yield Diagnosis(level=Health.GOOD, what="No tracker is used (--tracking-uri none).")


def open_tracker(settings: Settings) -> Tracker:
    return NoTracker()
