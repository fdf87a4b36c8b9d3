"""What must hold of a finished study, whatever happened on the way."""

from __future__ import annotations

from collections import Counter

from hpstudy import Grid
from hpstudy.records import TrialRecord, TrialState
from hpstudy.storage import StudyQueue
from hpstudy.storage.conversion import MAX_ATTEMPTS


def violations(queue: StudyQueue) -> list[str]:
    """A sentence for each thing that is wrong; empty if all is well."""
    records = queue.records()
    found = []
    counted = [record for record in records if record.state.is_final]
    if len(counted) != queue.study.budget:
        found.append(f"{len(counted)} trials count, and the budget is {queue.study.budget}")
    if running := [record.number for record in records if record.state == TrialState.RUNNING]:
        found.append(f"trials {running} are running for ever")
    if [record.number for record in records] != list(range(len(records))):
        found.append("the trials are not numbered from 0 without a gap")
    if isinstance(queue.study.design, Grid):
        pairs = Counter((record.cell, record.replicate) for record in counted)
        wanted = {(cell.number, r) for cell in queue.study.cells() for r in range(queue.study.design.replicates)}
        if set(pairs) != wanted or set(pairs.values()) != {1}:
            found.append(f"cells missing: {wanted - set(pairs)}; more than once: {[p for p in pairs if pairs[p] > 1]}")
    found += [problem for record in records for problem in _of_trial(record)]
    found += _of_retries(records)
    return found


def assert_whole(queue: StudyQueue) -> None:
    assert violations(queue) == []


def _of_trial(record: TrialRecord) -> list[str]:
    found = []
    if not 1 <= record.attempt <= MAX_ATTEMPTS:
        found.append(f"trial {record.number} is attempt {record.attempt}")
    if record.state == TrialState.COMPLETE and (record.value is None or not record.history):
        found.append(f"trial {record.number} is complete and has no result")
    if record.state in (TrialState.LOST, TrialState.FAILED) and (not record.error or record.values):
        found.append(f"trial {record.number} is {record.state} with a result, or without a reason")
    return found


def _of_retries(records: list[TrialRecord]) -> list[str]:
    """Every lost trial is repeated by exactly one other, and nothing else is."""
    repeated = Counter(record.retry_of for record in records if record.retry_of is not None)
    lost = {record.number for record in records if record.state == TrialState.LOST}
    if set(repeated) != lost or any(count > 1 for count in repeated.values()):
        return [f"lost are {sorted(lost)}, and repeated are {dict(repeated)}"]
    return []
