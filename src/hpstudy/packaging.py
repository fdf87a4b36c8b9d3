"""What MLflow gets when a study is finished: the report with its figures, and the evaluated networks as a model.

No network is loaded here: the process that trained and evaluated them has left them in files.
"""

from __future__ import annotations

import importlib.metadata
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hpstudy import hpstudy_model
from hpstudy.errors import NotFoundError, UserError
from hpstudy.evaluation import NETWORKS, answer_folder, read_facts
from hpstudy.factors import describe
from hpstudy.mirror import Mirror
from hpstudy.mirror.connection import connect, prepare_environment, translated
from hpstudy.mirror.contents import EVALUATED_TAG, MODEL_TAG, NOTE_TAG
from hpstudy.plain import markdown
from hpstudy.report.document import Report
from hpstudy.settings import Settings
from hpstudy.spec import Study
from hpstudy.storage import StudyQueue

MODEL_NAME = "model"
_PACKAGES = ("keras", "mlflow", "numpy", "pandas", "tensorflow")
_VERSIONS = 100  # of a registered model that are looked through


def log_report(mirror: Mirror, report: Report) -> None:
    """Put a report onto the study's run in MLflow: files, figures, findings, and the numbers to sort studies by.

    Done twice, the second time changes nothing.

    Raises:
        MirrorError: MLflow is away or refused something.
    """
    from hpstudy.report.files import render
    from hpstudy.report.markdown import findings_markdown
    from hpstudy.report.pictures import pictures

    files = {f"report.{form}": render(report, form) for form in ("html", "md")}
    files |= {f"figures/{name}": svg for name, svg in pictures(report).items()}
    mirror.attach_report(files, findings_markdown(report), dict(key_figures(report.data)))


