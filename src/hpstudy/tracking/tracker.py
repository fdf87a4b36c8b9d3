"""What a tracker can do. Each has a module or a package in this room; `trackers` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hpstudy.health import Diagnosis
from hpstudy.records import Evaluation, StudyState, TrialRecord
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    import pandas as pd

    from hpstudy.report.whole import Report


@dataclass(frozen=True, kw_only=True)
class SyncSummary:
    """What a sync did to the runs of trials."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0  # duplicates, and runs of trials that the database does not have

    def __str__(self) -> str:
        return f"{self.created} created, {self.updated} updated, {self.unchanged} unchanged, {self.deleted} deleted"


class Model(Protocol):
    """The evaluated networks, which predict."""

    def predict(self, data: Any) -> Any:
        """Raw rows of the dataset → class probabilities, one row for each."""


class StudyMirror(Protocol):
    """The copy of one study in a tracker. Methods take as long as the tracker does. Thread-safe.

    Every method but `explain` raises MirrorError if the tracker cannot be reached or refuses something.
    """

    @property
    def sharing(self) -> str | None:
        """A sentence that says who else uses this study's place; None: nobody, or it is not known yet."""

    def sync(self, trials: Sequence[TrialRecord], *, state: StudyState, complete: bool = False) -> SyncSummary:
        """Make the copy equal to these trials. Repeating it changes nothing.

        Args:
            state: The state of the study: running, finished or stopped.
            complete: These are all trials of the study: read the copy afresh, and delete the runs of any other trials.
        """

    def refresh(self) -> None:
        """Forget what is known of the copy: the next call reads it again."""

    def is_finished(self) -> bool:
        """Whether the copy is complete and the study finished."""

    def forget(self, trials: Sequence[TrialRecord] = ()) -> str | None:
        """Delete the copy. Returns a sentence that says what stays; None: nothing stays."""

    def explain(self, error: Exception) -> str:
        """One sentence that describes an error, without passwords."""

    def keep_report(self, report: Report, *, patience_s: float | None = None) -> None:
        """Attach a report to the copy. Repeating it changes nothing.

        Args:
            patience_s: How long one request may take; None: the usual time.
        """

    def keep_model(self, evaluation: Evaluation) -> str | None:
        """Attach the scored networks to the copy, as a model. Repeating it does not add another one.

        Returns:
            The model's address; None if the networks are not on this machine or cannot be turned into a model.
        """

    def model(self, evaluation: Evaluation) -> str | None:
        """The address of this evaluation's model; None if there is none."""


class Tracker(Protocol):
    """The tracker at the address in the settings. It holds a copy of each study."""

    @property
    def name(self) -> str:
        """The name that people know it by."""

    @property
    def scheme(self) -> str:
        """What stands before the colon where a command takes results of a tracker, as `mlflow:NAME`."""

    @property
    def is_empty(self) -> bool:
        """Whether it is known to hold nothing yet. Contacts no server."""

    @property
    def caution(self) -> str | None:
        """A sentence that says what will not work at this address; None: nothing. Contacts no server."""

    def mirror(
        self, study: Study, *, identity: Callable[[], str | None] = lambda: None, source: str | None = None
    ) -> StudyMirror:
        """The copy of a study. The tracker is not contacted yet.

        Args:
            identity: Returns what distinguishes the study from others of its name; called when it is needed.
            source: The text of the study file, to be logged beside the declaration.
        """

    def load(self) -> None:
        """Import what mirrors need at the end of a study, which may take seconds."""

    def load_model(self, address: str) -> Model:
        """Load a model that a mirror has kept, and TensorFlow with it. Raises MirrorError."""

    def register(self, address: str, name: str) -> tuple[str, bool]:
        """Make a kept model a version of a registered one. Returns the version, and whether it is new.

        Raises:
            UserError: there is no registry, or it does not allow such a name.
            MirrorError: the tracker cannot be reached or refused it.
        """

    def runs(self, experiment: str) -> pd.DataFrame:
        """All runs of an experiment, whoever made them: `params.` and `metrics.` before their names, and `status`.

        Raises:
            NotFoundError: there is no such experiment.
            MirrorError: the tracker is away.
        """

    def where_to_look(self, study: str) -> str | None:
        """A sentence that says how to browse the copy of a study; None if it cannot be browsed."""

    def link(self, study: str) -> str:
        """A link to the copy, as HTML; empty if it cannot be browsed. Contacts no server."""

    def addresses(self, study: str | None, port: int) -> dict[str, str]:
        """Study → the address of its page as the study declares it, newest first.

        Args:
            study: This study alone; None: all of them.
            port: Where `page_command` answers, if the page is on this machine.

        Raises:
            NotFoundError: the tracker does not have this study.
            MirrorError: the tracker is away.
        """

    def page_command(self, port: int) -> tuple[list[str], dict[str, str]]:
        """How to start the tracker's web page on this machine: a command line and its whole environment.

        Raises:
            UserError: there is nothing to start; the message says where to look instead.
            NotFoundError: there is nothing to show yet.
        """

    def examine(self) -> Iterator[Diagnosis]:
        """Whether it answers, and what may cause trouble later. Raises MirrorError if it cannot be reached."""
