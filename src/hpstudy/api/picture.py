"""The live picture of a run: its progress and pace, the best trial, the processes and the failures."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpstudy.api import tables
from hpstudy.api.cells import CellsSoFar
from hpstudy.api.notes import Notifier
from hpstudy.api.pace import Pace
from hpstudy.records import TrialRecord
from hpstudy.study.spec import Study
from hpstudy.worker.messages import Ended, Message, Warned
from hpstudy.worker.supervisor import TrainerHandle

if TYPE_CHECKING:
    from hpstudy.storage import Progress

_DOING = {  # what a process does when it trains no trial
    "starting": "loading TensorFlow",
    "ready": "taking a trial",
    "idle": "waiting",
    "evaluating": "letting the chosen networks predict, and looking for baselines",
}
NOTEBOOK_WIDTH = 110  # characters
NOTEBOOK_PAUSE_S = 0.5  # the shortest time between two pictures sent to a browser


class Screen(Protocol):
    """A place where each picture replaces the previous one."""

    def draw(self, picture: RenderableType) -> None: ...


@contextmanager
def terminal_screen(console: Console) -> Iterator[Screen]:
    """A live display in the terminal, cleared at the end."""
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield _Terminal(live)


@contextmanager
def notebook_screen() -> Iterator[Screen]:
    """An output of the running cell, cleared at the end."""
    screen = _Notebook()
    try:
        yield screen
    finally:
        screen.clear()


class _Terminal:
    def __init__(self, live: Live) -> None:
        self._live = live

    def draw(self, picture: RenderableType) -> None:
        self._live.update(picture)


class _Notebook:
    """Rich renders HTML, and Jupyter's own messages update it. Rich's live view would need ipywidgets for that."""

    def __init__(self) -> None:
        self._display: Any = None  # IPython's handle for the output, once it exists
        self._drawn_s = 0.0

    def draw(self, picture: RenderableType) -> None:
        if self._display and time.monotonic() - self._drawn_s < NOTEBOOK_PAUSE_S:
            return
        self._drawn_s = time.monotonic()
        self._show(*_as_html_and_text(picture))

    def clear(self) -> None:
        if self._display:
            self._show("", "")

    def _show(self, as_html: str, text: str) -> None:
        from IPython.display import display

        content = {"text/html": as_html, "text/plain": text}
        if self._display is None:
            self._display = display(content, raw=True, display_id=True)
        else:
            self._display.update(content, raw=True)


def _as_html_and_text(picture: RenderableType) -> tuple[str, str]:
    console = Console(file=io.StringIO(), record=True, width=NOTEBOOK_WIDTH, force_jupyter=False, highlight=False)
    console.print(picture)
    text = console.export_text(clear=False)
    form = '<pre style="white-space:pre;overflow-x:auto;line-height:normal">{code}</pre>'
    return console.export_html(inline_styles=True, code_format=form), text


class Picture:
    """Draws what it hears about a study in training.

    Args:
        notifier: Hears the warnings of trainer processes.
        records: The trials of earlier runs.
    """

    def __init__(self, study: Study, screen: Screen, notifier: Notifier, records: Sequence[TrialRecord] = ()) -> None:
        self._study, self._screen, self._notifier = study, screen, notifier
        self._pace, self._cells = Pace(study), CellsSoFar(study, records)
        self._began_s = time.monotonic()
        self._last_failure = ""
        self._repeats = 0  # trials that took over a result
        self._warned: set[str] = set()  # every process reports what it sees; once is enough

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        self._pace.hear(handle.process.pid, message)
        self._cells.hear(message)
        match message:
            case Ended() if message.repeats is not None:
                self._repeats += 1
            case Ended(state="failed" | "lost"):
                self._last_failure = f"trial {message.trial} {message.state}{tables.outcome(message)}"
            case Warned() if message.text not in self._warned:
                self._warned.add(message.text)
                self._notifier.say(f"Warning: {message.text}")

    def tick(
        self, progress: Progress, handles: Sequence[TrainerHandle], best: TrialRecord | None, problem: str | None
    ) -> None:
        lines: list[RenderableType] = [self._headline(progress), self._bar(progress), self._best(best)]
        lines += [self._processes(handles)]
        if self._last_failure:
            lost = f"{progress.failed} failed, {progress.lost} lost; last: {self._last_failure}"
            lines.append(tables.styled(lost, "yellow"))
        if progress.diverged:
            lines.append(tables.styled(f"diverged, with the constant predictor's score: {progress.diverged}", "yellow"))
        if self._repeats:
            lines.append(Text(f"repeats of earlier configurations, not trained again: {self._repeats}", "dim"))
        if problem:
            lines.append(tables.styled(problem, "yellow"))
        if cells := self._cells.table(len(lines) + len(handles)):
            lines.append(cells)
        self._screen.draw(Group(*lines))

    def _headline(self, progress: Progress) -> Text:
        elapsed_s = time.monotonic() - self._began_s
        text = tables.styled(f"{self._study.name}  ", "bold")
        text.append(f"{progress.ended} of {progress.budget} trials, {tables.duration(elapsed_s)}", "")
        left_s = self._pace.left_s(progress)
        if progress.ended >= progress.budget:
            text.append(", every trial has ended")
        elif left_s is not None:
            text.append(f", about {tables.duration(left_s)} of training left")
        return text

    def _bar(self, progress: Progress) -> Table:
        line = Table.grid()  # a bar on its own does not end its line
        line.add_row(ProgressBar(total=progress.budget, completed=progress.ended, width=60))
        return line

    def _best(self, best: TrialRecord | None) -> Text:
        if best is None:
            return tables.styled("no trial is complete yet", "dim")
        metric = self._study.objectives[0].metric
        levels = tables.params_text(self._study, best.params)
        return tables.styled(f"best {metric} {best.value:.4f}, trial {best.number}: {levels}", "green")

    def _processes(self, handles: Sequence[TrainerHandle]) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for handle in sorted(handles, key=lambda handle: handle.slot.number):
            process = f"process {handle.slot.number + 1}"
            if handle.doing != "training":
                table.add_row(process, _DOING[handle.doing], "", "", style="dim")
                continue
            table.add_row(
                process,
                f"trial {handle.trial}",
                self._epoch(handle),
                tables.styled(tables.params_text(self._study, handle.params)),
            )
        return table

    def _epoch(self, handle: TrainerHandle) -> str:
        if not handle.epoch:
            return "compiling" if self._pace.compiles(handle.process.pid) else "starting"
        value = f"  {handle.value:.4f}" if handle.value is not None else ""
        return f"epoch {handle.epoch} of {self._study.config(handle.params)['epochs']}{value}"
