"""The studies that a worker serves: the one that it was given, or every open one in its database."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import HpstudyError, NotFoundError, UserError
from hpstudy.settings import Settings
from hpstudy.study import studyfile
from hpstudy.study.own import Own

if TYPE_CHECKING:
    from hpstudy.storage import Store, StudyQueue
    from hpstudy.training.model import Build


class ServedStudies:
    """Queries the database each time, because studies are added, end and are deleted while a worker runs.

    Args:
        name: The only study to serve; None: all of them.
        file: The study file, if the study builds its own network: code is never loaded from the database.
        settings: Where a user's own datasets are looked for.
    """

    def __init__(self, store: Store, name: str | None, file: Path | None, settings: Settings) -> None:
        self._store, self._name, self._settings = store, name, settings
        self._file = studyfile.load(file) if file else None
        self._queues: dict[str, StudyQueue] = {}
        self._datasets: dict[str, str] = {}  # study → why its own dataset is not here; "" if it is
        self._took: dict[str, int] = {}  # a count of all trials taken here, when it was the study's turn last

    def queues(self) -> list[StudyQueue]:
        """The studies to serve, ordered by name.

        Raises:
            UserError: the only study builds its own network, and its file is missing or is a different one; or its own
                dataset is a different one.
            NotFoundError: there is no such study, or its own dataset is not on this machine.
        """
        names = [self._name] if self._name else self._store.names()
        for name in names:
            if name not in self._queues:
                self._queues[name] = self._store.open(name)
        served = [self._queues[name] for name in names]
        if self._name:
            self._check_network(served[0])
            self._fetch(served[0])
            return served
        served = [queue for queue in served if not queue.study.network_digest or self._has_network_of(queue)]
        return [queue for queue in served if self._has_dataset_of(queue)]

    @property
    def lacking(self) -> list[str]:
        """Why studies are left to other workers because of their own datasets, a sentence each."""
        return [
            f"Study {name} is left to other workers until this one is started again. {why}"
            for name, why in self._datasets.items()
            if why
        ]

    def open_queues(self) -> list[StudyQueue]:
        """Studies with trials to take, or in training, which may still be lost. Not those that a user has stopped.

        First come those of the highest priority, and of equal ones those with the fewest trials in training: so they
        share the processes of all workers equally. Where that is equal, too, a process takes turns.
        """
        queues = self.queues()
        running = {queue.study.name: _running(queue) for queue in queues}
        return sorted(
            (queue for queue in queues if running[queue.study.name] is not None),
            key=lambda queue: (
                -queue.entry.instructions.priority,
                running[queue.study.name],
                self._took.get(queue.study.name, 0),
            ),
        )

    def took(self, queue: StudyQueue) -> None:
        """Note that this process has taken a trial of this study."""
        self._took[queue.study.name] = 1 + max(self._took.values(), default=0)

    def build_of(self, queue: StudyQueue) -> Build | None:
        """The function that builds the study's own network; None if it has none."""
        return self._file.build if queue.study.network_digest and self._file else None

    def _has_dataset_of(self, queue: StudyQueue) -> bool:
        name = queue.study.name
        if name not in self._datasets:
            self._datasets[name] = ""
            try:
                self._fetch(queue)
            except HpstudyError as error:
                self._datasets[name] = str(error)
        return not self._datasets[name]

    def _fetch(self, queue: StudyQueue) -> None:
        """Have a dataset of the user's own in the cache, where all processes take it from."""
        dataset = queue.study.dataset
        if not isinstance(dataset, Own):
            return
        from hpstudy import data

        if self._file and isinstance(declared := self._file.study.dataset, Own):
            dataset = dataclasses.replace(dataset, folder=declared.folder, loader=declared.loader)
        data.fetch(dataset, self._settings)

    def _has_network_of(self, queue: StudyQueue) -> bool:
        return self._file is not None and self._file.study.network_digest == queue.study.network_digest

    def _check_network(self, queue: StudyQueue) -> None:
        study = queue.study
        if not study.network_digest or self._has_network_of(queue):
            return
        if self._file is None:
            raise UserError(
                f"Study {study.name!r} builds its own network, so give the study file instead: "
                "`hpstudy worker FILE.py`. Code is never loaded from the database."
            )
        raise UserError(
            f"{self._file.path} does not build the network that study {study.name!r} was started with. "
            "Copy the file from the machine that submitted the study."
        )


def _running(queue: StudyQueue) -> int | None:
    """The trials of an open study that are in training; None if it is not open."""
    try:
        progress = queue.trials.progress()
    except NotFoundError:  # deleted in the meantime
        return None
    is_open = progress.running > 0 or (progress.waiting > 0 and not progress.stopped)
    return progress.running if is_open else None
