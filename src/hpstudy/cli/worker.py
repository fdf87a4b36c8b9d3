"""`hpstudy worker` serves the studies of a shared database; `hpstudy workers` shows who does."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpstudy.cli.options import json_option, open_store, settings_options
from hpstudy.cli.run import check_home, say_shared, say_unmirrored
from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError
from hpstudy.settings import Settings
from hpstudy.worker.devices import NO_GPU, Slot, choose_gpus, default_processes, slots
from hpstudy.worker.supervisor import Supervisor, TrainerHandle, WorkOrder

if TYPE_CHECKING:
    from hpstudy.storage import Doing, StudyQueue
    from hpstudy.worker.messages import Message

MANY = 10**6  # trials: as many processes as the machine bears
EXIT_S = 8.0  # after SIGTERM; a service manager kills after ten
DATABASE_PATIENCE_S = 2.0  # of the supervisor, which has a signal to hear; trainer processes wait for an hour
MLFLOW_PATIENCE_S = 3.0
MLFLOW_LIMIT_S = 5.0  # after SIGTERM, when a server that does not answer must not keep us
LOOK_S = 1.0  # between looks at the database


@click.command("worker", epilog="Example: hpstudy worker search --gpus all --per-gpu 2 --idle-exit 60")
@click.argument("study", metavar="[NAME|FILE.py]", required=False)
@click.option("--processes", type=click.IntRange(1), help="Trainer processes [default: one per GPU, else per core].")
@click.option("--gpus", default="all", show_default=True, metavar="all|none|0,1", help="Which GPUs to train on.")
@click.option("--per-gpu", type=click.IntRange(1), default=1, show_default=True, help="Processes on each GPU.")
@click.option(
    "--idle-exit", type=click.FloatRange(0), metavar="SECONDS", help="Exit so long after nothing is left [never]."
)
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="A longer trial ends as failed."
)
@settings_options
def worker_command(
    settings: Settings,
    study: str | None,
    processes: int | None,
    gpus: str,
    per_gpu: int,
    idle_exit: float | None,
    timeout: float | None,
) -> None:
    """Train trials of every open study, or of one, until stopped by SIGTERM or Ctrl-C.

    A study that builds its own network is named by its file. On SIGTERM the trials in training go back to the
    queue at once, and the worker exits with 0 within ten seconds; a second signal ends it now.
    """
    check_home(settings)
    file = Path(study) if study and study.endswith(".py") else None
    order = WorkOrder(
        slots=_slots(processes, choose_gpus(gpus), per_gpu),
        study=_name_in(file) if file else study,
        file=file.absolute() if file else None,
        timeout_s=timeout,
        idle_exit_s=idle_exit,
    )
    _Worker(settings, order).serve()


def _slots(processes: int | None, gpus: list[str], per_gpu: int) -> list[Slot]:
    trained_on = [gpu for gpu in gpus if gpu != NO_GPU]
    return slots(processes or len(trained_on) * per_gpu or default_processes(MANY), gpus)


def _places(slots: Sequence[Slot]) -> str:
    """`4 processes on GPUs 0, 1`, in the words of the first line that a worker says."""
    count = f"{len(slots)} process{'es' if len(slots) > 1 else ''}"
    gpus = sorted({slot.gpu for slot in slots if slot.gpu})
    if not gpus:
        return f"{count} on the processor" + (", without its GPUs" if slots[0].gpu == NO_GPU else "; no GPU was found")
    return f"{count} on GPU{'s' if len(gpus) > 1 else ''} {', '.join(gpus)}"


def _name_in(file: Path) -> str:
    from hpstudy.studyfile import load

    return load(file).study.name


class _Worker:
    """One `hpstudy worker`, from its first look at the database to its last word."""

    def __init__(self, settings: Settings, order: WorkOrder) -> None:
        from hpstudy.owner import Owner
        from hpstudy.storage import NoticeBoard, Store
        from hpstudy.worker.mirroring import Mirrors
        from hpstudy.worker.studies import ServedStudies

        self._settings, self._order, self._owner = settings, order, Owner.of_process()
        store = Store(settings.storage, grace_s=settings.grace_s, patience_s=DATABASE_PATIENCE_S)
        self._studies = ServedStudies(store, order.study, order.file)
        self._board, self._posted_s = NoticeBoard(store.database), 0.0
        self._mirrors = Mirrors(settings)
        self._queues: list[StudyQueue] = []
        self._looked_s, self._problem = 0.0, ""

    def serve(self) -> None:
        """Until nothing is left for long enough, or a signal. Raises FatalError if processes crash again and again."""
        self._studies.queues()  # an unknown study or a missing file is told before anything is started
        supervisor = Supervisor(self._settings, self._order, exit_within_s=EXIT_S)
        _say(f"Worker on {self._owner.host}, {_places(self._order.slots)}. Ctrl-C or SIGTERM stops it.")
        try:
            supervisor.start()
            supervisor.work(self._served, hear=self._hear, tick=lambda: self._tick(supervisor))
        finally:
            supervisor.stop()
            self._conclude(MLFLOW_LIMIT_S if supervisor.interrupted else None)
        _say("Stopped; its trials are back in the queue." if supervisor.interrupted else "Nothing is left to do.")

    def _served(self) -> list[StudyQueue]:
        """Looked up once a second: a supervisor that asks more often would be the database's main user."""
        if time.monotonic() - self._looked_s > LOOK_S:
            known, self._queues, self._looked_s = self._queues, self._studies.queues(), time.monotonic()
            self._mirrors.look_after([queue for queue in self._queues if queue not in known])
        return self._queues

    def _hear(self, handle: TrainerHandle, message: Message) -> None:
        if message.kind == "claimed":
            _say(f"trial {message.trial} of {message.study} begins in process {handle.slot.number + 1}")
        elif message.kind == "ended":
            value = f": {message.value:.4f}" if message.value is not None else ""
            _say(f"trial {message.trial} {message.state}{value}{': ' + message.text if message.text else ''}")
        elif message.kind == "warning":
            _say(f"Warning: {message.text}")
        if message.kind in ("claimed", "ended"):
            for queue in self._queues:
                if message.kind == "ended" or queue.study.name == message.study:
                    self._mirrors.poke(queue)

    def _tick(self, supervisor: Supervisor) -> None:
        problem = supervisor.problem or self._mirrors.problem or ""
        if problem != self._problem:
            self._problem = problem
            _say(f"Warning: {problem}" if problem else "All is well again.")
        if time.monotonic() - self._posted_s > self._settings.heartbeat_s:
            self._posted_s = time.monotonic()
            self._board.post(self._owner, [_doing(handle) for handle in supervisor.handles])

    def _conclude(self, limit_s: float | None) -> None:
        with contextlib.suppress(HpstudyError):  # a notice that is old is not shown
            self._board.remove(self._owner)
        say_unmirrored(self._mirrors.finish(MLFLOW_PATIENCE_S, limit_s))
        say_shared(self._mirrors)


