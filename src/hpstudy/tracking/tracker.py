"""What a tracker can do. Each has a module or a package in this room; `trackers` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hpstudy.health import Diagnosis
from hpstudy.records import Evaluation, StudyState, TrialRecord
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.report.whole import Report


@dataclass(frozen=True, kw_only=True)
class SyncSummary:
    """What a sync did to the runs of trials."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0  # runs of trials that the database does not know, and duplicates

    def __str__(self) -> str:
        return f"{self.created} created, {self.updated} updated, {self.unchanged} unchanged, {self.deleted} deleted"


class Model(Protocol):
    """The evaluated networks, which predict."""

    def predict(self, data: Any) -> Any:
        """Rows as the dataset has them → class probabilities, a row each."""


class StudyMirror(Protocol):
    """The copy of one study in a tracker. Every method may take as long as the tracker does; safe to use from threads.

    Every method but `explain` raises MirrorError while the tracker is away, or when it refused something.
    """

    @property
    def sharing(self) -> str | None:
        """Who else uses the place of this study, in a sentence; None: nobody, or it is not known yet."""

    def sync(self, trials: Sequence[TrialRecord], *, state: StudyState, complete: bool = False) -> SyncSummary:
        """Make the copy equal to these trials. Done twice, the second time changes nothing.

        Args:
            state: Of the study: running, finished or stopped.
            complete: These are all trials of the study: look anew at what is there, and delete the runs of others.
        """

    def refresh(self) -> None:
        """Forget what was seen of the copy: the next call looks at it again."""

    def is_finished(self) -> bool:
        """Whether the copy is whole, and the study finished."""

    def forget(self, trials: Sequence[TrialRecord] = ()) -> str | None:
        """Delete the copy. Returns what stays, in a sentence; None: nothing."""

    def explain(self, error: Exception) -> str:
        """An error as one sentence, without passwords."""

    def keep_report(self, report: Report, *, patience_s: float | None = None) -> None:
        """Put a report beside the copy. Done twice, the second time changes nothing.

        Args:
            patience_s: How long one request may take; None: as long as usual.
        """

    def keep_model(self, evaluation: Evaluation) -> str | None:
        """Put the networks that were scored beside the copy, as a model. Done twice, it is there once.

        Returns:
            Its address; None if the networks do not lie on this machine, or cannot be a model.
        """

    def model(self, evaluation: Evaluation) -> str | None:
        """The address of the model of this evaluation; None if there is none."""


class Tracker(Protocol):
    """Who is told about trials, at the address that the settings name."""

    @property
    def name(self) -> str:
        """As people know it."""

    @property
    def is_empty(self) -> bool:
        """Whether it certainly holds nothing yet; asks nobody."""

    @property
    def caution(self) -> str | None:
        """What will not work at this address, in a sentence; asks nobody."""

    def mirror(
        self, study: Study, *, identity: Callable[[], str | None] = lambda: None, source: str | None = None
    ) -> StudyMirror:
        """The copy of a study; nothing is sent or asked yet.

        Args:
            identity: Gives what tells the study from others of its name; asked when it is needed.
            source: The text of the study file, to be kept beside the declaration.
        """

    def load(self) -> None:
        """Import what mirrors will need at the end of a study, which may take seconds."""

    def load_model(self, address: str) -> Model:
        """A model that a mirror has kept. Loads TensorFlow. Raises MirrorError."""

    def register(self, address: str, name: str) -> tuple[str, bool]:
        """Make a kept model a version of a registered one. Returns the version, and whether it is new.

        Raises:
            UserError: there is no registry, or it does not allow such a name.
            MirrorError: the tracker is away or refused it.
        """

    def where_to_look(self, study: str) -> str | None:
        """How a person browses the copy of a study, in a sentence; None: not at all."""

    def link(self, study: str) -> str:
        """The same as HTML; empty if there is nothing to browse. Asks nobody."""

    def page_command(self, port: int) -> tuple[list[str], dict[str, str]]:
        """What starts the page for browsing on this machine: a command line and its whole environment.

        Raises:
            UserError: there is nothing to start; the message says where to look instead.
            NotFoundError: there is nothing to show yet.
        """

    def examine(self) -> Iterator[Diagnosis]:
        """Whether it answers, and what will hurt one day. Raises MirrorError if it is away."""
