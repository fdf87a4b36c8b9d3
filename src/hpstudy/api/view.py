"""What is shown during a run: a live picture, lines, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol, TypeAlias

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from hpstudy.api import tables
from hpstudy.api.notes import Notifier, Printer
from hpstudy.api.picture import Picture, Screen, notebook_screen, terminal_screen
from hpstudy.records import TrialRecord
from hpstudy.study.spec import Study
from hpstudy.worker.messages import Claimed, Ended, Message, Warned
from hpstudy.worker.supervisor import TrainerHandle

if TYPE_CHECKING:
    from rich.console import Console

    from hpstudy.report.whole import Report
    from hpstudy.storage import Progress as StudyProgress

Download: TypeAlias = Callable[[str, int, int | None], None]  # what is fetched, bytes so far, bytes in total


class Training(Protocol):
    """Hears of the trials while they are trained."""

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        """A trainer process has sent a message."""

    def tick(
        self, progress: StudyProgress, handles: Sequence[TrainerHandle], best: TrialRecord | None, problem: str | None
    ) -> None:
        """Called several times a second. `problem` says why the database or the tracker cannot be reached."""


class View(Notifier, Protocol):
    """Everything that a run has to show, in the order in which it happens."""

    def downloading(self) -> AbstractContextManager[Download]:
        """A dataset may be fetched."""

    def training(self, study: Study, records: Sequence[TrialRecord]) -> AbstractContextManager[Training]:
        """The trials are trained. Those of earlier runs are in the records."""

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Something takes some seconds, such as "writing the report"."""

    def results(self, study: Study, records: Sequence[TrialRecord]) -> None:
        """Training is over, and at least one trial is complete."""

    def findings(self, report: Report) -> None:
        """What the study found."""


class TerminalView(Printer):
    """Prints to the standard streams: a live picture on a terminal, otherwise a line for every trial that ends."""

    @contextmanager
    def downloading(self) -> Iterator[Download]:
        with Progress(*_columns(), console=tables.console(), transient=True) as progress:
            yield _Bars(progress)

    @contextmanager
    def training(self, study: Study, records: Sequence[TrialRecord]) -> Iterator[Training]:
        console = tables.console()
        if not console.is_terminal:
            yield TrialLines(study, console)
            return
        with terminal_screen(console) as screen:
            yield Picture(study, screen, self, records)

    def busy(self, doing: str) -> AbstractContextManager[object]:
        console = tables.console()
        return console.status(f"{doing} …", spinner="line") if console.is_terminal else nullcontext()

    def results(self, study: Study, records: Sequence[TrialRecord]) -> None:
        tables.console().print(tables.result_table(study, records))

    def findings(self, report: Report) -> None:
        tables.print_short(tables.console(), report)


class NotebookView(Printer):
    """Draws in the output of a cell. Results and findings are left to the result, which displays itself."""

    @contextmanager
    def downloading(self) -> Iterator[Download]:
        progress = Progress(*_columns(), auto_refresh=False)
        with notebook_screen() as screen:
            yield _Bars(progress, screen)

    @contextmanager
    def training(self, study: Study, records: Sequence[TrialRecord]) -> Iterator[Training]:
        with notebook_screen() as screen:
            yield Picture(study, screen, self, records)

    @contextmanager
    def busy(self, doing: str) -> Iterator[None]:
        with notebook_screen() as screen:
            screen.draw(f"{doing} …")
            yield

    def results(self, study: Study, records: Sequence[TrialRecord]) -> None:
        pass

    def findings(self, report: Report) -> None:
        pass


class SilentView:
    """Shows nothing. A service asks the result for what it wants to know."""

    def say(self, sentence: str) -> None:
        pass

    def remark(self, sentence: str) -> None:
        pass

    def warn(self, sentence: str) -> None:
        pass

    def fail(self, sentence: str) -> None:
        pass

    @contextmanager
    def downloading(self) -> Iterator[Download]:
        yield lambda what, done, total: None

    @contextmanager
    def training(self, study: Study, records: Sequence[TrialRecord]) -> Iterator[Training]:
        yield self

    def busy(self, doing: str) -> AbstractContextManager[object]:
        return nullcontext()

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        pass

    def tick(
        self, progress: StudyProgress, handles: Sequence[TrainerHandle], best: TrialRecord | None, problem: str | None
    ) -> None:
        pass

    def results(self, study: Study, records: Sequence[TrialRecord]) -> None:
        pass

    def findings(self, report: Report) -> None:
        pass


class TrialLines:
    """A line for every trial that ends: for logs, pipes and CI."""

    def __init__(self, study: Study, console: Console) -> None:
        self._study, self._console = study, console
        self._has_replicates = study.design.has_cells and study.design.most > 1
        self._params: dict[int, str] = {}
        self._has_problem = False
        self._warned: set[str] = set()  # every process reports what it sees; once is enough

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        match message:
            case Claimed():
                replicate = f", replicate {message.replicate}" if self._has_replicates else ""
                confirms = "" if message.confirms is None else f", confirms trial {message.confirms}"
                self._params[message.trial] = tables.params_text(self._study, message.params) + replicate + confirms
            case Ended():
                params = self._params.pop(message.trial, "")
                self._print(f"trial {message.trial} {message.ending}: {params}{tables.outcome(message)}")
            case Warned() if message.text not in self._warned:
                self._warned.add(message.text)
                self._print(f"Warning: {message.text}")

    def tick(
        self, progress: StudyProgress, handles: Sequence[TrainerHandle], best: TrialRecord | None, problem: str | None
    ) -> None:
        """Draws nothing. A problem is printed once, and again if one arises after it was solved."""
        if problem and not self._has_problem:
            self._print(f"Warning: {problem}")
        self._has_problem = problem is not None

    def _print(self, line: str) -> None:
        self._console.print(tables.styled(line), soft_wrap=True)


class _Bars:
    """A progress bar for every file that is fetched."""

    def __init__(self, progress: Progress, screen: Screen | None = None) -> None:
        self._progress, self._screen = progress, screen

    def __call__(self, what: str, done: int, total: int | None) -> None:
        task = next((task.id for task in self._progress.tasks if task.description == what), None)
        if task is None:
            task = self._progress.add_task(what, total=total)
        self._progress.update(task, completed=done, total=total)
        if self._screen:
            self._screen.draw(self._progress.get_renderable())


def _columns() -> tuple[TextColumn | BarColumn | DownloadColumn | TransferSpeedColumn, ...]:
    return TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()


def default_view() -> View:
    """The notebook's view in a notebook, otherwise the terminal's, which prints lines if there is no terminal."""
    return NotebookView() if _is_notebook() else TerminalView()


def _is_notebook() -> bool:
    from rich.console import Console

    return Console().is_jupyter
