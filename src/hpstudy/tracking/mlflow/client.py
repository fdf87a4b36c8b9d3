"""The few requests that the mirror sends to MLflow, within MLflow's limits."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from hpstudy.errors import MirrorError
from hpstudy.tracking.mlflow.bulk import write
from hpstudy.tracking.mlflow.contents import (
    BATCH_POINTS,
    EVALUATED_TAG,
    NOTE_TAG,
    ROLE_TAG,
    STUDY_TAG,
    Dataset,
    Point,
    RunContent,
)
from hpstudy.tracking.mlflow.differences import Changes, Seen
from hpstudy.tracking.mlflow.ownership import DEFAULT_EXPERIMENT, OTHERS_RUNS, Experiment, is_made_by, signature
from hpstudy.tracking.mlflow.page import VIEW_TAG
from hpstudy.tracking.mlflow.private import tables_of

PAGE_RUNS = 1000
_BATCH_TEXTS = 100  # the most params, and the most tags, in one request
_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST")


def is_refusal(error: Exception) -> bool:
    """Whether MLflow refused this one request only, so that others can still succeed."""
    return getattr(error, "error_code", None) in _REFUSALS


class Client:
    """One study's experiment in MLflow. Every method may raise whatever MLflow raises."""

    def __init__(self, mlflow: Any, study: str, identity: str | None) -> None:
        self._mlflow, self._study, self._identity = mlflow, study, identity

    def find_experiment(self) -> Experiment | None:
        """The experiment with the study's name, whoever created it, even if it is deleted."""
        found = self._mlflow.get_experiment_by_name(self._study)
        return found and Experiment(
            experiment_id=str(found.experiment_id),
            is_active=found.lifecycle_stage == "active",
            is_made_here=is_made_by(found.tags, self._study, self._identity),
            shared_view=found.tags.get(VIEW_TAG),
        )

    def experiment(self, artifact_root: str | None, note: str) -> Experiment:
        """The experiment with the study's name, which is created if there is none.

        Raises:
            MirrorError: somebody deleted the experiment, and it did not belong to the study alone.
        """
        found = self.find_experiment()
        if found and found.is_active:
            return found
        if found:
            self._bury_deleted(found)
        location = f"{artifact_root.rstrip('/')}/{self._study}" if artifact_root else None
        ours = {STUDY_TAG: self._study, **signature(self._identity)}
        tags = {NOTE_TAG: note, "mlflow.experimentKind": "custom_model_development", **ours}
        made = self._mlflow.create_experiment(self._study, artifact_location=location, tags=tags)
        return Experiment(experiment_id=str(made), is_active=True, is_made_here=True)

    def bury(self, experiment: Experiment) -> None:
        """Rename and delete an experiment, so that the study's name is free."""
        if not experiment.is_active:  # MLflow renames active experiments only
            self._mlflow.restore_experiment(experiment.experiment_id)
        now = datetime.now(UTC).isoformat(sep=" ", timespec="milliseconds")
        self._mlflow.rename_experiment(experiment.experiment_id, f"{self._study} (deleted {now})")
        self._mlflow.delete_experiment(experiment.experiment_id)

    def shared(self, experiment: Experiment, *, also_deleted: bool) -> str | None:
        """Why an experiment does not belong to the study alone, as the end of a sentence; None if it may do so.

        Runs that name a study of the same name are not considered.
        """
        if experiment.experiment_id == DEFAULT_EXPERIMENT:
            return "it is MLflow's default experiment"
        if not experiment.is_made_here:
            return "hpstudy did not create it for this study"
        return OTHERS_RUNS if self._has_others_runs(experiment.experiment_id, also_deleted) else None

    def has_others_models_or_traces(self, experiment_id: str) -> bool:
        traces = self._mlflow.search_traces([experiment_id], max_results=1, include_spans=False)
        return bool(traces) or any(EVALUATED_TAG not in model.tags for model in self._models(experiment_id))

    def delete_models(self, experiment_id: str, run_ids: Collection[str]) -> None:
        """Delete the models that these runs have logged, except those that are versions of a registered model."""
        for model in list(self._models(experiment_id)):
            if model.source_run_id in run_ids and EVALUATED_TAG in model.tags:
                source = f"models:/{model.model_id}"
                if not self._mlflow.search_model_versions(f"source_path = '{source}'", max_results=1):
                    self._mlflow.delete_logged_model(model.model_id)

    def runs(self, experiment_id: str) -> Iterator[Seen]:
        """Every run that names a study of this name, oldest first, in the same order for everybody."""
        yield from sorted(self._pages(experiment_id, self._of_study), key=lambda run: (run.started_ms, run.run_id))

    def study_runs(self) -> list[Seen]:
        """The parent runs of studies of this name, oldest first."""
        found = self.find_experiment()
        if found is None:
            return []
        pages = self._pages(found.experiment_id, f"{self._of_study} and tags.`{ROLE_TAG}` = 'study'")
        return sorted(pages, key=lambda run: (run.started_ms, run.run_id))

    def create(self, experiment_id: str, content: RunContent) -> Seen:
        """Create a run that is running and has tags but nothing else."""
        tags = {**content.tags, **content.fixed_tags}
        run = self._mlflow.create_run(experiment_id, start_time=content.started_ms, tags=tags, run_name=content.name)
        return _seen(run)

    def create_ended(self, experiment_id: str, contents: Sequence[RunContent]) -> list[Seen] | None:
        """Create runs that have ended, with all that they hold, in one transaction.

        Returns:
            The runs; None if only `create` and `send` can do it, one by one.
        """
        tables = tables_of(self._mlflow)
        if tables is None:
            return None
        return write(
            tables, experiment_id, contents, {one.dataset: _source(one.dataset) for one in contents if one.dataset}
        )

    def send(self, run_id: str, changes: Changes, ended_ms: int | None) -> None:
        """Send a run what it lacks. The status comes last, so that a finished run is a complete one."""
        for batch in _batches(changes):
            self._mlflow.log_batch(run_id, synchronous=True, **batch)
        if changes.dataset:
            self._mlflow.log_inputs(run_id, datasets=[_input(changes.dataset)])
        if changes.name:
            self._mlflow.update_run(run_id, name=changes.name)
        if changes.status == "RUNNING":
            self._mlflow.update_run(run_id, status="RUNNING")
        elif changes.status:
            self._mlflow.set_terminated(run_id, changes.status, ended_ms)

    def delete(self, run_id: str) -> None:
        self._mlflow.delete_run(run_id)

    def tag_experiment(self, experiment_id: str, name: str, text: str) -> None:
        self._mlflow.set_experiment_tag(experiment_id, name, text)

    def log_text(self, run_id: str, name: str, text: str) -> None:
        self._mlflow.log_text(run_id, text, name)

    def log_files(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Write files, whose paths may have folders in them."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in texts.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            self._mlflow.log_artifacts(run_id, folder)

    def log_metrics(self, run_id: str, values: Mapping[str, float], step: int) -> None:
        at_ms = round(time.time() * 1000)
        points = [Point(key=name, value=value, at_ms=at_ms, step=step) for name, value in values.items()]
        self._mlflow.log_batch(run_id, synchronous=True, metrics=_metrics(points))

    def tag(self, run_id: str, name: str, text: str) -> None:
        self._mlflow.set_tag(run_id, name, text)

    def _bury_deleted(self, experiment: Experiment) -> None:
        if self.shared(experiment, also_deleted=True):
            raise MirrorError(
                f"Experiment {self._study!r} was deleted in MLflow, and it is not this study's alone, so hpstudy "
                "leaves it and cannot use its name. Restore it in MLflow, or rename it there and delete it again. "
                f"Nothing is lost: the trials are in the study database, and `hpstudy sync {self._study}` sends them."
            )
        self.bury(experiment)

    def _has_others_runs(self, experiment_id: str, also_deleted: bool) -> bool:
        """Whether there is a run that names no study or a study of another name."""
        view = _view(also_deleted)
        try:
            return any(
                self._mlflow.search_runs([experiment_id], f"tags.`{STUDY_TAG}` {other}", view, max_results=1)
                for other in ("IS NULL", f"!= '{self._study}'")
            )
        except Exception as error:
            if not is_refusal(error):
                raise
            everything = self._pages(experiment_id, "", view)  # an older server does not know IS NULL
            return any(run.tags.get(STUDY_TAG) != self._study for run in everything)

    def _models(self, experiment_id: str) -> Iterator[Any]:
        token: str | None = ""
        while token is not None:
            page = self._mlflow.search_logged_models([experiment_id], page_token=token or None)
            yield from page
            token = page.token or None

    @property
    def _of_study(self) -> str:
        return f"tags.`{STUDY_TAG}` = '{self._study}'"

    def _pages(self, experiment_id: str, filter_string: str, view: int | None = None) -> Iterator[Seen]:
        token: str | None = ""
        while token is not None:
            page = self._mlflow.search_runs(
                [experiment_id],
                filter_string=filter_string,
                run_view_type=_view(False) if view is None else view,
                max_results=PAGE_RUNS,
                page_token=token or None,
            )
            yield from map(_seen, page)
            token = page.token or None


def _view(also_deleted: bool) -> int:
    from mlflow.entities import ViewType

    return int(ViewType.ALL if also_deleted else ViewType.ACTIVE_ONLY)


def _seen(run: Any) -> Seen:
    return Seen(
        run_id=run.info.run_id,
        name=run.info.run_name,
        status=run.info.status,
        started_ms=run.info.start_time,
        tags=dict(run.data.tags),
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        has_dataset=bool(run.inputs and run.inputs.dataset_inputs),
    )


def _batches(changes: Changes) -> Iterator[dict[str, list[Any]]]:
    """One request if everything fits into it, otherwise as many as it takes, with the tags last."""
    params, points, tags = _params(changes.params), _metrics(changes.points), _tags(changes.tags)
    if len(points) <= BATCH_POINTS and max(len(params), len(tags)) <= _BATCH_TEXTS:
        if params or points or tags:
            yield {"params": params, "metrics": points, "tags": tags}
        return
    yield from ({"params": chunk} for chunk in _chunks(params, _BATCH_TEXTS))
    yield from ({"metrics": chunk} for chunk in _chunks(points, BATCH_POINTS))
    yield from ({"tags": chunk} for chunk in _chunks(tags, _BATCH_TEXTS))


def _chunks(entries: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(entries)
    while chunk := list(islice(rest, size)):
        yield chunk


def _params(texts: Mapping[str, str]) -> list[Any]:
    from mlflow.entities import Param

    return [Param(name, text) for name, text in texts.items()]


def _tags(texts: Mapping[str, str]) -> list[Any]:
    from mlflow.entities import RunTag

    return [RunTag(name, text) for name, text in texts.items()]


def _metrics(points: Sequence[Point]) -> list[Any]:
    from mlflow.entities import Metric

    return [Metric(point.key, point.value, point.at_ms, point.step) for point in points]


def _input(dataset: Dataset) -> Any:
    """MLflow calls this kind of source `code`: hpstudy finds or downloads the dataset by its name."""
    from mlflow.entities import Dataset as MlflowDataset
    from mlflow.entities import DatasetInput, InputTag

    logged = MlflowDataset(name=dataset.name, digest=dataset.digest, source_type="code", source=_source(dataset))
    return DatasetInput(dataset=logged, tags=[InputTag("mlflow.data.context", "training")])


def _source(dataset: Dataset) -> str:
    return json.dumps({"tags": {"mlflow.source.name": f"hpstudy data fetch {dataset.name}"}})