def key_figures(numbers: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What a table of studies is sorted by, as metrics: the best configuration's mean, and its test accuracy.

    Args:
        numbers: `Report.data`.
    """
    metric = numbers["objective"][0]["metric"]
    if numbers.get("cells"):
        yield from _with_bounds(f"mean_{metric}", numbers["cells"][0]["mean"])
    evaluation = numbers.get("evaluation")
    if evaluation:
        from dataclasses import asdict

        from hpstudy.report import statistics

        accuracy = statistics.interval(evaluation["accuracy"], statistics.bounds_of("accuracy"))
        yield from _with_bounds("test_accuracy", asdict(accuracy))
        ensemble = evaluation["ensemble"]
        yield from _with_bounds("test_accuracy_ensemble", {**ensemble, "mean": ensemble["accuracy"]})


def log_model(settings: Settings, mirror: Mirror, study: Study, evaluation: Mapping[str, Any]) -> str | None:
    """Log the networks that were scored as one model onto the study's run. Done twice, it is logged once.

    Sets MLflow's tracking URI for this whole process. Whoever loads the model needs Keras and TensorFlow, not
    hpstudy; if the study's own `build` uses layer classes of its own, these too.

    Returns:
        The model's URI, for `mlflow.pyfunc.load_model`; None if the networks do not lie on this machine.

    Raises:
        MirrorError: MLflow is away or refused the model.
    """
    run_id = mirror.parent_run_id()
    with _told(settings):
        client = connect(settings)
        run = client.get_run(run_id)
        uri = _logged_before(client, run, str(evaluation["at"]))
    if uri is None:
        folder = answer_folder(settings, study.name)
        try:
            facts = read_facts(folder)
        except NotFoundError:
            return None
        if facts["evaluation"]["at"] != evaluation["at"]:  # of an earlier study of this name
            return None
        with _told(settings):
            uri = _log(settings, run, study, evaluation, facts, folder)
    mirror.tag_study(MODEL_TAG, uri)
    return uri


def register(settings: Settings, uri: str, name: str) -> tuple[str, bool]:
    """Make a logged model a version of a registered one. Sets MLflow's tracking URI for this whole process.

    Returns:
        The version, and whether it is new.

    Raises:
        UserError: MLflow does not allow such a name.
        MirrorError: MLflow is away or refused it.
    """
    with _told(settings):
        import mlflow
        from mlflow.exceptions import MlflowException

        mlflow.set_tracking_uri(prepare_environment(settings))  # the registry looks the model up there
        client = connect(settings)
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code == "INVALID_PARAMETER_VALUE":
                raise UserError(f"--register {name!r}: MLflow does not take this name ({error}).") from None
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        quoted = name.replace("'", "''")
        for version in client.search_model_versions(f"name='{quoted}'", max_results=_VERSIONS):
            if version.source == uri:
                return str(version.version), False
        model = client.get_logged_model(uri.rpartition("/")[2])
        made = client.create_model_version(
            name, uri, run_id=model.source_run_id, description=model.tags.get(NOTE_TAG), model_id=model.model_id
        )
        return str(made.version), True


def package(settings: Settings, queue: StudyQueue, mirror: Mirror, report: Report) -> str | None:
    """Both: the report, and the model if there is one. Raises MirrorError. Returns the model's URI."""
    log_report(mirror, report)
    evaluation = queue.evaluation()
    return log_model(settings, mirror, queue.study, evaluation) if evaluation else None


def _with_bounds(name: str, interval: Mapping[str, float | None]) -> Iterator[tuple[str, float]]:
    for suffix, value in (("", interval["mean"]), ("_low", interval["low"]), ("_high", interval["high"])):
        if value is not None and math.isfinite(value):
            yield f"{name}{suffix}", value


def _told(settings: Settings) -> AbstractContextManager[None]:
    return translated(settings, "did not take the model", "`hpstudy sync` tries again.")


def _logged_before(client: Any, run: Any, at: str) -> str | None:
    for output in run.outputs.model_outputs if run.outputs else ():
        logged = client.get_logged_model(output.model_id)
        if logged.tags.get(EVALUATED_TAG) == at and str(logged.status) == "READY":
            return f"models:/{logged.model_id}"
    return None


class _PyfuncFlavor:
    """`mlflow.pyfunc` as `Model.log` calls it. MLflow 3.17 writes the example before it makes the folder."""

    __name__ = "mlflow.pyfunc"

    @staticmethod
    def save_model(*, path: str, validate_serving_input: bool, **arguments: Any) -> None:
        import mlflow.pyfunc

        assert not validate_serving_input, "for Model.log only: it would load the networks, and TensorFlow with them"
        Path(path).mkdir()
        mlflow.pyfunc.save_model(path=path, **arguments)


def _log(
    settings: Settings,
    run: Any,
    study: Study,
    evaluation: Mapping[str, Any],
    facts: Mapping[str, Any],
    folder: Path,
) -> str:
    """Through `Model.log`: `mlflow.pyfunc.log_model` needs an active run, and would end that at another time."""
    import mlflow
    from mlflow.models import Model

    mlflow.set_tracking_uri(prepare_environment(settings))
    mlflow.set_experiment(experiment_id=run.info.experiment_id)  # else the model belongs to MLflow's default one
    rows, signature = _example(facts["example"]), _signature(facts["example"], facts["classes"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's, of what it does itself to a table with lists in it
        logged = Model.log(
            artifact_path=None,
            name=MODEL_NAME,
            flavor=_PyfuncFlavor(),
            run_id=run.info.run_id,
            params={name: str(level) for name, level in evaluation["params"].items()},
            tags={EVALUATED_TAG: str(evaluation["at"]), NOTE_TAG: _note(study, evaluation)},
            loader_module=hpstudy_model.__name__.rpartition(".")[2],
            code_paths=[str(Path(hpstudy_model.__file__))],
            data_path=str(folder / NETWORKS),
            signature=signature,
            input_example=rows,
            validate_serving_input=False,
            pip_requirements=_requirements(),  # else MLflow finds them out in a process of its own: some 20 s
        )
    return str(logged.model_uri)


def _note(study: Study, evaluation: Mapping[str, Any]) -> str:
    seeds = ", ".join(map(str, evaluation["seeds"]))
    number = len(evaluation["seeds"])
    networks = "The network" if number == 1 else f"The average of {number} networks"
    params = markdown(describe(evaluation["params"]), github=True) or "its one cell"
    return (
        f"{networks} of study {study.name} on {study.facts.title}: {params}, "
        f"{'seed' if number == 1 else 'seeds'} {seeds}. Test accuracy {evaluation['ensemble']['accuracy']:.4f} on "
        f"{evaluation['rows']:,} rows. Takes rows as the dataset has them, gives class probabilities."
    )


def _example(example: Mapping[str, Any]) -> Any:
    """An array of images, else a DataFrame."""
    import numpy as np
    import pandas as pd

    if "images" in example:
        return np.array(example["images"], np.uint8)
    types = {"long": "int64", "double": "float64"}
    return pd.DataFrame(
        {
            name: pd.Series(column["values"], dtype=types.get(column["type"], object))
            for name, column in example["columns"].items()
        }
    )


def _signature(example: Mapping[str, Any], classes: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    return ModelSignature(inputs=_inputs(example), outputs=Schema([ColSpec("double", name) for name in classes]))


def _inputs(example: Mapping[str, Any]) -> Any:
    import numpy as np
    from mlflow.types import Schema, TensorSpec

    if "images" in example:
        return Schema([TensorSpec(np.dtype(np.uint8), (-1, *np.shape(example["images"])[1:]))])
    columns = example["columns"].items()
    return Schema([_column(name, column["type"]) for name, column in columns])


def _column(name: str, kind: str) -> Any:
    """Texts and numbers with a fraction may be missing, as MLflow has no whole number that is missing."""
    from mlflow.types import ColSpec, DataType
    from mlflow.types.schema import Array

    if kind == "array":
        return ColSpec(Array(DataType.long), name)
    return ColSpec(kind, name, required=kind == "long")


def _requirements() -> list[str]:
    """What loading and predicting needs, with the versions of this installation."""
    return [f"{package}=={_version(package)}" for package in _PACKAGES]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # TensorFlow without GPUs has another name
        return importlib.metadata.version(f"{package}-cpu")
