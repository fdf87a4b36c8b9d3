"""How `hpstudy run` ends: the test split is scored, the findings are shown, MLflow gets report and model."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from hpstudy.cli.terminal import echo
from hpstudy.errors import HpstudyError

if TYPE_CHECKING:
    from hpstudy.mirror import Mirror
    from hpstudy.report.document import Report
    from hpstudy.settings import Settings
    from hpstudy.storage import StudyQueue


_LIBRARIES = (
    "pandas",
    "statsmodels.formula.api",
    "statsmodels.stats.anova",
    "statsmodels.stats.power",
    "statsmodels.stats.proportion",
    "sklearn.metrics",
    "matplotlib.backends.backend_svg",
    "mlflow.pyfunc",
    "hpstudy.packaging",
    "hpstudy.report.build",
    "hpstudy.report.figures",
)


def load_ahead(settings: Settings) -> None:
    """Load what the end needs while the last trials are trained: some seconds that nobody then waits for."""
    from hpstudy.mirror.connection import prepare_environment

    prepare_environment(settings)
    threading.Thread(target=_load, name="hpstudy-load", daemon=True).start()


def keep_evaluation(settings: Settings, queue: StudyQueue, problem: str | None) -> dict[str, Any] | None:
    """Score what the networks have answered and store it with the study. What goes wrong is told, and that is all.

    Args:
        problem: Why they did not answer; None: they did.
    """
    from hpstudy.evaluation import answer_folder, judge

    name = queue.study.name
    try:
        evaluation = judge(answer_folder(settings, name)) if problem is None else None
        if evaluation:
            queue.keep_evaluation(evaluation)
            forget_weights_but(settings, name, evaluation)
            return evaluation
    except HpstudyError as error:
        problem = str(error)
    echo(
        f"The test split was not scored: {_ended(problem or '')} `hpstudy evaluate {name}` tries again.",
        fg="yellow",
        err=True,
    )
    return None


def forget_weights_but(settings: Settings, name: str, evaluation: dict[str, Any]) -> None:
    """The weights of the other configurations were kept in case they had become the best."""
    from hpstudy.rundir import forget_weights

    forget_weights(settings.runs_dir, name, evaluation["trials"])


def package_or_tell(settings: Settings, queue: StudyQueue, mirror: Mirror, report: Report) -> tuple[bool, str | None]:
    """Report and model to MLflow. Where it does not take them, this is told in a sentence.

    Returns:
        Whether it has them, and the model's URI if there is one.
    """
    from hpstudy.packaging import package

    try:
        return True, package(settings, queue, mirror, report)
    except HpstudyError as error:
        name = queue.study.name
        echo(
            f"Report and model are not in MLflow yet: {error} Later, `hpstudy sync {name}` sends them.",
            fg="yellow",
            err=True,
        )
        return False, None


def _load() -> None:
    for library in _LIBRARIES:
        importlib.import_module(library)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
