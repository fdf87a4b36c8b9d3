"""What the mirror is shown of a study, and the mirrors of all the studies that a worker serves."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hpstudy.records import TrialRecord, TrialState
from hpstudy.rundir import RunDir
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.mirror import Mirror, MirrorThread
    from hpstudy.storage import StudyQueue


class Mirrors:
    """A mirror thread for each study that something happened in. Nobody waits for them until `finish`.

    Args:
        sources: The texts of study files by the name of their study, to be logged beside the declaration.
    """

    def __init__(self, settings: Settings, sources: dict[str, str] | None = None) -> None:
        self._settings, self._sources = settings, sources or {}
        self._threads: dict[str, MirrorThread] = {}
        self._is_over = False

    @property
    def problem(self) -> str | None:
        """Why MLflow is behind; None when all is well."""
        return next((thread.problem for thread in self._threads.values() if thread.problem), None)

    def poke(self, queue: StudyQueue) -> None:
        """Say that something changed in a study. Returns at once."""
        name = queue.study.name
        if name not in self._threads:
            self._threads[name] = self._start(queue)
        self._threads[name].poke()

    def mirror(self, study: str) -> Mirror:
        """The mirror of a study that was poked: it knows already what MLflow has."""
        return self._threads[study].mirror

    def finish(self, patience_s: float) -> dict[str, str | None]:
        """Sync everything once more and stop.

        Returns:
            The studies that are not whole in MLflow yet, and why.
        """
        self._is_over = True
        return {name: thread.problem for name, thread in self._threads.items() if not thread.finish(patience_s)}

    def _start(self, queue: StudyQueue) -> MirrorThread:
        from hpstudy.mirror import Mirror, MirrorThread

        journals = _Journals(self._settings, queue.study.name)

        def snapshot() -> tuple[str, list[TrialRecord]]:
            records = [journals.complete(record) for record in queue.records()]
            return str(queue.progress().state) if self._is_over else "running", records

        source = self._sources.get(queue.study.name)
        thread = MirrorThread(Mirror(self._settings, queue.study, source=source), snapshot)
        thread.start()
        return thread


def records_with_journals(settings: Settings, queue: StudyQueue) -> list[TrialRecord]:
    """Every trial; one that is running or lost has the epochs that its journal on this machine holds."""
    journals = _Journals(settings, queue.study.name)
    return [journals.complete(record) for record in queue.records()]


class _Journals:
    """What the journals of one study add to its records; those of trials that have ended are read once."""

    def __init__(self, settings: Settings, study: str) -> None:
        self._runs_dir, self._study = settings.runs_dir, study
        self._ended: dict[int, tuple[TrialRecord, TrialRecord]] = {}  # by number: the record, and the whole one

    def complete(self, record: TrialRecord) -> TrialRecord:
        if record.history:
            return record
        known = self._ended.get(record.number)
        if known and known[0] is record:
            return known[1]
        whole = self._read(record)
        if record.state != TrialState.RUNNING:
            self._ended[record.number] = (record, whole)
        return whole

    def _read(self, record: TrialRecord) -> TrialRecord:
        epochs = RunDir.of(self._runs_dir, self._study, record.number).epochs()
        if epochs and record.started and epochs[0].at < record.started.timestamp():
            return record  # of an earlier study of this name; the trial is trained on another machine
        return dataclasses.replace(record, history=tuple(epochs))
