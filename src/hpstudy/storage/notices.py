"""Which workers are alive, where, with which trial: notices in a table beside Optuna's. Nothing depends on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import sqlalchemy as sa

from hpstudy.owner import Owner
from hpstudy.storage.database import Database

_TABLE = sa.Table(
    "hpstudy_workers",
    sa.MetaData(),
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("beat", sa.DateTime, nullable=False),  # by the database's clock, UTC
)


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One trainer process of a worker."""

    device: str
    state: Literal["starting", "ready", "training", "idle", "evaluating"]
    study: str | None = None
    trial: int | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerNotice:
    """What a worker reports about itself."""

    host: str
    pid: int
    started: float  # Unix time
    processes: tuple[Doing, ...]
    age_s: float = 0.0  # since that report, by the database's clock


class NoticeBoard:
    """The notices of all workers. Safe to use from several processes. Every method may raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def post(self, owner: Owner, processes: Sequence[Doing]) -> None:
        """Report that a worker is alive, and what it is doing."""
        notice = WorkerNotice(host=owner.host, pid=owner.pid, started=owner.created, processes=tuple(processes))
        text = json.dumps(asdict(notice))

        def post() -> None:
            with self._database.rdb.engine.begin() as connection:
                _TABLE.create(connection, checkfirst=True)
                connection.execute(_TABLE.delete().where(_TABLE.c.id == _key(owner)))
                connection.execute(_TABLE.insert().values(id=_key(owner), notice=text, beat=sa.func.now()))

        self._database.retrying(post)

    def remove(self, owner: Owner) -> None:
        """Report that a worker has ended."""

        def remove() -> None:
            with self._database.rdb.engine.begin() as connection:
                _TABLE.create(connection, checkfirst=True)
                connection.execute(_TABLE.delete().where(_TABLE.c.id == _key(owner)))

        self._database.retrying(remove)

    def read(self, within_s: float) -> list[WorkerNotice]:
        """The workers that posted a notice within this time, sorted by host."""

        def read() -> list[WorkerNotice]:
            with self._database.rdb.engine.begin() as connection:
                _TABLE.create(connection, checkfirst=True)
                rows = connection.execute(sa.select(_TABLE.c.notice, _TABLE.c.beat, sa.func.now())).all()
                return [_notice(text, (now.replace(tzinfo=None) - beat).total_seconds()) for text, beat, now in rows]

        notices = self._database.retrying(read)
        return sorted(
            (notice for notice in notices if notice.age_s <= within_s), key=lambda notice: (notice.host, notice.pid)
        )


def _key(owner: Owner) -> str:
    return f"{owner.host} {owner.pid} {owner.created}"


def _notice(text: str, age_s: float) -> WorkerNotice:
    values = json.loads(text)
    processes = tuple(Doing(**doing) for doing in values["processes"])
    return WorkerNotice(**{**values, "processes": processes, "age_s": age_s})
