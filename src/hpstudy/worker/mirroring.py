"""What the mirror is shown of a study: the database, and the journals of trials that have not ended there."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hpstudy.records import TrialRecord
from hpstudy.rundir import RunDir
from hpstudy.settings import Settings

if TYPE_CHECKING:
    from hpstudy.storage import StudyQueue


def records_with_journals(settings: Settings, queue: StudyQueue) -> list[TrialRecord]:
    """Every trial; one that is running or lost has the epochs that its journal on this machine holds."""
    return [_with_journal(settings, queue.study.name, record) for record in queue.records()]


def _with_journal(settings: Settings, study: str, record: TrialRecord) -> TrialRecord:
    if record.history:
        return record
    epochs = RunDir.of(settings.runs_dir, study, record.number).epochs()
    if epochs and record.started and epochs[0].at < record.started.timestamp():
        return record  # of an earlier study of this name; the trial is trained on another machine
    return dataclasses.replace(record, history=tuple(epochs))
