"""A recorded study in the hands of a program: what it has found so far, and what can be asked of it."""

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
from hpstudy.errors import HpstudyError, MirrorError, NotFoundError, UserError
from hpstudy.records import Evaluation, TrialRecord
from hpstudy.settings import Settings
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    import pandas as pd

    from hpstudy.evaluation.reproduce import Reproduction
    from hpstudy.report.whole import Report
    from hpstudy.storage import Progress, StudyQueue
    from hpstudy.tracking import Model, StudyMirror, SyncSummary, Tracker

WATCH_S = 2.0  # between two looks of `watch`
REPORT_PATIENCE_S = 3.0  # for the tracker: somebody waits for the report


class Result:
    """A recorded study, also while it is trained. Every method looks at the study database anew.

    Nothing is held but a connection, which is closed with the last result that uses it, or by `close`. Safe to use
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
            notifier: Hears what went wrong and can be made up for; printed if there is none.
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
        """Give the connection to the study database back. A later call opens it again."""
        self._studies.close()

    @property
    def study(self) -> Study:
        """The declaration as it is recorded."""
        return self._queue().study

    @unchanged()
    def progress(self) -> Progress:
        """How far the study is. Trials whose process has died are found and wait to be tried again."""
        return _looked_after(self._queue())

    def watch(self, every_s: float = WATCH_S) -> Iterator[Progress]:
        """How far it is, again and again until it is finished."""
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
                f"Study {self.name!r} has {len(objectives)} objectives, so no trial is best in all of them. "
                "`front()` gives the Pareto front."
            )
        front = self.front()
        return front[0] if front else None

    @unchanged()
    def front(self) -> list[TrialRecord]:
        """The Pareto front of several objectives; of one objective the best trial. Empty if no trial is complete."""
        return self._queue().trials.best()

    @unchanged()
    def trial(self, number: int) -> TrialRecord:
        """One trial. Raises NotFoundError if there is none of that number."""
        return self._queue().trials.record(number)

    @unchanged()
    def records(self) -> list[TrialRecord]:
        """Every trial, in the order of their numbers."""
        return self._queue().trials.records()

    def trials(self) -> pd.DataFrame:
        """A row for each trial, with the columns of `hpstudy export --format csv`, such as `params.units`.

        Numbers are float64; `cell`, `retry_of`, `turn` and `confirms`, which a trial may not have, Int64; `started` is
        a time in UTC.
        """
        from hpstudy.api.frames import trials_frame

        return trials_frame(self.study, self.records())

    @unchanged()
    def history(self) -> pd.DataFrame:
        """A row for each trial and epoch: the trial's `number`, the `epoch` from 1, `at` in UTC, and its metrics.

        A trial in training has the epochs that its journal on this machine holds.
        """
        from hpstudy.api.frames import history_frame
        from hpstudy.worker.mirroring import records_with_journals

        return history_frame(records_with_journals(self._settings, self._queue()))

    def findings(self) -> list[str]:
        """What the study found so far, in the sentences of the report."""
        return list(self.report(figures=False).findings)

    @unchanged()
    def report(self, *, baseline: Sequence[str] = (), figures: bool = True) -> Report:
        """The report on the study as far as it is. It shows itself in a notebook, and `save`s itself.

        Args:
            baseline: Levels to compare with instead of the best ones, as `adam` or `optimizer=adam`.
            figures: Without them it takes a tenth of the time.

        Raises:
            UserError: a baseline is no level of the study.
        """
        from hpstudy.report.build import build_report

        queue = self._queue()
        return build_report(
            queue.study, queue.trials.records(), baseline=baseline, evaluation=queue.entry.evaluation(), figures=figures
        )

    @unchanged()
    def publish(self, report: Report) -> None:
        """Put a report beside the study in the tracker. Where nothing was mirrored yet, nothing is done.

        Raises:
            MirrorError: the tracker is away or refused something.
        """
        if not self._tracker().is_empty:  # `hpstudy sync` fills it
            self._mirror().keep_report(report, patience_s=REPORT_PATIENCE_S)

    @property
    def evaluation(self) -> Evaluation | None:
        """The scores on the test split; None if it was not touched yet."""
        return self._evaluated()

    @unchanged()
    def evaluate(self, *, again: bool = False, file: str | PathLike[str] | None = None) -> Evaluation:
        """Score the chosen configuration on the test split, once: a second call gives what the first one has found.

        What was scored becomes a model in the tracker. Networks that are not kept on this machine are trained again, in
        this process.

        Args:
            again: Score it again although there is a result, and replace that.
            file: The study file, where it builds its own network and `hpstudy.run` was not given it.

        Raises:
            UserError: the study is not finished, or its file is missing.
            NotFoundError: no trial is complete.
            StorageError: the networks cannot be written.
        """
        queue, found = self._queue(), self._evaluated()
        if found is None or again:
            found = ending.evaluate(self._settings, queue, self._file_or(file), self._notifier)
        report = self.report()
        ending.hand_over_or_tell(self._settings, queue, self._mirror(), report, self._notifier)
        return found

    @unchanged()
    def model(self) -> Model:
        """The evaluated networks as a model, from the tracker: `predict` takes rows as the dataset has them.

        Loads TensorFlow into this process.

        Raises:
            NotFoundError: the study was not evaluated, or the tracker has no such model yet.
            MirrorError: the tracker is away.
        """
        evaluation = self._evaluated()
        if evaluation is None:
            raise NotFoundError(
                f"Study {self.name!r} has no model: the test split was not scored yet. `evaluate()` does it."
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
            raise HpstudyError(f"Nothing was registered as {model}, because there is no model.")  # why was told before
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
        """Make the tracker equal to the study database, with report and model. Raises MirrorError if it is away."""
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
        """Let nobody take another trial, on whatever machine, until `resume`. Trials in training go on to their end."""
        self._queue().entry.stop()

    @unchanged()
    def resume(self) -> None:
        """Let trials be taken again."""
        self._queue().entry.resume()

    @unchanged()
    def retry_failed(self) -> list[int]:
        """Have every failed trial tried again, as a new trial that names it. Returns their numbers."""
        return self._queue().claims.retry_failed()

    @unchanged()
    def extend(self, *, trials: int | None = None, replicates: int | None = None) -> None:
        """Give the study a larger budget.

        Args:
            trials: The whole new budget of a Search.
            replicates: All replicates of a Grid or a Compare.

        Raises:
            UserError: neither or the wrong one is given, or the budget is not larger.
        """
        from hpstudy.study.overrides import override

        if trials is None and replicates is None:
            raise UserError(
                "Say how far: --trials N for a Search, --replicates N for a Grid or a Compare; N is the whole new "
                "number."
            )
        queue = self._queue()
        queue.entry.extend(override(queue.study, trials=trials, replicates=replicates))

    @unchanged()
    def reproduce(self, trial: int, *, file: str | PathLike[str] | None = None) -> Reproduction:
        """Train a trial again from its seed, in this process, and compare every metric of every epoch.

        The last bits depend on how TensorFlow was started, so it should not have been used here before.

        Raises:
            NotFoundError: there is no such trial.
            UserError: it has no epochs to compare with, or the file is missing or builds another network.
        """
        from hpstudy.evaluation.reproduce import reproduce
        from hpstudy.study.studyfile import load

        queue, path = self._queue(), self._file_or(file)
        record = queue.trials.record(trial)
        declared = load(path) if path else None
        if declared and declared.study.network_digest != queue.study.network_digest:
            raise UserError(f"{path} builds another network than the one that study {self.name!r} was run with.")
        return reproduce(queue.study, record, self._settings, declared.build if declared else None)

    @unchanged()
    def delete(self) -> None:
        """Remove the study: its trials, its run directories, its copy in the tracker.

        Raises:
            UserError: trials of it are in training.
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
        """Opened anew, as another study of this name may be there by now. Raises NotFoundError if there is none."""
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
    """What seems to be running may be dead, and whoever looks next mends that."""
    progress = queue.trials.progress()
    if not progress.running:
        return progress
    queue.claims.reconcile()
    return queue.trials.progress()
