"""Many ended runs at once: rows for MLflow's own tables, in one transaction.

MLflow's client takes some ten statements and five transactions a run. A study of small networks ends a hundred trials
in the time that this needs for ten. What the tables hold afterwards is what the client would have written; anything
that MLflow might refuse is left to the client.
"""

from __future__ import annotations

import math
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpstudy.tracking.mlflow.contents import Dataset, Point, RunContent
from hpstudy.tracking.mlflow.differences import Changes, Seen, after, difference
from hpstudy.tracking.mlflow.private import NAME_TAG, StoreTables, artifact_address, is_legal

if TYPE_CHECKING:
    import sqlalchemy as sa

_LARGEST = sys.float_info.max
_ROWS = 5000  # of one statement


@dataclass(frozen=True, kw_only=True)
class _New:
    """A run that is about to be written."""

    seen: Seen  # as it will be
    changes: Changes  # what a run that was only just created would lack
    ended_ms: int


def takes(content: RunContent) -> bool:
    """Whether MLflow would take all of this run. What it refuses, its client must hear from MLflow."""
    points = {point.key: 0.0 for point in content.points}
    return is_legal({**content.tags, **content.fixed_tags}, content.params, points)


def write(
    tables: StoreTables, experiment_id: str, contents: Sequence[RunContent], source_of: Mapping[Dataset, str]
) -> list[Seen] | None:
    """Write ended runs that MLflow does not have, all or none of them.

    Args:
        source_of: Where each dataset comes from, as MLflow's JSON.

    Returns:
        The runs as MLflow has them now; None if the experiment is not there any more.
    """
    with tables.engine.begin() as connection:
        found = connection.execute(
            tables.experiments.select().where(
                tables.experiments.c.experiment_id == int(experiment_id),
                tables.experiments.c.lifecycle_stage == "active",
            )
        ).first()
        if found is None:
            return None
        new = [_new(content) for content in contents]
        _insert(connection, tables.runs, (_run(one, experiment_id, str(found.artifact_location)) for one in new))
        for table, texts in ((tables.tags, "tags"), (tables.params, "params")):
            _insert(
                connection, table, (row for one in new for row in _texts(one.seen.run_id, getattr(one.seen, texts)))
            )
        for one in new:
            points = [_row(one.seen.run_id, point) for point in one.changes.points]
            _insert(connection, tables.metrics, {tuple(row.values()): row for row in points}.values())
            _insert(connection, tables.latest_metrics, _latest(points))
        for dataset in {one.changes.dataset for one in new if one.changes.dataset}:
            runs = [one.seen.run_id for one in new if one.changes.dataset == dataset]
            _log_inputs(connection, tables, int(experiment_id), dataset, source_of[dataset], runs)
    return [one.seen for one in new]


def _new(content: RunContent) -> _New:
    now_ms = round(time.time() * 1000)
    blank = Seen(
        run_id=uuid.uuid4().hex,
        name=content.name,
        status="RUNNING",
        started_ms=content.started_ms or now_ms,
        tags={**content.tags, **content.fixed_tags, NAME_TAG: content.name},
        params={},
        metrics={},
        has_dataset=False,
    )
    changes = difference(content, blank)
    return _New(seen=after(blank, changes), changes=changes, ended_ms=content.ended_ms or now_ms)


def _run(one: _New, experiment_id: str, artifacts: str) -> dict[str, Any]:
    return {
        "run_uuid": one.seen.run_id,
        "name": one.seen.name,
        "artifact_uri": artifact_address(artifacts, one.seen.run_id),
        "experiment_id": int(experiment_id),
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "user_id": "unknown",
        "status": one.seen.status,
        "start_time": one.seen.started_ms,
        "end_time": one.ended_ms,
        "source_version": "",
        "lifecycle_stage": "active",
    }


def _texts(run_id: str, texts: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    return ({"run_uuid": run_id, "key": key, "value": text} for key, text in texts.items())


def _row(run_id: str, point: Point) -> dict[str, Any]:
    """MLflow keeps NaN apart, and infinite numbers as the largest finite ones."""
    is_nan = math.isnan(point.value)
    value = 0.0 if is_nan else min(max(point.value, -_LARGEST), _LARGEST)
    return {
        "run_uuid": run_id,
        "key": point.key,
        "value": value,
        "timestamp": point.at_ms,
        "step": point.step,
        "is_nan": is_nan,
    }


def _latest(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Of each metric the latest value, by MLflow's order: by step, then time, then value."""
    latest: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = latest.setdefault(row["key"], row)
        if _recency(row) > _recency(known):
            latest[row["key"]] = row
    return latest.values()


def _recency(row: dict[str, Any]) -> tuple[int, int, float]:
    return row["step"], row["timestamp"], row["value"]


def _log_inputs(
    connection: sa.Connection, tables: StoreTables, experiment_id: int, dataset: Dataset, source: str, runs: list[str]
) -> None:
    known = connection.execute(
        tables.datasets.select().where(
            tables.datasets.c.experiment_id == experiment_id,
            tables.datasets.c.name == dataset.name,
            tables.datasets.c.digest == dataset.digest,
        )
    ).first()
    identity = known.dataset_uuid if known else uuid.uuid4().hex
    if known is None:
        row = {"dataset_uuid": identity, "experiment_id": experiment_id, "name": dataset.name, "digest": dataset.digest}
        _insert(connection, tables.datasets, [{**row, "dataset_source_type": "code", "dataset_source": source}])
    inputs = [(uuid.uuid4().hex, run_id) for run_id in runs]
    ends = {"source_type": "DATASET", "source_id": identity, "destination_type": "RUN"}
    _insert(connection, tables.inputs, ({"input_uuid": one, "destination_id": run, **ends} for one, run in inputs))
    context = {"name": "mlflow.data.context", "value": "training"}
    _insert(connection, tables.input_tags, ({"input_uuid": one, **context} for one, _ in inputs))


def _insert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    every = list(rows)
    for first in range(0, len(every), _ROWS):
        connection.execute(table.insert(), every[first : first + _ROWS])
