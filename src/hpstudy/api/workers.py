"""A worker trains trials of the studies in a database until it is stopped or nothing is left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.notes import Notifier
from hpstudy.api.recorded import check_home
from hpstudy.api.running import say_shared, warn_unmirrored
from hpstudy.api.tables import outcome
from hpstudy.errors import HpstudyError
from hpstudy.settings import Settings
from hpstudy.worker.devices import NO_GPU, Slot, choose_gpus, default_processes, slots, why_so_few
from hpstudy.worker.messages import Claimed, Ended, Message, Warned
from hpstudy.worker.supervisor import Assignment, Supervisor, TrainerHandle

if TYPE_CHECKING:
    from hpstudy.storage import Doing, StudyQueue, WorkerNotice

MANY = 10**6  # trials; more than any machine has processes for, so the machine is the limit
EXIT_S = 8.0  # after SIGTERM; a service manager kills after ten seconds
DATABASE_PATIENCE_S = 2.0  # the supervisor must react to signals; trainer processes wait for an hour
TRACKER_PATIENCE_S = 3.0
TRACKER_LIMIT_S = 5.0  # after SIGTERM, when a silent server must not hold us up
LOOK_S = 1.0  # between looks at the database


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """What a worker is to do; each field has the name of its command-line option."""

    study: str | None = None  # the name or the file of the only study to serve; None: every open one
    processes: int | None = None  # None: one per GPU, or one per core if there is no GPU
    gpus: str = "all"  # `all`, `none`, or numbers separated by commas
    per_gpu: int = 1  # processes on each GPU
    idle_exit_s: float | None = None
    timeout_s: float | None = None  # how long a trial may take


def serve(settings: Settings, options: WorkerOptions, notifier: Notifier) -> None:
    """Train until there has been nothing to do for long enough, or a signal arrives. A second signal ends this process.

    Raises:
        UserError: there is no such GPU, or the study's file is missing or is a different one.
        NotFoundError: there is no such study.
        FatalError: processes crash again and again.
    """
    check_home(settings, notifier)
    file = Path(options.study) if options.study and options.study.endswith(".py") else None
    taken = worker_slots(options.processes, choose_gpus(options.gpus), options.per_gpu)
    work = Assignment(
        slots=taken,
        study=_name_in(file) if file else options.study,
        file=file.absolute() if file else None,
        timeout_s=options.timeout_s,
        idle_exit_s=options.idle_exit_s,
        forked=not any(slot.gpu for slot in taken),
    )
    _Service(settings, work, notifier).serve(places(taken, None if options.processes else why_so_few(MANY)))


def workers(settings: Settings) -> list[WorkerNotice]:
    """The workers that are alive: where, on which device, and with which trial."""
    from hpstudy.storage import NoticeBoard, Store

    with contextlib.closing(Store(settings.storage, grace_s=settings.grace_s)) as store:
        return NoticeBoard(store.database).read(within_s=settings.grace_s)


def worker_slots(processes: int | None, gpus: list[str], per_gpu: int) -> list[Slot]:
    trained_on = [gpu for gpu in gpus if gpu != NO_GPU]
    return slots(processes or len(trained_on) * per_gpu or default_processes(MANY), gpus)


def places(slots: Sequence[Slot], why: str | None = None) -> str:
    """`4 processes on GPUs 0, 1`, as a worker's first line says it."""
    count = f"{len(slots)} process{'es' if len(slots) > 1 else ''}"
    gpus = sorted({slot.gpu for slot in slots if slot.gpu})
    if not gpus:
        without = ", without its GPUs" if slots[0].gpu == NO_GPU else "; no GPU was found"
        return f"{count} on the processor{f', because {why}' if why else ''}{without}"
    return f"{count} on GPU{'s' if len(gpus) > 1 else ''} {', '.join(gpus)}"


def _name_in(file: Path) -> str:
    from hpstudy.study.studyfile import load

    return load(file).study.name


