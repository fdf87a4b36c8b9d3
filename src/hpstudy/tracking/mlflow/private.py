"""All that hpstudy knows of MLflow's private parts. tests/test_private_parts.py holds it against the installed version.

The imports are inside the functions, because each of them loads a large part of MLflow.
"""

from __future__ import annotations

from contextlib import AbstractContextManager


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
