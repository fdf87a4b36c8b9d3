"""One run: a study is registered, trained to its end on this machine while it is shown and mirrored, and evaluated."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpstudy.addresses import of_file
from hpstudy.api import ending
from hpstudy.api.declared import Declared
from hpstudy.api.fetching import fetch
from hpstudy.api.notes import Notifier
from hpstudy.api.recorded import Studies, check_home
from hpstudy.api.reporting import report_on
from hpstudy.api.showing import warn_of
from hpstudy.errors import closed
from hpstudy.records import TrialRecord, TrialState
from hpstudy.report import texts
from hpstudy.worker.devices import cores, default_processes, slots, visible_gpus, why_so_few
from hpstudy.worker.messages import Claimed, Ended, Evaluated, Evaluating, Message
from hpstudy.worker.supervisor import Assignment, Supervisor, TrainerHandle

if TYPE_CHECKING:
    from hpstudy.api.view import Training, View
    from hpstudy.storage import Progress, StudyQueue
    from hpstudy.worker.mirroring import Mirrors

LOADING_S = 5.0  # in about which time the libraries are loaded that the end needs
LOOK_S = 0.5  # between two looks at how far the study is
TRACKER_PATIENCE_S = 5.0  # how long the end of a run retries while the tracker cannot be reached


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a study is to be run."""

    processes: int | None = None  # trainer processes; None: one per core
    fresh: bool = False  # delete the recorded trials and start again
    timeout_s: float | None = None  # how long a trial may take
    hours: float | None = None  # from then on nothing new is tried, and the study ends with what was begun


