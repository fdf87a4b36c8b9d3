"""All that hpstudy knows of MLflow's private parts. tests/test_private_parts.py holds it against the installed version.

The imports are inside the functions, because each of them loads a large part of MLflow.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

TRIED_VERSION = "3.17."  # of MLflow, whose tables are known
NAME_TAG = "mlflow.runName"


def use_tracking_uri(uri: str) -> AbstractContextManager[None]:
    """MLflow's functions that take no address use this one within the block."""
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    used: AbstractContextManager[None] = _use_tracking_uri(uri)
    return used


def create_tables(uri: str, artifacts: str) -> None:
    """Create the tables of a store in a database that is empty.

    Args:
        uri: SQLAlchemy's address of the database.
        artifacts: The address of the folder for artifacts.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(uri, artifacts).engine.dispose()


@dataclass(frozen=True, kw_only=True)
class StoreTables:
    """The tables of a store that a run has rows in."""

    engine: sa.Engine
    experiments: sa.Table
    runs: sa.Table
    tags: sa.Table
    params: sa.Table
    metrics: sa.Table
    latest_metrics: sa.Table
    datasets: sa.Table
    inputs: sa.Table
    input_tags: sa.Table


def tables_of(client: Any) -> StoreTables | None:
    """The tables behind an `MlflowClient`; None if it speaks to a server, or if MLflow is of a version not tried."""
    from mlflow.store.tracking.dbmodels import models
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = client._tracking_client.store
    if not isinstance(store, SqlAlchemyStore) or not version("mlflow").startswith(TRIED_VERSION):
        return None
    return StoreTables(
        engine=store.engine,
        experiments=models.SqlExperiment.__table__,
        runs=models.SqlRun.__table__,
        tags=models.SqlTag.__table__,
        params=models.SqlParam.__table__,
        metrics=models.SqlMetric.__table__,
        latest_metrics=models.SqlLatestMetric.__table__,
        datasets=models.SqlDataset.__table__,
        inputs=models.SqlInput.__table__,
        input_tags=models.SqlInputTag.__table__,
    )


def artifact_address(experiment: str, run_id: str) -> str:
    """The address of a run's artifacts within those of its experiment."""
    from mlflow.utils.uri import append_to_uri_path

    return str(append_to_uri_path(experiment, run_id, "artifacts"))


def is_legal(tags: Mapping[str, str], params: Mapping[str, str], metrics: Mapping[str, float]) -> bool:
    """Whether MLflow would take these names and texts as they are."""
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_TAG_VAL_LENGTH

    return (
        all(_is_legal_name(name) for names in (tags, params, metrics) for name in names)
        and all(len(text) <= MAX_TAG_VAL_LENGTH for text in tags.values())
        and all(len(text) <= MAX_PARAM_VAL_LENGTH for text in params.values())
    )


@functools.lru_cache(maxsize=10_000)
def _is_legal_name(name: str) -> bool:
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, _validate_tag_name

    try:
        _validate_tag_name(name)  # the rules for names of params and metrics are the same
    except MlflowException:
        return False
    return bool(len(name) <= MAX_ENTITY_KEY_LENGTH)
