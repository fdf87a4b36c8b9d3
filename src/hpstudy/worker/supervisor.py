"""The supervisor of one machine starts trainer processes, replaces dead ones, hears their messages and ends them."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import psutil

from hpstudy.errors import FatalError, StorageError
from hpstudy.owner import Owner
from hpstudy.python import python
from hpstudy.settings import Settings
from hpstudy.training.compiled import for_compiled, without_compiled
from hpstudy.training.environment import for_tensorflow
from hpstudy.worker.deaths import death, last_lines, last_words
from hpstudy.worker.devices import Slot
from hpstudy.worker.messages import (
    RECOMPILE,
    RECYCLE,
    Claimed,
    Ended,
    EpochEnded,
    Evaluating,
    Fatal,
    Idle,
    Inbox,
    Message,
    Ready,
)
from hpstudy.worker.processes import Fork, ForkServer, TrainerProcess, start_alone
from hpstudy.worker.weights import KeptWeights

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue

MAX_CRASHES = 3  # crashes of trainer processes without a trial, counted until a trial ends again
MAX_EVALUATIONS = 2  # attempts to score the test split; after as many deaths it is left alone
CRASH_PAUSE_S = 0.5  # before replacing a process that died outside of any trial; doubles with each further crash
TICK_S = 0.25  # between looks at what sends no message
_BY_OTHERS = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What the trainer processes of one supervisor are to do."""

    slots: Sequence[Slot]  # one process in each
    study: str | None = None  # the only one to serve; None: every open one
    file: Path | None = None  # the study file, if the study builds its own network
    timeout_s: float | None = None  # how long a trial may take
    idle_exit_s: float | None = None  # a process ends after this long with nothing to do; None: never
    evaluates: bool = False  # the process that finds the study finished scores the test split
    spares_test: bool = False  # it leaves the test split alone, and looks for baselines only
    forked: bool = True  # from one process that has the libraries; False: each loads them, as a GPU needs it

    def options(self) -> list[str]:
        """The options of each trainer process."""
        options = {"--file": self.file, "--timeout": self.timeout_s, "--idle-exit": self.idle_exit_s}
        given = [text for name, value in options.items() if value is not None for text in (name, str(value))]
        given += ["--evaluate"] if self.evaluates else []
        given += ["--spare-test"] if self.spares_test else []
        study = [self.study] if self.study else []
        return [*study, *given]

    def command(self) -> list[str]:
        """The command line of a trainer process that loads its own libraries."""
        return python("-m", "hpstudy.worker.trainer_process", *self.options())


@dataclass(kw_only=True)
class TrainerHandle:
    """One trainer process as the supervisor sees it."""

    slot: Slot
    process: TrainerProcess
    inbox: Inbox
    log: Path
    owner: Owner | None = None  # None: it was asked of the fork server and has no process id yet
    doing: Literal["starting", "ready", "training", "idle", "evaluating"] = "starting"
    study: str | None = None
    trial: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    value: float | None = None
    said: str = ""  # the error with which it ended
    log_start: int = 0  # bytes of the log that earlier processes wrote


