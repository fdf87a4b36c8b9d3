"""What `hpstudy run` shows while it runs: a live view in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpstudy.cli import render
from hpstudy.records import TrialRecord
from hpstudy.spec import Grid, Study
from hpstudy.worker.messages import Message
from hpstudy.worker.supervisor import TrainerHandle

if TYPE_CHECKING:
    from hpstudy.storage import Progress


class PlainView:
    """A line for every trial that ends: for logs, pipes and CI."""

    def __init__(self, study: Study, console: Console) -> None:
        self.study, self._console = study, console
        self._params: dict[int, str] = {}
        self._has_problem = False
        self.failures = 0

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        if message.kind == "claimed":
            replicate = f", replicate {message.replicate}" if _repeats(self.study) else ""
            self._params[message.trial] = render.params_text(message.params) + replicate
        elif message.kind == "ended":
            self.say(f"trial {message.trial} {message.state}: {self._params.pop(message.trial, '')}{_result(message)}")
        elif message.kind == "warning":
            self.say(f"Warning: {message.text}")

    def tick(
        self, progress: Progress, handles: Sequence[TrainerHandle], best: TrialRecord | None, problem: str | None
    ) -> None:
        """Nothing is drawn, but a problem is said once, and again when there is another after it was over."""
        if problem and not self._has_problem:
            self.say(f"Warning: {problem}")
        self._has_problem = problem is not None

    def say(self, line: str) -> None:
        self._console.print(render.styled(line), soft_wrap=True)


class LiveView(PlainView):
    """A picture that is drawn again and again: progress, rate, best trial, processes, failures."""

    def __init__(self, study: Study, console: Console) -> None:
        super().__init__(study, console)
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._began_s = time.monotonic()
        self._ended_before: int | None = None
        self._last_failure = ""

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        if message.kind == "ended" and message.state in ("failed", "lost"):
            self.failures += message.state == "failed"
            self._last_failure = f"trial {message.trial} {message.state}{_result(message)}"
        elif message.kind == "warning":
            super().hear(handle, message)

    def tick(
        self, progress: Progress, handles: Sequence[TrainerHandle], best: TrialRecord | None, problem: str | None
    ) -> None:
        if self._ended_before is None:
            self._ended_before = progress.ended
        lines: list[RenderableType] = [self._headline(progress), self._bar(progress), self._best(best)]
        lines += [self._processes(handles)]
        if self._last_failure:
            lines.append(
                render.styled(f"{progress.failed} failed, {progress.lost} lost; last: {self._last_failure}", "yellow")
            )
        if problem:
            lines.append(render.styled(problem, "yellow"))
        self._live.update(Group(*lines))

    def _headline(self, progress: Progress) -> Text:
        elapsed_s = time.monotonic() - self._began_s
        ended_now = progress.ended - (self._ended_before or 0)
        text = render.styled(f"{self.study.name}  ", "bold")
        text.append(f"{progress.ended} of {progress.budget} trials, {render.duration(elapsed_s)}", "")
        if ended_now:
            per_trial_s = elapsed_s / ended_now
            left_s = (progress.budget - progress.ended) * per_trial_s
            text.append(f", {60 / per_trial_s:.1f} trials/min, about {render.duration(left_s)} left")
        return text

    def _bar(self, progress: Progress) -> Table:
        line = Table.grid()  # a bar alone does not end its line
        line.add_row(ProgressBar(total=progress.budget, completed=progress.ended, width=60))
        return line

    def _best(self, best: TrialRecord | None) -> Text:
        if best is None:
            return render.styled("no trial is complete yet", "dim")
        metric = self.study.objectives[0].metric
        return render.styled(
            f"best {metric} {best.value:.4f}, trial {best.number}: {render.params_text(best.params)}", "green"
        )

    def _processes(self, handles: Sequence[TrainerHandle]) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for handle in sorted(handles, key=lambda handle: handle.slot.number):
            if handle.doing != "training":
                table.add_row(f"process {handle.slot.number + 1}", handle.doing, "", "", style="dim")
                continue
            epochs = self.study.config(handle.params)["epochs"]
            value = f"{handle.value:.4f}" if handle.value is not None else ""
            table.add_row(
                f"process {handle.slot.number + 1}",
                f"trial {handle.trial}",
                f"epoch {handle.epoch} of {epochs}  {value}",
                render.styled(render.params_text(handle.params)),
            )
        return table


def make_view(study: Study, console: Console) -> PlainView:
    return LiveView(study, console) if console.is_terminal else PlainView(study, console)


def _repeats(study: Study) -> bool:
    return isinstance(study.design, Grid) and study.design.replicates > 1


def _result(message: Message) -> str:
    value = f": {message.value:.4f}" if message.value is not None else ""
    return value + (f": {message.text}" if message.text else "")