class Run:
    """One run, from the declaration to what the tracker gets."""

    def __init__(self, studies: Studies, declared: Declared, options: RunOptions, view: View) -> None:
        self._studies, self._declared, self._options, self._view = studies, declared, options, view
        self._settings, self._study = studies.settings, declared.study
        self._unscored: str | None = None  # why the test split is not scored; None: it is scored

    def to_end(self) -> None:
        """Train until nothing is left. A study that is already finished is left unchanged.

        Raises:
            KeyboardInterrupt: a signal has ended it. The processes are gone, and their trials have been given back.
            HpstudyError: the study cannot be run.
        """
        check_home(self._settings, self._view)
        if not self._may_be_known():
            with self._supervisor(self._options.processes) as supervisor:
                supervisor.start()  # TensorFlow loads while the study is registered
                self._work(supervisor, self._register())
            return
        queue = self._register()
        progress, processes = queue.trials.progress(), self._options.processes
        if not progress.waiting and not progress.running:
            if queue.entry.evaluation() or self._spares_test or not progress.complete:
                self._say_finished(queue, progress)
                return
            processes = 1
        with self._supervisor(processes) as supervisor:
            supervisor.start()
            self._work(supervisor, queue)

    @property
    def _spares_test(self) -> bool:
        """Whether nothing is scored on the test split: by a quick run, and where no configuration is chosen."""
        return self._declared.is_quick or not self._study.chooses

    def _say_finished(self, queue: StudyQueue, progress: Progress) -> None:
        name = self._study.name
        if not progress.complete:
            self._view.say(f"Study {name} is finished. Nothing was changed; --fresh starts again.")
            self._view.fail(_none_complete(name, progress, queue.trials.records()))
            return
        self._view.say(
            f"Study {name} is finished: {progress.ended} of {progress.budget} trials. Nothing was changed. "
            f"`hpstudy best {name}` shows the best one; --fresh starts again."
        )

    def _supervisor(self, processes: int | None) -> Supervisor:
        self._why_so_few = None if processes else why_so_few(self._study.budget)
        assignment = Assignment(
            slots=slots(processes or default_processes(self._study.budget)),
            study=self._study.name,
            file=self._declared.file,
            timeout_s=self._options.timeout_s,
            idle_exit_s=0.0,
            evaluates=True,
            spares_test=self._declared.is_quick,
            forked=not visible_gpus(),
        )
        return Supervisor(self._settings, assignment)

    def _may_be_known(self) -> bool:
        """Whether the database may already have this study. Cheap if the embedded database does not exist yet."""
        database = self._settings.home / "hpstudy.db"
        return self._settings.storage != of_file(database) or database.exists()

    def _register(self) -> StudyQueue:
        return self._studies.register(self._study, fresh=self._options.fresh, notifier=self._view)

    def _work(self, supervisor: Supervisor, queue: StudyQueue) -> None:
        fetch(self._study.dataset, self._settings, self._view)
        warn_of(self._study, self._settings, self._view)
        mirrors = self._train(supervisor, queue)
        self._conclude(queue, mirrors, interrupted=supervisor.interrupted)
        if supervisor.interrupted:
            raise KeyboardInterrupt

    def _train(self, supervisor: Supervisor, queue: StudyQueue) -> Mirrors | None:
        """Train what is left. Returns the mirrors if the tracker has everything."""
        from hpstudy.worker.mirroring import Mirrors

        progress = queue.trials.progress()
        self._view.say(_begin(self._study.name, progress, len(supervisor.handles), self._why_so_few))
        source = self._declared.source
        mirrors = Mirrors(self._settings, {self._study.name: source} if source is not None else {})
        mirrors.poke(queue)
        patience_s, limit_s = TRACKER_PATIENCE_S, None
        try:
            with self._view.training(self._study, queue.trials.records() if progress.ended else []) as training:
                watched = _Watched(supervisor, queue, mirrors, training, self._options.hours)
                supervisor.work(lambda: [queue], hear=watched.hear, tick=watched.tick)
                self._unscored = watched.unscored
                watched.finish()
        except KeyboardInterrupt:  # the second signal: wait for nothing
            patience_s, limit_s = 0.0, 0.0
            raise
        finally:
            with self._view.busy(f"copying to {mirrors.tracker.name}"):
                unmirrored = mirrors.finish(patience_s, limit_s)
            say_shared(mirrors, self._view)
            warn_unmirrored(mirrors, unmirrored, self._view)
        return None if unmirrored else mirrors

    def _conclude(self, queue: StudyQueue, mirrors: Mirrors | None, *, interrupted: bool) -> None:
        progress, view = queue.trials.progress(), self._view
        if progress.complete:
            view.results(self._study, queue.trials.records())
        if stopped_early := _stopped(self._study.name, progress, interrupted=interrupted):
            view.say(stopped_early)
            return
        if progress.complete and not queue.entry.evaluation() and not self._spares_test:
            with view.busy("scoring the predictions for the test split"):
                ending.keep_evaluation(self._settings, queue, self._unscored, view)
        spared = " A quick run leaves the test split alone." if self._declared.is_quick else ""
        early = f" It might have had {progress.most}: {progress.ended_early}." if progress.ended_early else ""
        view.say(f"Finished: {progress.ended} of {progress.budget} trials ({_counts(progress)}).{early}{spared}")
        self._report(queue, mirrors, progress)

    def _report(self, queue: StudyQueue, mirrors: Mirrors | None, progress: Progress) -> None:
        from hpstudy.tracking import tracker_of

        name = self._study.name
        with self._view.busy("writing the report"):
            report = report_on(self._settings, self._studies.store, queue)
            written = ending.keep_report(self._settings, report, self._view)
        self._view.findings(report)
        if written:
            self._view.say(f"Report, with figures: {written}")
        if not progress.complete:
            self._view.fail(_none_complete(name, progress, queue.trials.records()))
            return
        tracker = tracker_of(self._settings)
        with self._view.busy(f"copying report and model to {tracker.name}"):
            is_mirrored = mirrors is not None and ending.hand_over_or_tell(
                self._settings, queue, mirrors.mirror(name), report, self._view
            )
        if not is_mirrored:
            self._view.say(f"{tracker.name} does not have everything yet: `hpstudy sync {name}` sends the rest.")
        elif where := tracker.where_to_look(name):
            self._view.say(where)


