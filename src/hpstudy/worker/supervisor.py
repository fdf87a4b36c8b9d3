"""The supervisor of one machine: starts trainer processes, replaces the dead, hears what they do, ends them."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from hpstudy.errors import FatalError
from hpstudy.owner import Owner
from hpstudy.rundir import trials_with_weights
from hpstudy.settings import Settings
from hpstudy.worker.messages import CORES_VARIABLE, PIPE_VARIABLE, Inbox, Message

if TYPE_CHECKING:
    from hpstudy.storage import Progress, StudyQueue

MEMORY_OF_PROCESS_GB = 1.0  # of a trainer with TensorFlow, a small network and Fashion-MNIST
MAX_CRASHES = 3  # of trainer processes that have no trial, until one ends a trial again
TICK_S = 0.25  # between looks at what cannot be waited for


@dataclass(frozen=True, kw_only=True)
class WorkOrder:
    """What the trainer processes of one supervisor are to do."""

    study: str
    file: Path | None  # the study file, where it builds its own network
    processes: int
    timeout_s: float | None = None  # of a trial


@dataclass(kw_only=True)
class TrainerHandle:
    """One trainer process as the supervisor sees it."""

    slot: int  # from 0; decides the processor cores
    process: subprocess.Popen[bytes]
    inbox: Inbox
    log: Path
    owner: Owner
    doing: str = "starting"  # or ready, training, idle
    trial: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    value: float | None = None
    said: str = ""  # its last word, if it was fatal


def default_processes(budget: int) -> int:
    """One per core that this process may use, as memory allows, and no more than there are trials."""
    by_memory = int(psutil.virtual_memory().available / (MEMORY_OF_PROCESS_GB * 1e9))
    return max(1, min(len(_cores()), by_memory, budget))


class Supervisor:
    """Keeps a number of trainer processes at work until the study is finished or the user stops it."""

    def __init__(self, settings: Settings, order: WorkOrder) -> None:
        self.handles: list[TrainerHandle] = []
        self.interrupted = False
        self._settings, self._order = settings, order
        self._selector = selectors.DefaultSelector()
        self._crashes = 0
        self._may_work = False

    def start(self) -> None:
        """Start the processes; they load their libraries and wait for `work`."""
        for slot in range(self._order.processes):
            self._spawn(slot)

    def work(
        self,
        queue: StudyQueue,
        *,
        hear: Callable[[TrainerHandle, Message], None],
        tick: Callable[[Progress], None],
    ) -> Progress:
        """Let the processes train until nothing is left, or until SIGINT or SIGTERM.

        Args:
            hear: Called with every message and the handle of its sender.
            tick: Called some times a second.

        Raises:
            FatalError: processes die again and again, or say that they cannot go on.
        """
        self._may_work = True
        with self._signals():
            for handle in self.handles:
                self._let_go(handle)
            while not self.interrupted and self.handles:
                for handle, message in self._messages():
                    self._note(handle, message)
                    hear(handle, message)
                self._bury(queue)
                progress = queue.progress()
                _keep_best_weights(self._settings, queue)
                tick(progress)
            if self.interrupted:
                self.stop()
                for handle in self.handles:
                    queue.release(handle.owner, "the worker was stopped", failed_attempt=False)
            _keep_best_weights(self._settings, queue)
        return queue.progress()

    def stop(self) -> None:
        """End every process at once. Their trials are for the next one to find."""
        for handle in self.handles:
            handle.process.kill()
        for handle in self.handles:
            handle.process.wait()

    def _spawn(self, slot: int) -> None:
        cores = _cores()[slot :: self._order.processes] or _cores()
        self._settings.logs_dir.mkdir(parents=True, exist_ok=True)
        log = self._settings.logs_dir / f"{self._order.study}-trainer-{slot}.log"
        reading, writing = os.pipe()
        arguments = [sys.executable, "-m", "hpstudy.worker.trainer_process", self._order.study]
        if self._order.file:
            arguments += ["--file", str(self._order.file)]
        if self._order.timeout_s is not None:
            arguments += ["--timeout", str(self._order.timeout_s)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                arguments,
                env=_environment(self._settings, writing, cores),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(writing,),
                start_new_session=True,  # Ctrl-C is the supervisor's to handle
            )
        os.close(writing)
        owner = Owner.of_process(process.pid)
        handle = TrainerHandle(slot=slot, process=process, inbox=Inbox(reading), log=log, owner=owner)
        self.handles.append(handle)
        self._selector.register(handle.inbox, selectors.EVENT_READ, handle)
        if self._may_work:
            self._let_go(handle)

    def _let_go(self, handle: TrainerHandle) -> None:
        """Its first line of input lets a process work; the input's end would end it."""
        assert handle.process.stdin
        try:
            handle.process.stdin.write(b"work\n")
            handle.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died already; `_bury` sees that

    def _messages(self) -> Iterator[tuple[TrainerHandle, Message]]:
        for key, _ in self._selector.select(TICK_S):
            handle: TrainerHandle = key.data
            messages, closed = handle.inbox.read()
            if closed:
                self._selector.unregister(handle.inbox)
            for message in messages:
                yield handle, message

    def _note(self, handle: TrainerHandle, message: Message) -> None:
        if message.kind == "claimed":
            handle.doing, handle.trial, handle.params = "training", message.trial, message.params
            handle.epoch, handle.value = 0, None
        elif message.kind == "epoch":
            handle.epoch, handle.value = message.epoch, message.value
        elif message.kind == "ended":
            handle.doing, handle.trial = "ready", None
            self._crashes = 0
        elif message.kind in ("ready", "idle"):
            handle.doing = message.kind
        elif message.kind == "fatal":
            handle.said = message.text

    def _bury(self, queue: StudyQueue) -> None:
        """Replace the processes that died; drop those that ended because nothing is left."""
        for handle in self._ended():
            self.handles.remove(handle)
            handle.inbox.close()
            code = handle.process.returncode
            if code == 0:
                continue
            reason = _death(code)
            queue.release(
                handle.owner, f"process {handle.owner.pid} on {handle.owner.host} {reason}", failed_attempt=True
            )
            if handle.said:
                raise FatalError(handle.said)
            if handle.trial is None:  # a trial that kills its process fails after some attempts: that ends by itself
                self._crashes += 1
            if self._crashes == MAX_CRASHES:
                raise FatalError(
                    f"{MAX_CRASHES} trainer processes died outside of any trial; the last one {reason}. "
                    f"The last lines of {handle.log}:\n{_last_lines(handle.log)}"
                )
            self._spawn(handle.slot)

    def _ended(self) -> list[TrainerHandle]:
        """Processes that are over and have been heard to the end."""
        open_ends = {key.data.slot for key in self._selector.get_map().values()}
        return [handle for handle in self.handles if handle.slot not in open_ends and handle.process.wait() is not None]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first signal ends the work in order, the second ends this process at once."""

        def on_signal(number: int, _: object) -> None:
            if self.interrupted:
                self.stop()
                os._exit(128 + number)
            self.interrupted = True

        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, on_signal) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _environment(settings: Settings, pipe: int, cores: list[int]) -> dict[str, str]:
    """Addresses go by environment, not by arguments, which every user of the machine can read."""
    return {
        **os.environ,
        **settings.to_environment(),
        PIPE_VARIABLE: str(pipe),
        CORES_VARIABLE: ",".join(map(str, cores)),
        "OMP_NUM_THREADS": str(len(cores)),
        "TF_NUM_INTRAOP_THREADS": str(len(cores)),
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }


def _death(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with {code}"


def _last_lines(log: Path, count: int = 8) -> str:
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(f"  {line}" for line in lines)


def _keep_best_weights(settings: Settings, queue: StudyQueue) -> None:
    """Delete the weights of trials that ended and are not among the best."""
    kept = trials_with_weights(settings.runs_dir, queue.study.name)
    if len(kept) < 2:
        return
    best = {record.number for record in queue.best()}
    running = {record.number for record in queue.records() if record.state == "running"}
    for number, run_dir in kept.items():
        if number not in best | running:
            run_dir.weights.unlink(missing_ok=True)
