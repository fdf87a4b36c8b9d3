"""What a mirror gets to see of a study, and the mirrors of all studies that a worker serves."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpstudy.errors import HpstudyError
from hpstudy.records import StudyState, TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.training.rundir import RunDir

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue
    from hpstudy.tracking import MirrorThread, StudyMirror, Tracker


class Mirrors:
    """A mirror thread for each study in which something happened. Nobody waits for them until `finish`.

    Args:
        sources: The text of each study file by the name of its study, to be logged beside the declaration.
    """

    def __init__(self, settings: Settings, sources: dict[str, str] | None = None) -> None:
        from hpstudy.tracking import tracker_of

        self.tracker: Tracker = tracker_of(settings)
        self._settings, self._sources = settings, sources or {}
        self._threads: dict[str, MirrorThread] = {}
        self._starting = threading.Lock()
        self._is_over = False

    @property
    def problem(self) -> str | None:
        """Why the tracker is behind; None when all is well."""
        return next((thread.problem for thread in list(self._threads.values()) if thread.problem), None)

    @property
    def problem_told(self) -> str | None:
        """The problem as a sentence for whoever watches the training."""
        return self.problem and f"{self.tracker.name} gets nothing for now, but training continues: {self.problem}"

    def poke(self, queue: StudyQueue) -> None:
        """Report that something has changed in a study. Returns at once."""
        name = queue.study.name
        with self._starting:
            if name not in self._threads and not self._is_over:
                self._threads[name] = self._start(queue)
        if name in self._threads:
            self._threads[name].poke()

    @property
    def sharings(self) -> list[str]:
        """A sentence for each study whose place in the tracker is also used by others."""
        return [thread.mirror.sharing for thread in list(self._threads.values()) if thread.mirror.sharing]

    def mirror(self, study: str) -> StudyMirror:
        """The mirror of a study that was poked before, which already knows what the tracker has."""
        return self._threads[study].mirror

    def look_after(self, queues: Sequence[StudyQueue]) -> None:
        """Send what other machines left unsent, even for finished studies. Returns at once."""
        if queues:
            threading.Thread(target=self._catch_up, args=[queues], daemon=True).start()

    def finish(self, patience_s: float, limit_s: float | None = None) -> dict[str, str | None]:
        """Sync all studies once more, at the same time, and stop.

        Args:
            limit_s: Return after this time even if something is still being sent; None: wait for all of it.

        Returns:
            The studies that are not complete in the tracker yet, and why.
        """
        end_s = time.monotonic() + (limit_s or 0.0)
        with self._starting:
            self._is_over = True
        for thread in self._threads.values():
            thread.conclude(patience_s)
        problems = {}
        for name, thread in self._threads.items():
            left_s = None if limit_s is None else max(0.0, end_s - time.monotonic())
            if not thread.finish(patience_s, left_s):
                problems[name] = thread.problem
        return problems

    def _catch_up(self, queues: Sequence[StudyQueue]) -> None:
        """A study that the tracker has in full costs little: its mark `finished` is set there after all its trials."""
        for queue in queues:
            try:
                is_whole = queue.trials.progress().state == "finished" and self._mirror_of(queue).is_finished()
            except HpstudyError:
                is_whole = False  # the study's thread will try again
            if not is_whole:
                self.poke(queue)

    def _start(self, queue: StudyQueue) -> MirrorThread:
        from hpstudy.tracking import MirrorThread

        journals = _Journals(self._settings, queue.study.name)

        def snapshot() -> tuple[StudyState, list[TrialRecord]]:
            state = queue.trials.progress().state  # read before the records, which are then at least as recent
            records = [journals.complete(record) for record in queue.trials.records()]
            is_told = self._is_over or state == StudyState.FINISHED
            return state if is_told else StudyState.RUNNING, records

        thread = MirrorThread(self._mirror_of(queue), snapshot)
        thread.start()
        return thread

    def _mirror_of(self, queue: StudyQueue) -> StudyMirror:
        source = self._sources.get(queue.study.name)
        return self.tracker.mirror(queue.study, identity=queue.entry.identity, source=source)


def records_with_journals(settings: Settings, queue: StudyQueue) -> list[TrialRecord]:
    """Every trial; a running or lost one has the epochs from its journal on this machine."""
    journals = _Journals(settings, queue.study.name)
    return [journals.complete(record) for record in queue.trials.records()]


class _Journals:
    """What the journals of one study add to its records. The journal of an ended trial is read once."""

    def __init__(self, settings: Settings, study: str) -> None:
        self._runs_dir, self._study = settings.runs_dir, study
        self._ended: dict[int, tuple[TrialRecord, TrialRecord]] = {}  # by number: without and with the journal

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
            return record  # the journal is of an earlier study of this name; the trial is trained elsewhere
        return dataclasses.replace(record, history=tuple(epochs))
