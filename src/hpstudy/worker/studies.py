"""The studies that a worker serves: one that it was given, or every open one of its database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import NotFoundError, UserError
from hpstudy.study import studyfile

if TYPE_CHECKING:
    from hpstudy.storage import Store, StudyQueue
    from hpstudy.training.model import Build


class ServedStudies:
    """Looks into the database each time, because studies come, end and are deleted while a worker lives.

    Args:
        name: The only study to serve; None: all of them.
        file: The study file of one that builds its own network: code never comes out of the database.
    """

    def __init__(self, store: Store, name: str | None, file: Path | None) -> None:
        self._store, self._name = store, name
        self._file = studyfile.load(file) if file else None
        self._queues: dict[str, StudyQueue] = {}

    def queues(self) -> list[StudyQueue]:
        """In the order of their names.

        Raises:
            UserError: the only study builds its own network, and its file is missing or another one.
            NotFoundError: there is no such study.
        """
        names = [self._name] if self._name else self._store.names()
        for name in names:
            if name not in self._queues:
                self._queues[name] = self._store.open(name)
        served = [self._queues[name] for name in names]
        if self._name:
            self._check_network(served[0])
            return served
        return [queue for queue in served if not queue.study.network_digest or self._has_network_of(queue)]

    def open_queues(self) -> list[StudyQueue]:
        """Those with trials left to take or in training, which may be lost yet. Studies stopped by a user are not."""
        return [queue for queue in self.queues() if _is_open(queue)]

    def build_of(self, queue: StudyQueue) -> Build | None:
        """The function that builds the study's own network; None where it has none."""
        return self._file.build if queue.study.network_digest and self._file else None

    def _has_network_of(self, queue: StudyQueue) -> bool:
        return self._file is not None and self._file.study.network_digest == queue.study.network_digest

    def _check_network(self, queue: StudyQueue) -> None:
        study = queue.study
        if not study.network_digest or self._has_network_of(queue):
            return
        if self._file is None:
            raise UserError(
                f"Study {study.name!r} builds its own network, so its study file is needed here: "
                "`hpstudy worker FILE.py`. Code never comes out of the database."
            )
        raise UserError(
            f"{self._file.path} builds another network than the one that study {study.name!r} was started with. "
            "Copy the file from the machine that submitted the study."
        )


def _is_open(queue: StudyQueue) -> bool:
    try:
        progress = queue.trials.progress()
    except NotFoundError:  # deleted meanwhile
        return False
    return progress.running > 0 or (progress.waiting > 0 and not progress.stopped)
