"""Faults in a study's tables that no process of hpstudy can be made to commit.

A crash between two statements, or another program's write, leaves rows that hpstudy itself never leaves. They are made
here, with SQLAlchemy's Core and the names of Optuna's tables, which are the format of a recorded study.
"""

from __future__ import annotations

import sqlalchemy as sa

from hpstudy.storage import StudyQueue


def forget_heartbeats(queue: StudyQueue) -> None:
    """As if every process had died between creating its trial and its first heartbeat."""
    with queue.database.rdb.engine.begin() as connection:
        connection.execute(sa.delete(sa.table("trial_heartbeats")))


def rename_level(queue: StudyQueue, level: str, other: str) -> None:
    """As if another program had recorded trials with this other level of a factor."""
    params = sa.table("trial_params", sa.column("distribution_json"))
    with queue.database.rdb.engine.begin() as connection:
        renamed = sa.func.replace(params.c.distribution_json, level, other)
        connection.execute(sa.update(params).values(distribution_json=renamed))
