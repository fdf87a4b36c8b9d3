"""The end of a study: the test split is scored, the tracker gets report and model. Problems are reported."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import HpstudyError, UserError, closed
from hpstudy.records import Evaluation
from hpstudy.training.rundir import forget_weights

if TYPE_CHECKING:
    from hpstudy.api.notes import Notifier
    from hpstudy.report.whole import Report
    from hpstudy.settings import Settings
    from hpstudy.storage import StudyQueue
    from hpstudy.tracking import StudyMirror, Tracker


_LIBRARIES = (
    "pandas",
    "statsmodels.formula.api",
    "statsmodels.stats.anova",
    "statsmodels.stats.power",
    "statsmodels.stats.proportion",
    "sklearn.metrics",
    "matplotlib.backends.backend_svg",
    "hpstudy.report.build",
    "hpstudy.report.grid.figures",
)


def load_ahead(tracker: Tracker) -> threading.Thread:
    """Load what the end needs while the last trials are trained, so that nobody waits those seconds later."""
    thread = threading.Thread(target=_load, args=[tracker], name="hpstudy-load", daemon=True)
    thread.start()
    return thread


def keep_evaluation(settings: Settings, queue: StudyQueue, problem: str | None, notifier: Notifier) -> None:
    """Score the networks' answers and store the evaluation with the study.

    Args:
        problem: Why the networks did not answer; None: they did.
    """
    from hpstudy.evaluation.evaluate import answer_folder, judge

    name = queue.study.name
    try:
        if problem is None:
            _keep(settings, queue, judge(answer_folder(settings, name)))
            return
    except HpstudyError as error:
        problem = str(error)
    notifier.warn(f"The test split was not scored: {closed(problem)} `hpstudy evaluate {name}` tries again.")


def evaluate(settings: Settings, queue: StudyQueue, file: Path | None, notifier: Notifier) -> Evaluation:
    """Score a finished study on the test split, in this process, and store it with the study.

    Raises:
        UserError: the study is not finished, or builds its own network and the file is missing.
        NotFoundError: no trial is complete.
        StorageError: the networks cannot be written.
    """
    from hpstudy.evaluation.evaluate import evaluate
    from hpstudy.study.studyfile import load

    progress = queue.trials.progress()
    if progress.ended < progress.budget:
        raise UserError(
            f"Study {queue.study.name!r} is not finished: {progress.ended} of {progress.budget} trials. The test split "
            "is for the end, when nothing is chosen any more. `hpstudy run` resumes the study."
        )
    build = load(file).build if file else None
    found = evaluate(queue.study, queue.trials.records(), settings, build, notifier.remark)
    _keep(settings, queue, found)
    keep_baselines(settings, queue)
    return found


def keep_baselines(settings: Settings, queue: StudyQueue) -> None:
    """Store what simple predictors reach on the rows of a study whose networks are scored on the test split."""
    from hpstudy.evaluation.baselines import find_baselines

    queue.entry.keep_baselines(find_baselines(queue.study, queue.trials.records(), settings, test=True))


def keep_report(settings: Settings, report: Report, notifier: Notifier) -> Path | None:
    """Write the report where `hpstudy report` does, so that no earlier one stays there. Returns the page's path."""
    from hpstudy.report.render.files import write_report

    try:
        return write_report(report, settings.reports_dir / report.study)[0]
    except HpstudyError as error:
        notifier.warn(str(error))
        return None


def hand_over(settings: Settings, queue: StudyQueue, mirror: StudyMirror, report: Report, notifier: Notifier) -> None:
    """Send report and model to the tracker. Warn if the networks cannot be turned into a model.

    Raises:
        MirrorError: the tracker cannot be reached or refused something.
    """
    from hpstudy.evaluation.evaluate import why_no_model

    mirror.keep_report(report)
    evaluation = queue.entry.evaluation()
    if evaluation is None or mirror.keep_model(evaluation) is not None:
        return
    if sentence := why_no_model(settings, queue.study.name, evaluation):
        notifier.warn(sentence)


def hand_over_or_tell(
    settings: Settings, queue: StudyQueue, mirror: StudyMirror, report: Report, notifier: Notifier
) -> bool:
    """Do what `hand_over` does, but warn instead of raising. Returns whether the tracker has report and model."""
    try:
        hand_over(settings, queue, mirror, report, notifier)
    except HpstudyError as error:
        name = queue.study.name
        notifier.warn(f"Report and model are not sent yet: {error} Later, `hpstudy sync {name}` sends them.")
        return False
    return True


def _keep(settings: Settings, queue: StudyQueue, evaluation: Evaluation) -> None:
    """Store it. The other configurations' weights were only kept because one of them might have become the best."""
    queue.entry.keep_evaluation(evaluation)
    forget_weights(settings.runs_dir, queue.study.name, evaluation.trials)


def _load(tracker: Tracker) -> None:
    tracker.load()
    for library in _LIBRARIES:
        importlib.import_module(library)
