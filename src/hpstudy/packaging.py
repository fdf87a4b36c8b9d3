"""What MLflow gets after a study: the report, and the best trial's network as a model that anyone can load.

The model needs Keras and MLflow together, so it runs in a short process of its own after the study.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hpstudy import data
from hpstudy.errors import HpstudyError
from hpstudy.mirror import Mirror, MirrorError
from hpstudy.mirror.connection import connect, prepare_environment, translated
from hpstudy.mirror.contents import BEST_MODEL_TAG, PARENT_TAG
from hpstudy.model import Build
from hpstudy.networks import raw_rows, trained_model
from hpstudy.records import TrialRecord
from hpstudy.rundir import RunDir
from hpstudy.settings import Settings
from hpstudy.spec import Study
from hpstudy.storage import Store, StudyQueue
from hpstudy.studyfile import load

if TYPE_CHECKING:
    from hpstudy.data import Arrays

MODEL_NAME = "model"
_PACKAGES = ("keras", "mlflow", "numpy", "tensorflow")  # what loading and predicting needs


def log_best_model(
    settings: Settings,
    study: Study,
    record: TrialRecord,
    *,
    run_id: str,
    weights: Path | None,
    build: Build | None = None,
) -> str:
    """Log a trial's network, with its input scaling inside, onto the trial's run. Done twice, it is logged once.

    Sets MLflow's tracking URI for this whole process. Whoever loads the model needs Keras and TensorFlow, not
    hpstudy; if `build` uses layer classes of its own, these too.

    Args:
        run_id: The trial's run in MLflow.
        weights: A file of arrays in the order of `network.variables`. Without one that fits, and gives the
            accuracy that was recorded, the trial is trained again.
        build: The study file's own network.

    Returns:
        The model's URI, for `mlflow.keras.load_model`.

    Raises:
        MirrorError: MLflow is away or refused the model.
    """
    with _told(settings):
        client = connect(settings)
        run = client.get_run(run_id)
        uri = _logged_before(client, run)
    if uri is None:
        config = study.config(record.params)
        arrays = data.prepare(study.dataset, config, record.seed, settings)
        model = trained_model(config, record, arrays, weights, build)
        with _told(settings):
            uri = _log(settings, run, model, record, arrays)
    with _told(settings):
        client.set_tag(run.data.tags[PARENT_TAG], BEST_MODEL_TAG, uri)
    return uri


def log_report(settings: Settings, queue: StudyQueue) -> None:
    """Put the report onto the study's run in MLflow. Raises MirrorError if MLflow is away."""
    from hpstudy.report.build import build_report
    from hpstudy.report.files import render
    from hpstudy.report.markdown import findings_markdown

    report = build_report(queue.study, queue.records(), evaluation=queue.evaluation())
    files = {f"report.{form}": render(report, form) for form in ("html", "md")}
    Mirror(settings, queue.study).attach_report(files, findings_markdown(report))


def _told(settings: Settings) -> AbstractContextManager[None]:
    return translated(settings, "did not take the best model", "`hpstudy sync` tries again.")


def _logged_before(client: Any, run: Any) -> str | None:
    for output in run.outputs.model_outputs if run.outputs else ():
        logged = client.get_logged_model(output.model_id)
        if logged.name == MODEL_NAME and str(logged.status) == "READY":
            return f"models:/{logged.model_id}"
    return None


class _KerasFlavor:
    """`mlflow.keras` as `Model.log` calls it. MLflow 3.17 writes the example before it makes the folder."""

    __name__ = "mlflow.keras"

    @staticmethod
    def save_model(*, path: str, validate_serving_input: bool, **arguments: Any) -> None:
        import mlflow.keras

        assert not validate_serving_input, "for Model.log only: mlflow.keras does not know it"
        Path(path).mkdir()
        mlflow.keras.save_model(path=path, **arguments)


def _log(settings: Settings, run: Any, model: keras.Model, record: TrialRecord, arrays: Arrays) -> str:
    """Through `Model.log`: `mlflow.keras.log_model` needs an active run, and would end that at another time."""
    import mlflow
    from mlflow.models import Model

    mlflow.set_tracking_uri(prepare_environment(settings))
    mlflow.set_experiment(experiment_id=run.info.experiment_id)  # else the model belongs to MLflow's default one
    logged = Model.log(
        artifact_path=None,
        name=MODEL_NAME,
        flavor=_KerasFlavor(),
        model=model,
        run_id=run.info.run_id,
        step=len(record.history),  # the metrics of the last epoch become the model's
        signature=_signature(model),
        input_example=raw_rows(arrays, arrays.validation[:1]),
        validate_serving_input=False,
        pip_requirements=_requirements(),  # else MLflow finds them out in a process of its own: some 20 s
    )
    return str(logged.model_uri)


def _signature(model: keras.Model) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(shape: tuple[int | None, ...]) -> Any:
        return Schema([TensorSpec(np.dtype(np.float32), (-1, *shape[1:]))])

    return ModelSignature(inputs=schema(model.input_shape), outputs=schema(model.output_shape))


def _requirements() -> list[str]:
    return [f"{package}=={importlib.import_module(package).__version__}" for package in _PACKAGES]


def main() -> None:
    """`python -m hpstudy.packaging STUDY [FILE]`: log the report and the best trial's model."""
    name, *files = sys.argv[1:]
    settings = Settings.load({})
    queue = Store(settings.storage).open(name)
    log_report(settings, queue)
    build = load(Path(files[0])).build if files else None
    best = queue.best()[0]
    run_id = Mirror(settings, queue.study).run_id(best.number)
    if run_id is None:
        raise MirrorError(f"MLflow has no run of trial {best.number} yet. `hpstudy sync {name}` makes it.")
    weights = RunDir.of(settings.runs_dir, name, best.number).weights
    log_best_model(settings, queue.study, best, run_id=run_id, weights=weights, build=build)


if __name__ == "__main__":
    try:
        main()
    except HpstudyError as error:
        sys.exit(str(error))