class _Service:
    """One `hpstudy worker`, from its first look at the database to its last message."""

    def __init__(self, settings: Settings, assignment: Assignment, notifier: Notifier) -> None:
        from hpstudy.owner import Owner
        from hpstudy.storage import NoticeBoard, Store
        from hpstudy.worker.mirroring import Mirrors
        from hpstudy.worker.studies import ServedStudies

        self._settings, self._assignment, self._owner = settings, assignment, Owner.of_process()
        self._notifier, self._say = notifier, notifier.say
        self._store = store = Store(settings.storage, grace_s=settings.grace_s, patience_s=DATABASE_PATIENCE_S)
        self._studies = ServedStudies(store, assignment.study, assignment.file, settings)
        self._board, self._posted_s = NoticeBoard(store.database), 0.0
        self._mirrors = Mirrors(settings)
        self._queues: list[StudyQueue] = []
        self._looked_s, self._problem = 0.0, ""
        self._warned: set[str] = set()  # every process reports what it sees; once is enough

    def serve(self, places: str) -> None:
        """Train until there has been nothing to do for long enough, or a signal arrives.

        Args:
            places: Where it trains, for its first line.

        Raises:
            FatalError: processes crash again and again.
        """
        try:
            self._studies.queues()  # reports an unknown study or a missing file before anything is started
        except HpstudyError:
            self._store.close()
            raise
        with Supervisor(self._settings, self._assignment, exit_within_s=EXIT_S) as supervisor:
            self._say(f"Worker on {self._owner.host}, {places}. Ctrl-C or SIGTERM stops it.")
            try:
                supervisor.start()
                supervisor.work(self._served, hear=self._hear, tick=lambda: self._tick(supervisor))
            finally:
                supervisor.stop()
                self._conclude(TRACKER_LIMIT_S if supervisor.interrupted else None)
        self._say("Stopped; its trials are back in the queue." if supervisor.interrupted else "Nothing is left to do.")

    def _served(self) -> list[StudyQueue]:
        """Looked up at most once a second: asking more often would make the supervisor the database's main user."""
        if time.monotonic() - self._looked_s > LOOK_S:
            known, self._queues, self._looked_s = self._queues, self._studies.queues(), time.monotonic()
            self._mirrors.look_after([queue for queue in self._queues if queue not in known])
            for sentence in self._studies.lacking:
                self._warn(sentence)
        return self._queues

    def _hear(self, handle: TrainerHandle, message: Message) -> None:
        match message:
            case Claimed():
                self._say(f"trial {message.trial} of {message.study} begins in process {handle.slot.number + 1}")
                self._poke(message.study)
            case Ended():
                self._say(f"trial {message.trial} {message.ending}{outcome(message)}")
                self._poke(message.study)
            case Warned():
                self._warn(message.text)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._say(f"Warning: {sentence}")

    def _poke(self, study: str) -> None:
        for queue in self._queues:
            if study == queue.study.name:
                self._mirrors.poke(queue)

    def _tick(self, supervisor: Supervisor) -> None:
        problem = supervisor.problem or self._mirrors.problem or ""
        if problem != self._problem:
            self._problem = problem
            self._say(f"Warning: {problem}" if problem else "All is well again.")
        if time.monotonic() - self._posted_s > self._settings.heartbeat_s:
            self._posted_s = time.monotonic()
            self._board.post(self._owner, [_doing(handle) for handle in supervisor.handles])

    def _conclude(self, limit_s: float | None) -> None:
        with contextlib.suppress(HpstudyError):  # an outdated notice is not shown anyway
            self._board.remove(self._owner)
        warn_unmirrored(self._mirrors, self._mirrors.finish(TRACKER_PATIENCE_S, limit_s), self._notifier)
        say_shared(self._mirrors, self._notifier)
        self._store.close()


def _doing(handle: TrainerHandle) -> Doing:
    from hpstudy.storage import Doing

    slot = handle.slot
    device = f"GPU {slot.gpu}" if slot.gpu else f"cores {','.join(map(str, slot.cores))}"
    return Doing(device=device, state=handle.doing, study=handle.study, trial=handle.trial)