class _Watched:
    """The training of one study; it keeps the view and the mirror informed."""

    def __init__(
        self,
        supervisor: Supervisor,
        queue: StudyQueue,
        mirrors: Mirrors,
        training: Training,
        hours: float | None,
    ) -> None:
        self.unscored: str | None = "no process got to it."
        self._supervisor, self._queue, self._mirrors = supervisor, queue, mirrors
        self._training, self._hours = training, hours
        self._begun_s: float | None = None  # when the first trial was taken
        self._loading: threading.Thread | None = None
        self._looked_s, self._progress, self._best = self._look()
        self._ended_before = self._progress.ended

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        self._training.hear(handle, message)
        if isinstance(message, Claimed) and self._begun_s is None:
            self._begun_s = time.monotonic()
        match message:
            case Claimed() | Ended():
                self._mirrors.poke(self._queue)
            case Evaluating():
                self.unscored = "the process scoring it died."
            case Evaluated():
                self.unscored = message.error or None
                self._supervisor.finish()

    def tick(self) -> None:
        self._close_in_time()
        if time.monotonic() - self._looked_s > LOOK_S:
            self._looked_s, self._progress, self._best = self._look()
        problem = self._supervisor.problem or self._mirrors.problem_told
        best = self._best[0] if self._best else None
        self._training.tick(self._progress, self._supervisor.handles, best, problem)
        if self._loading is None and (self._has_spare_core() or self._is_near_end()):
            self._loading = ending.load_ahead(self._mirrors.tracker)

    def _has_spare_core(self) -> bool:
        """Whether one core loads the libraries of the trainer processes, and no other one has anything to do yet."""
        return len(cores()) > 1 and all(handle.doing == "starting" for handle in self._supervisor.handles)

    def _is_near_end(self) -> bool:
        """Whether the trials that wait may be over before the libraries are loaded that the end needs."""
        ended = self._progress.ended - self._ended_before
        if not self._progress.waiting:
            return True
        if self._begun_s is None or not ended:
            return False
        return self._progress.waiting * (time.monotonic() - self._begun_s) / ended < LOADING_S

    def _close_in_time(self) -> None:
        """Let nothing new be tried once the hours are over, which count from the first trial on."""
        if self._hours is None or self._begun_s is None or time.monotonic() - self._begun_s < self._hours * 3600:
            return
        if self._progress.waiting:
            self._queue.entry.close(f"--hours {self._hours:g}")
        self._hours = None

    def finish(self) -> None:
        """Wait for the libraries: two threads that import the same ones can wait for each other for ever."""
        if self._loading:
            self._loading.join()

    def _look(self) -> tuple[float, Progress, Sequence[TrialRecord]]:
        return time.monotonic(), self._queue.trials.progress(), self._queue.trials.best()


def say_shared(mirrors: Mirrors, notifier: Notifier) -> None:
    """Say which studies share their place in the tracker with others."""
    for sentence in mirrors.sharings:
        notifier.say(sentence)


def warn_unmirrored(mirrors: Mirrors, problems: Mapping[str, str | None], notifier: Notifier) -> None:
    """Warn of studies that the tracker does not have in full yet, and say what to do."""
    for name, problem in problems.items():
        notifier.warn(
            f"{mirrors.tracker.name} does not have everything yet. {problem or ''} Later, `hpstudy sync {name}` sends "
            "the rest."
        )


def _begin(name: str, progress: Progress, processes: int, why_so_few: str | None) -> str:
    done = f", {progress.ended} are done" if progress.ended else ""
    why = f", because {why_so_few}" if why_so_few else ""
    return (
        f"Study {name}: {progress.budget} trials{done}; {processes} "
        f"process{'es' if processes > 1 else ''}{why}. Ctrl-C stops it; the same command resumes it."
    )


def _none_complete(name: str, progress: Progress, records: Sequence[TrialRecord]) -> str:
    failed = next((record for record in records if record.state == TrialState.FAILED), None)
    if failed is None:
        return "No trial is complete."
    many = "Every trial" if progress.failed == progress.ended else f"{progress.failed} of {progress.ended} trials"
    return (
        f"No trial is complete. {many} failed, the first one for this reason: {closed(failed.error or 'unknown')} "
        f"`hpstudy show {name} {failed.number}` says more."
    )


def _stopped(name: str, progress: Progress, *, interrupted: bool) -> str | None:
    """What to say about a run that did not reach its end; None if it did."""
    far = f"{progress.ended} of {progress.budget} trials ({_counts(progress)})"
    if interrupted:
        rest = "the rest" if progress.waiting else "the test split"
        return f"Stopped after {far}. The same command resumes with {rest}."
    if progress.waiting and progress.stopped:
        return (
            f"`hpstudy stop` stopped the study after {far}. `hpstudy resume {name}` and then the same command "
            "resume with the rest."
        )
    return None


def _counts(progress: Progress) -> str:
    diverged = f" ({progress.diverged} diverged)" if progress.diverged else ""
    counts = f"{progress.complete} complete{diverged}, {progress.pruned} pruned, {progress.failed} failed"
    return counts + texts.tried_again(progress.lost, progress.interrupted)
