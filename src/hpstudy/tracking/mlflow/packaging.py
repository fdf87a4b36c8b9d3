"""What MLflow gets when a study is finished: the report with its figures, and the evaluated networks as a model.

No network is loaded here: the process that trained and evaluated them has left them in files.
"""

from __future__ import annotations

import importlib.metadata
import math
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hpstudy.data import kind_file
from hpstudy.errors import NotFoundError, UserError
from hpstudy.evaluation.evaluate import NETWORKS, Answer, answer_folder, read_answer
from hpstudy.plain import markdown
from hpstudy.records import Evaluation
from hpstudy.report.whole import Report
from hpstudy.serving import hpstudy_model
from hpstudy.settings import Settings
from hpstudy.study.factors import describe
from hpstudy.study.spec import Study
from hpstudy.tracking.mlflow.connection import connect, tracked_at, translated
from hpstudy.tracking.mlflow.contents import EVALUATED_TAG, NOTE_TAG, param_texts

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

MODEL_NAME = "model"
_PACKAGES = ("keras", "mlflow", "numpy", "pandas", "tensorflow")
_VERSIONS = 100  # the number of versions of a registered model that are searched


def report_files(report: Report) -> dict[str, str]:
    """Path → text: the report as a page and as Markdown, and its figures."""
    from hpstudy.report.render.files import render
    from hpstudy.report.render.pictures import pictures

    files = {f"report.{form}": render(report, form) for form in ("html", "md")}
    return files | {f"figures/{name}": svg for name, svg in pictures(report).items()}


def key_figures(numbers: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The metrics by which a table of studies is sorted: the best configuration's mean, and its test score.

    Args:
        numbers: `Report.data`.
    """
    for name, interval in _intervals(numbers):
        if (mean := interval["mean"]) is not None and _is_finite(mean):
            yield name, mean


def interval_texts(numbers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`mean_val_accuracy` → `0.8745 to 0.9003`: the 95 % interval of each key figure that has one.

    Args:
        numbers: `Report.data`.
    """
    for name, interval in _intervals(numbers):
        if _is_finite(interval["low"]) and _is_finite(interval["high"]):
            yield name, f"{interval['low']:.6g} to {interval['high']:.6g}"


def _intervals(numbers: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, float | None]]]:
    metric = numbers["objective"][0]["metric"]
    if numbers.get("cells"):
        yield f"mean_{metric}", numbers["cells"][0]["mean"]
    constant = (numbers.get("baselines") or {}).get("constant", {})
    if metric in constant:
        yield f"constant_{metric}", {"mean": constant[metric], "low": None, "high": None}
    if evaluation := numbers.get("evaluation"):
        from dataclasses import asdict

        from hpstudy.analysis import statistics

        scored = Evaluation.from_json(evaluation)
        yield f"test_{scored.metric}", asdict(statistics.interval(scored.test, statistics.bounds_of(scored.metric)))
        for name in dict.fromkeys((scored.metric, metric.removeprefix("val_"))):
            if together := scored.estimates.get(name):
                yield f"test_{name}_ensemble", {"mean": together.value, "low": together.low, "high": together.high}


def test_score_text(numbers: Mapping[str, Any]) -> str | None:
    """Of which configuration and seeds the test score is; None if the test split was not scored.

    Args:
        numbers: `Report.data`.
    """
    evaluation = numbers.get("evaluation")
    if not evaluation:
        return None
    seeds = ", ".join(map(str, evaluation["seeds"]))
    older = "; older than the choice" if numbers.get("chosen_since") else ""
    return f"{describe(evaluation['params']) or 'its one cell'}; seeds {seeds}{older}"


def log_model(settings: Settings, run_id: str, study: Study, evaluation: Evaluation) -> str | None:
    """Log the scored networks to the study's run, as one model. Repeating it does not log another one.

    Loading the model needs Keras and TensorFlow, but not hpstudy; if the study's `build` uses its own layer classes, it
    needs these, too.

    Returns:
        The model's URI, for `mlflow.pyfunc.load_model`; None if the networks are not on this machine, or cannot be
        loaded without the study file (`evaluation.why_no_model`).

    Raises:
        MirrorError: MLflow cannot be reached or refused the model.
    """
    with _told(settings):
        client = connect(settings)
        run = client.get_run(run_id)
        uri = _logged_before(client, run, str(evaluation.at))
    if uri is not None:
        return uri
    folder = answer_folder(settings, study.name)
    try:
        answer = read_answer(folder)
    except NotFoundError:
        return None
    if not answer.is_of(evaluation) or not answer.loads:
        return None
    with _told(settings):
        return _log(settings, run, study, evaluation, answer, folder)


def register(settings: Settings, uri: str, name: str) -> tuple[str, bool]:
    """Make a logged model a version of a registered one.

    Returns:
        The version, and whether it is new.

    Raises:
        UserError: MLflow does not allow such a name.
        MirrorError: MLflow cannot be reached or refused it.
    """
    with _told(settings), tracked_at(settings):  # the registry looks up the model there
        from mlflow.exceptions import MlflowException

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