@click.command("workers", epilog="Example: hpstudy workers --json")
@settings_options
@json_option
def workers_command(settings: Settings, as_json: bool) -> None:
    """Show who is alive, where, on which device, with which trial."""
    from hpstudy.cli import render
    from hpstudy.storage import NoticeBoard

    notices = NoticeBoard(open_store(settings).database).read(within_s=settings.grace_s)
    if as_json:
        click.echo(json.dumps([asdict(notice) for notice in notices]))
        return
    if not notices:
        click.echo("No worker is alive. `hpstudy worker` starts one; `hpstudy run STUDY.py` works by itself.")
        return
    rows = [
        (notice.host, notice.pid, doing.device, doing.state, doing.study, doing.trial, f"{notice.age_s:.0f} s ago")
        for notice in notices
        for doing in notice.processes
    ]
    columns = ("host", "process", "device", "doing", "study", "trial", "seen")
    render.console().print(render.make_table(None, columns, rows))


def _doing(handle: TrainerHandle) -> Doing:
    from hpstudy.storage import Doing

    slot = handle.slot
    device = f"GPU {slot.gpu}" if slot.gpu else f"cores {','.join(map(str, slot.cores))}"
    return Doing(device=device, state=handle.doing, study=handle.study, trial=handle.trial)


def _say(line: str) -> None:
    echo(line)
