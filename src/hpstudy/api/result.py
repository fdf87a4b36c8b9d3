"""A recorded study as a program sees it: what it has found so far, and what can be done with it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api import ending
from hpstudy.api.host import unchanged
from hpstudy.api.notes import Notifier, Printer
from hpstudy.api.recorded import Studies
from hpstudy.api.reporting import report_on
from hpstudy.errors import HpstudyError, MirrorError, NotFoundError, UserError
from hpstudy.records import Baselines, Evaluation, TrialRecord
from hpstudy.settings import Settings
from hpstudy.study.designs import Replicates
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    import pandas as pd

    from hpstudy.evaluation.reproduce import Reproduction
    from hpstudy.report.whole import Report
    from hpstudy.storage import Progress, StudyQueue
    from hpstudy.tracking import Model, StudyMirror, SyncSummary, Tracker

WATCH_S = 2.0  # between two looks of `watch`
REPORT_PATIENCE_S = 3.0  # how long to wait for the tracker while somebody waits for the report


class Result:
    """A recorded study, which may still be in training. Every method queries the study database afresh.

    It holds only a connection, which is closed with the last result that uses it, or by `close`. Safe to use
    from several threads.

    Raises:
        NotFoundError: by every method, if the study was deleted.
        StorageError: by every method, if the study database cannot be reached.
    """

    def __init__(
        self, studies: Studies, name: str, *, file: Path | None = None, notifier: Notifier | None = None
    ) -> None:
        """Made by `hpstudy.run`, `hpstudy.open`, `hpstudy.submit` and `hpstudy.studies`.

        Args:
            file: The study file, where it builds its own network.
            notifier: Hears of problems that can be put right later; None: they are printed.
        """
        self.name = name
        self._studies, self._file = studies, file
        self._notifier: Notifier = notifier or Printer()

    def __repr__(self) -> str:
        return f"<Result {self.name!r} in {self._settings.home}>"

    @unchanged()
    def _repr_html_(self) -> str:
        from hpstudy.api.html import problem_html, result_html

        try:
            front = self.front()
            findings = self.findings() if front else []
            return result_html(self._settings, self.study, self.progress(), front, findings)
        except HpstudyError as error:
            return problem_html(self.name, str(error))

    def __enter__(self) -> Result:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the study database. A later call opens it again."""
        self._studies.close()

    @property
    def study(self) -> Study:
        """The recorded declaration."""
        return self._queue().study

    @unchanged()
    def progress(self) -> Progress:
        """How far the study is. Trials whose process has died are found and queued to be tried again."""
        return _looked_after(self._queue())

    def watch(self, every_s: float = WATCH_S) -> Iterator[Progress]:
        """Yield the progress again and again until the study is finished."""
        queue = self._queue()
        while True:
            progress = _looked_after(queue)
            yield progress
            if progress.state == "finished":
                return
            time.sleep(every_s)

    @unchanged()
    def best(self) -> TrialRecord | None:
        """The best trial; None if no trial is complete.

        Raises:
            UserError: the study has several objectives, so there is a front instead.
        """
        objectives = self.study.objectives
        if len(objectives) > 1:
            raise UserError(
                f"Study {self.name!r} has {len(objectives)} objectives, so no single trial is the best one. "
                "`front()` gives the Pareto front."
            )
        front = self.front()
        return front[0] if front else None

    @unchanged()
    def front(self) -> list[TrialRecord]:
        """The Pareto front; with one objective, the best trial. Empty if no trial is complete."""
        return self._queue().trials.best()

    @unchanged()
    def trial(self, number: int) -> TrialRecord:
        """One trial. Raises NotFoundError if no trial has that number."""
        return self._queue().trials.record(number)

    @unchanged()
    def records(self) -> list[TrialRecord]:
        """Every trial, ordered by number."""
        return self._queue().trials.records()

    def trials(self) -> pd.DataFrame:
        """A row for each trial, with the columns of `hpstudy export --format csv`, such as `params.units`.

        Numbers are float64; `cell`, `retry_of`, `turn`, `confirms` and `diverged`, which a trial may not have, Int64;
        `started` is in UTC.
        """
        from hpstudy.api.frames import trials_frame

        return trials_frame(self.study, self.records())

    @unchanged()
    def history(self) -> pd.DataFrame:
        """A row for each trial and epoch: the trial's `number`, the `epoch` from 1, `at` in UTC, and its metrics.

        For a trial in training, these are the epochs in its journal on this machine.
        """
        from hpstudy.api.frames import history_frame
        from hpstudy.worker.mirroring import records_with_journals

        return history_frame(records_with_journals(self._settings, self._queue()))

    def findings(self) -> list[str]:
        """What the study has found so far, in the sentences of the report."""
        report = self.report(figures=False)
        return [*report.findings, *report.details]

    @unchanged()
    def report(self, *, baseline: Sequence[str] = (), figures: bool = True) -> Report:
        """The report on the study so far. It displays itself in a notebook, and `save` writes it to a file.

        Args:
            baseline: Levels to compare with instead of the best ones, as `adam` or `optimizer=adam`.
            figures: Draw the figures; without them the report takes a tenth of the time.

        Raises:
            UserError: a baseline is not a level of the study.
        """
        return report_on(self._settings, self._studies.store, self._queue(), baseline=baseline, figures=figures)

    @unchanged()
    def publish(self, report: Report) -> None:
        """Attach a report to the study in the tracker. If nothing has been mirrored yet, do nothing.

        Raises:
            MirrorError: the tracker cannot be reached or refused something.
        """
        if not self._tracker().is_empty:  # `hpstudy sync` fills it
            self._mirror().keep_report(report, patience_s=REPORT_PATIENCE_S)

    @property
    def evaluation(self) -> Evaluation | None:
        """The scores on the test split; None if it has not been scored yet."""
        return self._evaluated()

    @unchanged()
    def baselines(self) -> Baselines | None:
        """What simple predictors reach on the same rows; None before `hpstudy.run` or `evaluate` has ended."""
        return self._queue().entry.baselines()

    @unchanged()
    def evaluate(self, *, again: bool = False, file: str | PathLike[str] | None = None) -> Evaluation:
        """Score the chosen configuration on the test split, once: a second call returns the first result.

        The scored networks become a model in the tracker. Networks that this machine did not keep are trained again,
        in this process.

        Args:
            again: Score it again even if there is a result, and replace that result.
            file: The study file, if the study builds its own network and `hpstudy.run` was not given the file.

        Raises:
            UserError: the study is not finished, its file is missing, or it chooses no configuration.
            NotFoundError: no trial is complete.
            StorageError: the networks cannot be written.
        """
        if not self.study.chooses:
            raise UserError(
                f"Study {self.name!r} chooses no configuration, because {self.study.given[0]} is given: each of its "
                "levels has an answer of its own. So there is nothing to score on the test split."
            )
        queue, found = self._queue(), self._evaluated()
        if found is None or again:
            found = ending.evaluate(self._settings, queue, self._file_or(file), self._notifier)
        elif queue.entry.baselines() is None:  # an earlier version scored it
            ending.keep_baselines(self._settings, queue)
        report = self.report()
        ending.hand_over_or_tell(self._settings, queue, self._mirror(), report, self._notifier)
        return found

    @unchanged()
    def model(self) -> Model:
        """The evaluated networks as a model, from the tracker: `predict` takes raw rows of the dataset.

        Loads TensorFlow into this process.

        Raises:
            NotFoundError: the study has not been evaluated, or the tracker does not have its model yet.
            MirrorError: the tracker cannot be reached.
        """
        evaluation = self._evaluated()
        if evaluation is None:
            raise NotFoundError(
                f"Study {self.name!r} has no model: the test split has not been scored yet. `evaluate()` scores it."
            )
        address, tracker = self._mirror().model(evaluation), self._tracker()
        if address is None:
            raise NotFoundError(
                f"{tracker.name} has no model of study {self.name!r} yet. `sync()` sends it from the machine that "
                "scored it."
            )
        return tracker.load_model(address)

    @unchanged()
    def register(self, model: str) -> tuple[str, bool]:
        """Make the evaluated networks a version of a model in the tracker's registry.

        Returns:
            The version, and whether it is new.

        Raises:
            UserError: the tracker does not allow such a name.
            MirrorError: the tracker refused it.
            HpstudyError: the tracker has no model of this evaluation.
        """
        from hpstudy.evaluation.evaluate import why_no_model

        evaluation, tracker, address = self._evaluated(), self._tracker(), None
        with contextlib.suppress(MirrorError):
            address = self._mirror().model(evaluation) if evaluation else None
        if address is None and evaluation and why_no_model(self._settings, self.name, evaluation):
            # `why_no_model` has already said why
            raise HpstudyError(f"Nothing was registered as {model}, because there is no model.")
        if address is None:
            raise HpstudyError(
                f"Nothing was registered, because {tracker.name} has no model of study {self.name!r}. If the "
                f"networks lie on another machine, use this command there; `hpstudy evaluate {self.name} --again` "
                "makes them here."
            )
        return tracker.register(address, model)

    @property
    def tracker(self) -> str:
        """The name of the tracker that has the copy, such as MLflow."""
        return self._tracker().name

    @unchanged()
    def sync(self) -> SyncSummary:
        """Make the tracker equal to the study database, with report and model. Raises MirrorError if it cannot."""
        from hpstudy.worker.mirroring import records_with_journals

        queue, mirror = self._queue(), self._mirror()
        queue.claims.reconcile()
        records = records_with_journals(self._settings, queue)
        progress = queue.trials.progress()
        summary = mirror.sync(records, state=progress.state, complete=True)
        if progress.ended:
            ending.hand_over(self._settings, queue, mirror, self.report(), self._notifier)
        if mirror.sharing:
            self._notifier.say(mirror.sharing)
        return summary

    @unchanged()
    def stop(self) -> None:
        """Let no process on any machine take another trial until `resume`. Trials in training run to their end."""
        self._queue().entry.stop()

    @unchanged()
    def prioritise(self, priority: int) -> None:
        """Let workers take its trials before those of studies with a lower priority, which is 0 at first."""
        self._queue().entry.prioritise(priority)

    @unchanged()
    def resume(self) -> None:
        """Let processes take trials again."""
        self._queue().entry.resume()

    @unchanged()
    def retry_failed(self) -> list[int]:
        """Try every failed trial again, each as a new trial that names it. Returns the numbers of the failed trials."""
        return self._queue().claims.retry_failed()

    @unchanged()
    def extend(self, *, trials: int | None = None, replicates: Replicates | None = None) -> None:
        """Give the study a larger budget.

        Args:
            trials: The new total budget of a Search.
            replicates: The new total number of replicates of a Grid or a Compare. With "adaptive" a Grid gives up to
                five times as many to those cells that are undecided; the replicates at hand are the first look.

        Raises:
            UserError: neither is given, or the one that does not fit the design, or the budget is not larger.
        """
        from hpstudy.study.overrides import override

        if trials is None and replicates is None:
            raise UserError("Give the new total: --trials N for a Search, --replicates N for a Grid or a Compare.")
        queue = self._queue()
        queue.entry.extend(override(queue.study, trials=trials, replicates=replicates))

    @unchanged()
    def reproduce(self, trial: int, *, file: str | PathLike[str] | None = None) -> Reproduction:
        """Train a trial again from its seed, on as many cores as it had, and compare each metric of each epoch.

        The last bits depend on how TensorFlow was started, so it happens in a process of its own.

        Raises:
            NotFoundError: there is no such trial.
            UserError: the trial has no epochs to compare with, or the file is missing or builds a different network.
        """
        from hpstudy.worker.reproducing import reproduce

        record, path = self._queue().trials.record(trial), self._file_or(file)
        return reproduce(self._settings, self.name, record, path and Path(path).absolute())

    @unchanged()
    def delete(self) -> None:
        """Remove the study: its trials, its run directories, its copy in the tracker.

        Raises:
            UserError: some of its trials are in training.
        """
        progress = self.progress()
        if progress.running:
            raise UserError(
                f"Study {self.name!r} is running: {progress.running} trials are in training. Stop them first with "
                "Ctrl-C."
            )
        self._studies.delete(self._queue(), self._notifier)

    @property
    def _settings(self) -> Settings:
        return self._studies.settings

    @unchanged()
    def _queue(self) -> StudyQueue:
        """Opened afresh: a new study may have this name by now. Raises NotFoundError if there is none."""
        return self._studies.store.open(self.name)

    @unchanged()
    def _evaluated(self) -> Evaluation | None:
        return self._queue().entry.evaluation()

    def _tracker(self) -> Tracker:
        from hpstudy.tracking import tracker_of

        return tracker_of(self._settings)

    def _mirror(self) -> StudyMirror:
        queue = self._queue()
        return self._tracker().mirror(queue.study, identity=queue.entry.identity)

    def _file_or(self, file: str | PathLike[str] | None) -> Path | None:
        return Path(file) if file is not None else self._file


def _looked_after(queue: StudyQueue) -> Progress:
    """A trial that seems to be running may be lost; whoever looks next puts that right."""
    progress = queue.trials.progress()
    if not progress.running:
        return progress
    queue.claims.reconcile()
    return queue.trials.progress()