def find_model(settings: Settings, run_id: str, evaluation: Evaluation) -> str | None:
    """The URI of the model that was logged for an evaluation; None if MLflow has none. Raises MirrorError."""
    with translated(settings, "did not say where the model is", "Try again when it is back."):
        client = connect(settings)
        return _logged_before(client, client.get_run(run_id), str(evaluation.at))


def load_model(settings: Settings, uri: str) -> PyFuncModel:
    """Load a logged model, which predicts, and TensorFlow with it. Raises MirrorError."""
    with translated(settings, "did not return the model", "Try again when it is back."), tracked_at(settings):
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(uri)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _told(settings: Settings) -> AbstractContextManager[None]:
    return translated(settings, "did not take the model", "`hpstudy sync` tries again.")


def _logged_before(client: Any, run: Any, at: str) -> str | None:
    for output in run.outputs.model_outputs if run.outputs else ():
        logged = client.get_logged_model(output.model_id)
        if logged.tags.get(EVALUATED_TAG) == at and str(logged.status) == "READY":
            return f"models:/{logged.model_id}"
    return None


class _PyfuncFlavor:
    """`mlflow.pyfunc` as `Model.log` calls it. MLflow 3.17 writes the example before it creates the folder."""

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
    evaluation: Evaluation,
    answer: Answer,
    folder: Path,
) -> str:
    """Log with `Model.log`: `mlflow.pyfunc.log_model` needs an active run, and would end it with another time.

    The model is created first, in the study's experiment. Otherwise it would go to that of the caller's own run.
    """
    from mlflow.models import Model

    example = answer.example
    if "images" in example:  # written by a version that knew no other arrays
        example = {"array": example["images"], "dtype": "uint8"}
    rows, signature = (
        _example(example),
        _signature(example, answer.classes or [target.name for target in study.dataset_info.targets]),
    )
    created = connect(settings).create_logged_model(
        run.info.experiment_id,
        name=MODEL_NAME,
        source_run_id=run.info.run_id,
        params={**param_texts(study, evaluation.params, none="None"), **run.data.params},
        tags={EVALUATED_TAG: str(evaluation.at), NOTE_TAG: _note(study, evaluation)},
    )
    with tracked_at(settings), warnings.catch_warnings(), TemporaryDirectory() as code:
        warnings.simplefilter("ignore")  # MLflow warns of what it does itself to a table that contains lists
        logged = Model.log(
            artifact_path=None,
            name=MODEL_NAME,
            model_id=created.model_id,
            flavor=_PyfuncFlavor(),
            run_id=run.info.run_id,
            loader_module=hpstudy_model.__name__.rpartition(".")[2],
            code_paths=_code(study, Path(code)),
            data_path=str(folder / NETWORKS),
            signature=signature,
            input_example=rows,
            validate_serving_input=False,
            pip_requirements=_requirements(study),  # otherwise MLflow infers them in a process of its own: about 20 s
        )
    return str(logged.model_uri)


def _code(study: Study, folder: Path) -> list[str]:
    """The model's files besides the networks: the loader, and the module that encodes this kind of rows."""
    kind = folder / f"{hpstudy_model.kind_module(study.dataset_info.kind.name)}.py"
    shutil.copyfile(kind_file(study.dataset), kind)
    return [hpstudy_model.__file__, str(kind)]


def _note(study: Study, evaluation: Evaluation) -> str:
    seeds = ", ".join(map(str, evaluation.seeds))
    number = len(evaluation.seeds)
    networks = "The network" if number == 1 else f"The average of {number} networks"
    cell = markdown(study.texts.describe(evaluation.params), github=True) or "its one cell"
    metric, returned = ("accuracy", "class probabilities") if evaluation.metric == "accuracy" else ("RMSE", "numbers")
    return (
        f"{networks} of study {study.name} on {study.dataset_info.title}: {cell}, "
        f"{'seed' if number == 1 else 'seeds'} {seeds}. Test {metric} {evaluation.together.value:.4f} on "
        f"{evaluation.rows:,} rows. Takes raw rows of the dataset, returns {returned}."
    )


def _example(example: Mapping[str, Any]) -> Any:
    """An array, or a DataFrame if the rows are a table."""
    import numpy as np
    import pandas as pd

    if "array" in example:
        return np.array(example["array"], example["dtype"])
    types = {"long": "int64", "double": "float64", "any": None}  # None: as pandas finds
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

    if "array" in example:
        shape = example.get("shape", (-1, *np.shape(example["array"])[1:]))
        return Schema([TensorSpec(np.dtype(example["dtype"]), tuple(shape))])
    columns = example["columns"].items()
    return Schema([_column(name, column["type"]) for name, column in columns])


def _column(name: str, kind: str) -> Any:
    """The schema of a column. Text and floats may be missing; MLflow has no missing integer."""
    from mlflow.types import ColSpec, DataType
    from mlflow.types.schema import AnyType, Array

    if kind == "array":
        return ColSpec(Array(DataType.long), name)
    return ColSpec(AnyType() if kind == "any" else kind, name, required=kind == "long")


def _requirements(study: Study) -> list[str]:
    """The packages that loading and predicting need, in the versions of this installation."""
    packages = sorted((*_PACKAGES, *study.dataset_info.kind.packages))
    return [f"{package}=={_version(package)}" for package in packages]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # TensorFlow without GPUs has a different name
        return importlib.metadata.version(f"{package}-cpu")