class Supervisor:
    """Keeps trainer processes at work until nothing is left or the user stops it. As a context manager it ends them.

    Args:
        exit_within_s: After the first signal this process ends within this time, whatever hangs, and at once after
            the second one. None: this process is not ours to end; a second signal raises KeyboardInterrupt.
    """

    def __init__(self, settings: Settings, assignment: Assignment, *, exit_within_s: float | None = None) -> None:
        self.handles: list[TrainerHandle] = []
        self.interrupted = False
        self.problem: str | None = None  # why the database cannot be reached, in one sentence
        self._settings, self._assignment, self._exit_within_s = settings, assignment, exit_within_s
        self._selector = selectors.DefaultSelector()
        self._weights = KeptWeights(settings.runs_dir)
        self._uses_compiled = True  # epochs on disk; no longer once a process has failed on them, or has crashed
        self._crashes = 0
        self._lost_evaluations = 0
        self._is_over = False
        self._may_work = False
        self._server: ForkServer | None = None
        self._forks = assignment.forked  # no longer once that has failed, or a process has crashed
        self._vacant: list[tuple[float, Slot]] = []  # slots whose process died, and when to start the next one
        self._unreleased: list[tuple[Owner, str, bool]] = []  # who died, why, and whether it counts as an attempt

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for handle in self.handles:
            handle.inbox.close()
        self._selector.close()

    def start(self) -> None:
        """Start the processes; they load their libraries and wait for `work`."""
        for slot in self._assignment.slots:
            self._spawn(slot)

    def work(
        self,
        queues: Callable[[], Sequence[StudyQueue]],
        *,
        hear: Callable[[TrainerHandle, Message], None],
        tick: Callable[[], None],
    ) -> None:
        """Let the processes train until nothing is left, or until SIGINT or SIGTERM. It waits out outages.

        Signals are handled in the main thread only; in any other thread they are left to the program.

        Args:
            queues: Returns the studies to serve now.
            hear: Called with every message and the handle of its sender.
            tick: Called several times a second.

        Raises:
            FatalError: processes die again and again, or report that they cannot continue.
        """
        self._may_work = True
        with self._signals():
            for handle in self.handles:
                self._let_go(handle)
            try:
                while not self.interrupted and not self._is_over and (self.handles or self._vacant):
                    for handle, message in self._messages():
                        self._note(handle, message)
                        hear(handle, message)
                    self._bury()
                    self._refill()
                    with self._surviving():
                        self._release(queues())
                        for queue in queues():
                            self._weights.restore(queue)
                        tick()
            except FatalError:
                self._give_back(queues, "the worker ended because of an error")
                raise
            if self._is_over:
                self.stop()
            self._give_back(queues, "the worker was stopped" if self.interrupted else None)

    def finish(self) -> None:
        """Nothing is left to train: `work` ends the processes, which would otherwise end some seconds later."""
        self._is_over = True

    def stop(self) -> None:
        """End every process at once. Whoever looks next finds their trials."""
        for handle in self.handles:
            handle.process.kill()
        for handle in self.handles:
            handle.process.wait()
            _hang_up(handle)
        if self._server:
            self._server.close()
            self._server = None

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """Database calls in here can wait for an outage to end: the trainer processes have their own patience."""
        try:
            yield
            self.problem = None
        except StorageError as error:
            self.problem = str(error)

    def _give_back(self, queues: Callable[[], Sequence[StudyQueue]], reason: str | None) -> None:
        """Give back the trials of dead processes; with a reason, end the others, whose trials then lose no attempt."""
        if reason:
            self.stop()
            for handle in self.handles:
                self._free(handle, reason, failed_attempt=False)
        with self._surviving():
            self._release(queues())

    def _free(self, handle: TrainerHandle, why: str, *, failed_attempt: bool) -> None:
        """The trial of a process that has ended is to be given back. One that never began has none."""
        if handle.owner:
            self._unreleased.append((handle.owner, why, failed_attempt))

    def _release(self, queues: Sequence[StudyQueue]) -> None:
        """Give back the trials of processes that ended. If the database cannot be reached, try again later."""
        for owner, reason, failed_attempt in self._unreleased:
            for queue in queues:
                queue.claims.release(owner, reason, failed_attempt=failed_attempt)
        self._unreleased.clear()

    def _refill(self) -> None:
        now = time.monotonic()
        due = [slot for when, slot in self._vacant if when <= now]
        self._vacant = [(when, slot) for when, slot in self._vacant if when > now]
        for slot in due:
            self._spawn(slot)

    def _spawn(self, slot: Slot) -> None:
        self._settings.logs_dir.mkdir(parents=True, exist_ok=True)
        log = self._settings.logs_dir / f"{self._assignment.study or 'worker'}-trainer-{slot.number}.log"
        reading, writing = os.pipe()
        environment = self._environment(slot)
        with log.open("ab") as output:
            log_start = output.tell()
            process: TrainerProcess | None = self._fork(environment, output, writing)
            if process is None:
                alone = {**self._common(), **environment}
                process = start_alone(self._assignment.command(), alone, output, writing)
        os.close(writing)
        handle = TrainerHandle(slot=slot, process=process, inbox=Inbox(reading), log=log, log_start=log_start)
        self.handles.append(handle)
        if isinstance(process, Fork):
            self._selector.register(process, selectors.EVENT_READ, handle)
        else:
            self._begin(handle)
        if self._may_work:
            self._let_go(handle)

    def _fork(self, environment: Mapping[str, str], log: BinaryIO, pipe: int) -> Fork | None:
        """Ask the fork server for a process. None if there can be none: then it starts on its own."""
        if not self._forks:
            return None
        try:
            if self._server is None:
                self._server = ForkServer(self._common(), log)
            return self._server.fork(self._assignment.options(), environment, log, pipe)
        except OSError:
            self._forks = False
            return None

    def _begin(self, handle: TrainerHandle) -> None:
        """Look after a process that has a process id; one that the fork server did not start is started otherwise."""
        if isinstance(handle.process, Fork):
            self._selector.unregister(handle.process)
            if not handle.process.begin():
                self._forks = False
                self.handles.remove(handle)
                handle.inbox.close()
                _hang_up(handle)
                self._spawn(handle.slot)
                return
        with suppress(psutil.NoSuchProcess):  # it has ended already
            handle.owner = Owner.of_process(handle.process.pid)
        self._selector.register(handle.inbox, selectors.EVENT_READ, handle)

    def _let_go(self, handle: TrainerHandle) -> None:
        """Let a process work: it waits for its first line of input. Closing the input would end it."""
        assert handle.process.stdin
        with suppress(BrokenPipeError):  # it is already dead; `_bury` notices
            handle.process.stdin.write(b"work\n")
            handle.process.stdin.flush()

    def _common(self) -> dict[str, str]:
        """The environment variables that all processes share. Addresses are passed in them: every user of the machine
        can read the arguments of a process.
        """
        return {**os.environ, **self._settings.to_environment(), **for_tensorflow()}

    def _environment(self, slot: Slot) -> dict[str, str]:
        """Those in which processes differ."""
        compiled = for_compiled(self._settings.cache_dir) if self._uses_compiled else without_compiled()
        return {**slot.environment(), **slot.of_cores(), **compiled}

    def _messages(self) -> Iterator[tuple[TrainerHandle, Message]]:
        for key, _ in self._selector.select(TICK_S):
            handle: TrainerHandle = key.data
            if isinstance(key.fileobj, Fork):
                self._begin(handle)
                continue
            messages, closed = handle.inbox.read()
            if closed:
                self._selector.unregister(handle.inbox)
            for message in messages:
                yield handle, message

    def _note(self, handle: TrainerHandle, message: Message) -> None:
        match message:
            case Claimed():
                handle.doing, handle.trial, handle.params = "training", message.trial, message.params
                handle.study = message.study
                handle.epoch, handle.value = 0, None
            case EpochEnded():
                handle.epoch, handle.value = message.epoch, message.value
            case Ended():
                handle.doing, handle.trial, handle.study = "ready", None, None
                self._crashes = 0
                if message.score is not None:
                    self._weights.ended(message.study, message.trial, message.cell, message.score)
            case Ready():
                handle.doing = "ready"
            case Idle():
                handle.doing = "idle"
            case Evaluating():
                handle.doing = "evaluating"
            case Fatal():
                handle.said = message.error

    def _bury(self) -> None:
        """Replace the processes that died; drop those that ended because nothing is left.

        A process that ends during a trial has died, whatever its exit code: a study's `build` may have ended it.
        """
        for handle in self._ended():
            self.handles.remove(handle)
            handle.inbox.close()
            _hang_up(handle)
            code = handle.process.wait()
            if code == 0 and handle.trial is None:
                continue
            if code == RECYCLE and handle.trial is None:
                self._spawn(handle.slot)
                continue
            self._uses_compiled &= code >= 0 and code != RECOMPILE
            if code == RECOMPILE:
                self._free(handle, "its process is replaced", failed_attempt=False)
                self._spawn(handle.slot)
                continue
            if handle.said:  # its trial is not to blame
                self._free(handle, handle.said, failed_attempt=False)
                raise FatalError(handle.said)
            self._forks &= code >= 0 or code in _BY_OTHERS
            reason = death(code)
            self._free(handle, self._told(handle, reason), failed_attempt=True)
            if handle.doing == "evaluating":
                self._lost_evaluations += 1
                if self._lost_evaluations == MAX_EVALUATIONS:  # every trial is recorded; it can be scored later
                    continue
            elif handle.trial is None:  # a trial that kills its process fails after a few attempts
                self._crashes += 1
            if self._crashes == MAX_CRASHES:
                raise FatalError(
                    f"{MAX_CRASHES} trainer processes died outside of any trial; the last one {reason}. "
                    f"The last lines of {handle.log}:\n{last_lines(handle.log)}"
                )
            pause_s = CRASH_PAUSE_S * 2**self._crashes if self._crashes else 0.0
            self._vacant.append((time.monotonic() + pause_s, handle.slot))

    def _told(self, handle: TrainerHandle, death: str) -> str:
        """How a process died, with its last words unless somebody else ended it."""
        from hpstudy.tracking.secrets import Secrets

        who = f"process {handle.process.pid} on {socket.gethostname()} {death}"
        words = last_words(handle.log, handle.log_start) if handle.process.returncode not in _BY_OTHERS else ""
        return f"{who}; its last words: {Secrets.of(self._settings).hide(words)}" if words else who

    def _ended(self) -> list[TrainerHandle]:
        """Processes that have exited, with all their messages read."""
        open_ends = {key.data.slot.number for key in self._selector.get_map().values()}
        silent = [handle for handle in self.handles if handle.slot.number not in open_ends]
        return [handle for handle in silent if handle.process.wait() is not None]

    def _exit_late(self, seconds: float) -> None:
        """Exit even if something hangs. Trials that could not be given back are found by their heartbeats."""
        time.sleep(seconds)
        self.stop()
        os._exit(0)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first signal ends the work in an orderly way, the second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(number: int, _: object) -> None:
            if self.interrupted:
                self.stop()
                if self._exit_within_s is None:
                    raise KeyboardInterrupt
                os._exit(128 + number)
            self.interrupted = True
            if self._exit_within_s is not None:
                threading.Thread(target=self._exit_late, args=[self._exit_within_s], daemon=True).start()

        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, on_signal) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python


def _hang_up(handle: TrainerHandle) -> None:
    """Close our end of its input. Closing fails if the process died at once and left our line unread."""
    assert handle.process.stdin
    with suppress(BrokenPipeError):
        handle.process.stdin.close()
