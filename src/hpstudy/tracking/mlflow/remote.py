"""The few requests that the mirror makes of MLflow, within its limits."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from hpstudy.tracking.mlflow.contents import BATCH_POINTS, NOTE_TAG, ROLE_TAG, STUDY_TAG, Dataset, Point, RunContent
from hpstudy.tracking.mlflow.differences import Changes, Seen

_PAGE_RUNS = 1000
_BATCH_TEXTS = 100  # params, and tags, in one request
_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST")


def is_refusal(error: Exception) -> bool:
    """Whether MLflow refused this one request, so that others can still succeed."""
    return getattr(error, "error_code", None) in _REFUSALS


class Remote:
    """One study's experiment in MLflow. Every method may raise whatever MLflow raises."""

    def __init__(self, client: Any, study: str) -> None:
        self._client, self._study = client, study

    def experiment(self, artifact_root: str | None, note: str) -> str:
        """The id of the study's experiment, which is made if there is none."""
        found = self._client.get_experiment_by_name(self._study)
        if found and found.lifecycle_stage == "active":
            return str(found.experiment_id)
        self.bury_experiment()
        location = f"{artifact_root.rstrip('/')}/{self._study}" if artifact_root else None
        tags = {NOTE_TAG: note, "mlflow.experimentKind": "custom_model_development"}
        return str(self._client.create_experiment(self._study, artifact_location=location, tags=tags))

    def bury_experiment(self) -> None:
        """Delete the experiment, if there is one, under another name, so that the study's is free."""
        found = self._client.get_experiment_by_name(self._study)
        if found is None:
            return
        if found.lifecycle_stage != "active":  # MLflow renames active experiments only
            self._client.restore_experiment(found.experiment_id)
        now = datetime.now(UTC).isoformat(sep=" ", timespec="milliseconds")
        self._client.rename_experiment(found.experiment_id, f"{self._study} (deleted {now})")
        self._client.delete_experiment(found.experiment_id)

    def runs(self, experiment_id: str) -> Iterator[Seen]:
        """Every run of the study, the oldest first, in the same order for everybody who asks."""
        yield from sorted(self._pages(experiment_id), key=lambda run: (run.started_ms, run.run_id))

    def study_run(self) -> Seen | None:
        """The oldest run of the study itself; None if there is none."""
        found = self._client.get_experiment_by_name(self._study)
        if found is None:
            return None
        filters = f"tags.`{STUDY_TAG}` = '{self._study}' and tags.`{ROLE_TAG}` = 'study'"
        runs = self._client.search_runs([found.experiment_id], filters, max_results=1, order_by=["start_time"])
        return _seen(runs[0]) if runs else None

    def create(self, experiment_id: str, content: RunContent) -> Seen:
        """Make a run, which is running and has tags but nothing else."""
        tags = {**content.tags, **content.fixed_tags}
        run = self._client.create_run(experiment_id, start_time=content.started_ms, tags=tags, run_name=content.name)
        return _seen(run)

    def send(self, run_id: str, changes: Changes, ended_ms: int | None) -> None:
        """Give a run what it lacks. Its status comes last, so that a finished run is a whole one."""
        for batch in _batches(changes):
            self._client.log_batch(run_id, synchronous=True, **batch)
        if changes.dataset:
            self._client.log_inputs(run_id, datasets=[_input(changes.dataset)])
        if changes.name:
            self._client.update_run(run_id, name=changes.name)
        if changes.status == "RUNNING":
            self._client.update_run(run_id, status="RUNNING")
        elif changes.status:
            self._client.set_terminated(run_id, changes.status, ended_ms)

    def delete(self, run_id: str) -> None:
        self._client.delete_run(run_id)

    def log_text(self, run_id: str, name: str, text: str) -> None:
        self._client.log_text(run_id, text, name)

    def log_files(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Write files, whose paths may have folders in them."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in texts.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            self._client.log_artifacts(run_id, folder)

    def log_metrics(self, run_id: str, values: Mapping[str, float], step: int) -> None:
        at_ms = round(time.time() * 1000)
        points = [Point(key=name, value=value, at_ms=at_ms, step=step) for name, value in values.items()]
        self._client.log_batch(run_id, synchronous=True, metrics=_metrics(points))

    def tag(self, run_id: str, name: str, text: str) -> None:
        self._client.set_tag(run_id, name, text)

    def _pages(self, experiment_id: str) -> Iterator[Seen]:
        token: str | None = ""
        while token is not None:
            page = self._client.search_runs(
                [experiment_id],
                filter_string=f"tags.`{STUDY_TAG}` = '{self._study}'",
                max_results=_PAGE_RUNS,
                page_token=token or None,
            )
            yield from map(_seen, page)
            token = page.token or None


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
    """One request where everything fits into it, else as many as it takes, the tags last."""
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
    """The source is what MLflow calls code: hpstudy finds or downloads the dataset by its name."""
    from mlflow.entities import Dataset as MlflowDataset
    from mlflow.entities import DatasetInput, InputTag

    source = json.dumps({"tags": {"mlflow.source.name": f"hpstudy data fetch {dataset.name}"}})
    logged = MlflowDataset(name=dataset.name, digest=dataset.digest, source_type="code", source=source)
    return DatasetInput(dataset=logged, tags=[InputTag("mlflow.data.context", "training")])
