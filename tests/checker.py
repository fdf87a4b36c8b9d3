"""What must hold of a finished study, whatever happened on the way."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hpstudy import Compare, Grid
from hpstudy.records import TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.storage import StudyQueue
from hpstudy.storage.conversion import MAX_ATTEMPTS
from hpstudy.tracking.mlflow.connection import connect

STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.LOST: "KILLED",
}


def violations(queue: StudyQueue) -> list[str]:
    """A sentence for each thing that is wrong; empty if all is well."""
    records = queue.trials.records()
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
        wanted = {(cell.number, r) for cell in queue.study.cells() for r in range(queue.study.design.most)}
        if set(pairs) != wanted or set(pairs.values()) != {1}:
            found.append(f"cells missing: {wanted - set(pairs)}; more than once: {[p for p in pairs if pairs[p] > 1]}")
    if isinstance(design := queue.study.design, Compare):
        steps = Counter((record.cell, record.replicate, record.turn, record.role) for record in counted)
        searches = [(cell.number, r) for cell in queue.study.cells() for r in range(design.replicates)]
        turns = {(cell, r, turn, "search") for cell, r in searches for turn in range(design.trials)}
        expected = turns | {(cell, r, None, "confirmation") for cell, r in searches}
        if set(steps) != expected or set(steps.values()) != {1}:
            found.append(f"of the searches there are {steps}")
    found += [problem for record in records for problem in _of_trial(record)]
    found += _of_retries(records)
    return found


def mirror_violations(settings: Settings, queue: StudyQueue) -> list[str]:
    """A sentence for each thing in which MLflow is not what the database has; read with MLflow's own client."""
    client = connect(settings)
    experiment = client.get_experiment_by_name(queue.study.name)
    if experiment is None:
        return ["MLflow has no such experiment"]
    runs = list(client.search_runs([experiment.experiment_id], max_results=1000))
    parents = [run.info.status for run in runs if run.data.tags["hpstudy.role"] == "study"]
    found = [] if parents == ["FINISHED"] else [f"the study has the runs {parents}"]
    records = {str(record.number): record for record in queue.trials.records()}
    trials = [run for run in runs if run.data.tags["hpstudy.role"] == "trial"]
    numbers = Counter(run.data.tags["hpstudy.trial"] for run in trials)
    if numbers != Counter(records.keys()):
        return [*found, f"runs of trials: {dict(numbers)}; trials: {list(records)}"]
    for run in trials:
        record = records[run.data.tags["hpstudy.trial"]]
        found += [f"trial {record.number}: {text}" for text in _of_run(client, run, record, queue)]
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
    """Every lost trial is tried again as exactly one other, and nothing else is."""
    tried_again = Counter(record.retry_of for record in records if record.retry_of is not None)
    lost = {record.number for record in records if record.state == TrialState.LOST}
    if set(tried_again) != lost or any(count > 1 for count in tried_again.values()):
        return [f"lost are {sorted(lost)}, and tried again are {dict(tried_again)}"]
    return []


def _of_run(client: Any, run: Any, record: TrialRecord, queue: StudyQueue) -> list[str]:
    found = []
    if run.info.status != STATUS[record.state]:
        found.append(f"status {run.info.status}, and it is {record.state}")
    times = [round(moment.timestamp() * 1000) for moment in (record.started, record.ended) if moment]
    if [run.info.start_time, run.info.end_time] != times:
        found.append(f"from and to {run.info.start_time}, {run.info.end_time} instead of {times}")
    is_decided = record.params.keys() >= queue.study.vary.keys()  # else it was lost before its sampler had proposed
    levels = queue.study.config(record.params) if is_decided else record.params
    params = {name: str(level) for name, level in levels.items() if level is not None}
    if run.data.params != params:
        found.append(f"params {run.data.params} instead of {params}")
    if record.values and run.data.metrics.get("objective") != record.value:
        found.append(f"objective {run.data.metrics.get('objective')} instead of {record.value}")
    if not record.history or found:
        return found
    last = record.history[-1].metrics
    if last.items() - run.data.metrics.items():
        found.append(f"last values {run.data.metrics} instead of {last}")
    points = {
        (point.step, point.value, point.timestamp) for point in client.get_metric_history(run.info.run_id, "loss")
    }
    wanted = {(epoch.number, epoch.metrics["loss"], round(epoch.at * 1000)) for epoch in record.history}
    if points != wanted:
        found.append(f"loss: {sorted(points)} instead of {sorted(wanted)}")
    return found
