"""A trainer process: claim, train, finish, again. Started by the supervisor as `python -P -m` of this module.

It may be killed at any moment: its trial is then found and tried again.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import gc
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import filelock
import psutil

from hpstudy.errors import DatasetError, FatalError, HpstudyError, TrialFailed, TrialLost, UserError, reason
from hpstudy.records import TrialState
from hpstudy.settings import Settings
from hpstudy.training.compiled import CompiledUnusable, seal
from hpstudy.worker.attempt import BATCH_S, Attempt
from hpstudy.worker.devices import pin_to_cores
from hpstudy.worker.messages import (
    RECOMPILE,
    RECYCLE,
    Claimed,
    Evaluated,
    Evaluating,
    Fatal,
    Idle,
    Pipe,
    Ready,
    Warned,
)
from hpstudy.worker.system import SystemMetrics
from hpstudy.worker.timeout import network_within

if TYPE_CHECKING:
    from hpstudy.storage import Claim, StudyQueue
    from hpstudy.training.trainer import Trainer

IDLE_S = 0.5  # between looks at studies whose last trials are in training elsewhere; grows to LONGEST_IDLE_S
LONGEST_IDLE_S = 5.0
OUTAGE_S = 3600.0  # how long to wait for a database that cannot be reached


def main(given: Sequence[str] | None = None) -> int:
    """The entry point of the process. Its standard input stays open as long as its supervisor lives.

    Args:
        given: Its options; None: those of the command line.
    """
    faulthandler.enable(all_threads=False)  # a crash leaves its Python traceback in the log
    options = _options(given)
    supervisor, pipe = _take_input(), Pipe()
    pin_to_cores()
    try:
        load_libraries()
        _prepare_tensorflow()
        pipe.send(Ready())
        if not supervisor.readline():
            return 0
        threading.Thread(target=_die_with_supervisor, args=[supervisor], daemon=True).start()
        return _TrainerProcess(options, pipe).work()
    except CompiledUnusable as error:
        pipe.send(Warned(text=str(error)))
        traceback.print_exc()
        return RECOMPILE
    except HpstudyError as error:
        pipe.send(Fatal(error=str(error)))
        traceback.print_exc()
        return 1


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", nargs="?", help="the only study to serve; default: every open one")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--timeout", type=float)
    parser.add_argument("--idle-exit", type=float, help="end after this many idle seconds; default: never")
    parser.add_argument("--spare-test", action="store_true", help="leave the test split alone at the end of the study")
    parser.add_argument("--evaluate", action="store_true", help="score the study on the test split when it is finished")
    return parser.parse_args(given)


def load_libraries() -> None:
    """Import the slow libraries, while the supervisor prepares the study. Afterwards TensorFlow has no thread yet."""
    if "tensorflow" in sys.modules:  # of the process from which this one was forked
        return
    gc.disable()  # a fifth of the import time is a search for garbage that is not there
    import hpstudy.data
    import hpstudy.storage
    import hpstudy.training.trainer  # noqa: F401 - loads TensorFlow and Keras

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    gc.freeze()  # nor is it worth searching them later
    gc.enable()


def _prepare_tensorflow() -> None:
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()


def _take_input() -> TextIO:
    """Take over the standard input. A study's code gets an empty one, which it may read, and which `exit()` closes."""
    supervisor = os.fdopen(os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    return supervisor


def _die_with_supervisor(supervisor: TextIO) -> None:
    """Nobody would see what a trainer without its supervisor does. Whoever looks next finds its trial."""
    while supervisor.readline():
        pass
    os._exit(1)


class _TrainerProcess:
    def __init__(self, options: argparse.Namespace, pipe: Pipe) -> None:
        from hpstudy.storage import Owner, Store
        from hpstudy.training.environment import describe_device, provenance
        from hpstudy.training.trainer import Trainer
        from hpstudy.worker.studies import ServedStudies

        self._settings = Settings.load({})
        self._timeout_s: float | None = options.timeout
        self._idle_exit_s: float | None = options.idle_exit
        self._evaluates: bool = options.evaluate
        self._spares_test: bool = options.spare_test
        self._pipe = pipe
        store = Store(self._settings.storage, grace_s=self._settings.grace_s, patience_s=OUTAGE_S)
        self._studies = ServedStudies(store, options.study, options.file, self._settings)
        self._owner = Owner.of_process()
        self._trainer: Trainer = Trainer(told=lambda sentence: pipe.send(Warned(text=sentence)))
        self._device, self._provenance = describe_device(), provenance()
        self._system = SystemMetrics()
        self._has_begun_end = False
        self._memory_gb: float | None = None  # memory after the first trial

    def work(self) -> int:
        """Train until there has been nothing to do for long enough. Returns the exit code."""
        idle_since, pause_s = time.monotonic(), IDLE_S
        while True:
            claimed = self._claim()
            if claimed:
                self._train(*claimed)
                if self._has_grown():
                    return RECYCLE
                idle_since, pause_s = time.monotonic(), IDLE_S
                continue
            if open_queues := self._studies.open_queues():
                idle_since = time.monotonic()
                if self._evaluates and not self._has_begun_end:
                    self._begin_end(open_queues[0])
                    continue
            elif self._evaluates:
                self._evaluate(self._studies.queues()[0])
            elif self._idle_exit_s is not None and time.monotonic() - idle_since >= self._idle_exit_s:
                return 0
            self._pipe.send(Idle())
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_IDLE_S)

    def _claim(self) -> tuple[StudyQueue, Claim] | None:
        """A trial of the study whose turn it is, or of the next one that has any."""
        for queue in self._studies.open_queues():
            if claim := queue.claims.claim(self._owner):
                self._studies.took(queue)
                self._pipe.send(
                    Claimed(
                        study=queue.study.name,
                        trial=claim.number,
                        replicate=claim.start.replicate,
                        confirms=claim.start.confirms,
                        params=dict(claim.params),
                    )
                )
                return queue, claim
        return None

    def _begin_end(self, queue: StudyQueue) -> None:
        """While others train the last trials: fit the predictors to which the study will be compared.

        They depend on the data alone, so whoever ends the study finds their scores in the cache. If it is another
        configuration that is chosen, with other inputs, they are fitted again.
        """
        from hpstudy.evaluation.baselines import find_baselines

        self._has_begun_end = True
        if queue.study.chooses and queue.trials.progress().complete:
            with suppress(Exception):  # whoever ends the study reports it
                find_baselines(queue.study, queue.trials.records(), self._settings, test=not self._spares_test)

    def _evaluate(self, queue: StudyQueue) -> None:
        """Let the chosen networks predict the test split, and find baselines. One process does this; the others have
        nothing left to do.
        """
        self._evaluates = False
        if not queue.study.chooses:
            return
        progress = queue.trials.progress()
        known = queue.entry.baselines() if self._spares_test else queue.entry.evaluation()
        if progress.state != "finished" or not progress.complete or known is not None:
            return
        name = queue.study.name
        self._evaluation = filelock.FileLock(self._settings.runs_dir / name / ".evaluation.lock")
        try:
            self._evaluation.acquire(blocking=False)  # held until this process ends
        except filelock.Timeout:
            return
        except OSError as error:
            unwritable = f"{self._settings.runs_dir} cannot be written: {error}"
            self._pipe.send(Evaluated(study=name, error=unwritable))
            return
        self._pipe.send(Evaluating(study=name))
        problem = "" if self._spares_test else self._answer(queue)
        self._find_baselines(queue)
        self._pipe.send(Evaluated(study=name, error=problem))

    def _answer(self, queue: StudyQueue) -> str:
        """Let them predict. Returns why it failed; empty if it succeeded."""
        from hpstudy.evaluation.evaluate import answer

        build = self._studies.build_of(queue)
        try:
            answer(queue.study, queue.trials.records(), self._settings, build, trainer=self._trainer)
        except CompiledUnusable:
            raise
        except (Exception, SystemExit) as error:  # the study is finished whatever happens here
            if not isinstance(error, HpstudyError):
                traceback.print_exc()
            return reason(error)
        return ""

    def _find_baselines(self, queue: StudyQueue) -> None:
        """A study is finished without them, too."""
        from hpstudy.evaluation.baselines import find_baselines

        try:
            found = find_baselines(queue.study, queue.trials.records(), self._settings, test=not self._spares_test)
        except Exception:
            traceback.print_exc()
        else:
            queue.entry.keep_baselines(found)

    def _has_grown(self) -> bool:
        """Whether memory has grown too much: libraries keep some for each network that they have compiled."""
        memory_gb = psutil.Process().memory_info().rss / 1e9
        if self._memory_gb is None:
            self._memory_gb = memory_gb
        return memory_gb - self._memory_gb > self._settings.recycle_gb

    def _train(self, queue: StudyQueue, claim: Claim) -> None:
        from hpstudy.storage import Heartbeat

        attempt = Attempt(claim, self._settings, self._pipe)
        with Heartbeat(claim, self._settings.heartbeat_s):
            try:
                if not self._repeat(queue, claim, attempt):
                    self._train_epochs(queue, claim, attempt)
            except TrialLost as error:
                attempt.ended("lost", str(error))
            except (TrialFailed, UserError) as error:  # the rest of the declaration has been checked before
                self._fail(claim, attempt, error)
            except HpstudyError:
                raise
            except (Exception, SystemExit) as error:  # a bug or a strange network must not end the other trials
                self._fail(claim, attempt, error)

    def _repeat(self, queue: StudyQueue, claim: Claim, attempt: Attempt) -> bool:
        """Take over the result of a trial with the same configuration. Returns whether there was one to take."""
        original = claim.original()
        state = claim.repeat(original) if original else TrialState.RUNNING
        if original is None or state == TrialState.RUNNING:
            return False
        if state == TrialState.COMPLETE:
            value = original.metrics[queue.study.objectives[0].metric]
            attempt.ended("complete", value=value, repeats=original.number, diverged=original.diverged)
        else:
            attempt.ended("pruned", repeats=original.number)
        return True

    def _train_epochs(self, queue: StudyQueue, claim: Claim, attempt: Attempt) -> None:
        from hpstudy import data
        from hpstudy.training.trainer import BLOCK_S

        study = queue.study
        try:
            arrays = data.prepare(study.dataset, claim.config, claim.start.seed, self._settings, study.splits)
        except DatasetError as error:  # it would fail every other trial, too, for good
            raise FatalError(str(error)) from None
        attempt.provenance = {**self._provenance, "dataset_digest": arrays.digest}
        build = self._studies.build_of(queue)
        with network_within(self._timeout_s):
            training = self._trainer.start(
                claim.config,
                claim.start.seed,
                arrays,
                build,
                diagnostics=study.diagnostics,
                block_s=BLOCK_S,
                watched=study.watched,
            )
        attempt.training = training
        begun = time.monotonic()
        self._system.begin()
        objective = study.objectives[0]
        for trained in training:
            epoch = dataclasses.replace(trained, system=self._system.sample())
            attempt.add(epoch, epoch.metrics.get(objective.metric))
            if claim.report(epoch, is_last=training.is_over, within_s=BATCH_S):
                claim.prune(attempt.outcome(device=self._device))
                attempt.ended("pruned")
                return
            if self._timeout_s is not None and time.monotonic() - begun > self._timeout_s:
                raise TrialFailed(
                    f"It took longer than --timeout {self._timeout_s:g} s and was ended after epoch {epoch.number}."
                )
        metrics, diverged = training.result(), training.diverged
        if "compile_s" in metrics:
            seal()
        if diverged is None and claim.may_be_chosen:
            attempt.save_weights(training)
        claim.complete(attempt.outcome(diverged=diverged, metrics=metrics, device=self._device))
        value = metrics[objective.metric]
        score = objective.score(value) if claim.may_be_chosen else None
        attempt.ended("complete", cell=claim.start.cell, value=value, score=score, diverged=diverged)

    def _fail(self, claim: Claim, attempt: Attempt, error: BaseException) -> None:
        """Record why a trial failed, and where unless hpstudy itself ended it. Nothing of its network is used again."""
        is_verdict = isinstance(error, HpstudyError) and error.__cause__ is None
        where = None if is_verdict else "".join(traceback.format_exception(error))
        try:
            claim.fail(attempt.failure(error=reason(error), traceback=where, device=self._device))
        except TrialLost as lost:
            attempt.ended("lost", str(lost))
        else:
            attempt.ended("failed", reason(error))
        self._trainer.forget()


if __name__ == "__main__":
    sys.exit(main())
