"""The queue: exact budgets, each cell once, no trial running forever, no write by a zombie."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import psutil
import pytest
import sqlalchemy as sa

from checker import assert_whole
from claims import ME, await_loss, finish, finish_all
from hpstudy import Choice, Float, Grid, Int, Search, Study
from hpstudy.errors import NotFoundError, StorageError, TrialLost, UserError
from hpstudy.records import Epoch, TrialState
from hpstudy.storage import Claim, Doing, NoticeBoard, Outcome, Store, StudyQueue
from nursery import Nursery, Order
from postgres import Postgres, free_port
from tampering import forget_heartbeats, rename_level
from waiting import await_answer

SEARCH = dict(learning_rate=Float(1e-4, 1e-1, log=True), depth=Int(1, 3), optimizer=Choice("sgd", "adam"))


def make_study(**changes: object) -> Study:
    declaration: dict[str, object] = dict(
        name="study",
        dataset="digits",
        vary=dict(optimizer=Choice("sgd", "adam"), depth=Choice(0, 1, 2)),
        design=Grid(replicates=2),
    )
    return Study(**{**declaration, **changes})  # type: ignore[arg-type]


def make_epoch(number: int = 1, value: float = 0.5) -> Epoch:
    return Epoch(number=number, at=1_700_000_000.0 + number, metrics={"loss": 1.0, "val_accuracy": value})


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both databases keep the same contract."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[..., Store]]:
    stores: list[Store] = []

    def open_store(grace_s: float = 30.0) -> Store:
        stores.append(Store(url, grace_s=grace_s))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def queue(open_store: Callable[..., Store]) -> StudyQueue:
    return open_store().register(make_study())


PRUNERS = ("median", "hyperband", "successive_halving", "percentile", "patient")
EVERY_PRUNER = pytest.mark.parametrize(
    ("url", "pruner"),
    [("postgres", "median"), *(("sqlite", pruner) for pruner in PRUNERS)],
    indirect=["url"],
)


def test_a_grid_gives_every_cell_and_replicate_once_and_then_nothing(queue: StudyQueue) -> None:
    claims = finish_all(queue)
    pairs = Counter((claim.start.cell, claim.start.replicate) for claim in claims)
    assert pairs == Counter({(cell, replicate): 1 for cell in range(6) for replicate in range(2)})
    progress = queue.trials.progress()
    assert (progress.complete, progress.waiting, progress.state) == (12, 0, "finished")


def test_processes_share_out_the_structures_that_they_compile(open_store: Callable[..., Store]) -> None:
    """The learning rate is no structure, the optimizer is: of four of them, each process compiles two."""
    vary = dict(learning_rate=Choice(0.001, 0.01, 0.1), optimizer=Choice("sgd", "momentum", "rmsprop", "adam"))
    queues = [open_store().register(make_study(vary=vary)) for _ in range(2)]
    compiled: list[set[object]] = [set(), set()]
    claims: list[Claim] = []
    for turn in range(24):
        claim = queues[turn % 2].claims.claim(ME)
        assert claim
        compiled[turn % 2].add(claim.params["optimizer"])
        finish(claim)
        claims.append(claim)
    assert [len(found) for found in compiled] == [2, 2]
    assert [claim.start.replicate for claim in claims] == [0] * 12 + [1] * 12
    assert len({(claim.start.cell, claim.start.replicate) for claim in claims}) == 24


def test_records_are_read_over_one_connection(queue: StudyQueue) -> None:
    """Threads that each hold one of a process's two connections and want another would wait for each other."""
    finish_all(queue)
    pool: Any = queue.database.rdb.engine.pool
    at_once = []
    sa.event.listen(queue.database.rdb.engine, "before_cursor_execute", lambda *_: at_once.append(pool.checkedout()))
    assert len(queue.trials.records()) == 12
    assert set(at_once) == {1}


def test_all_cells_come_once_before_any_is_repeated(queue: StudyQueue) -> None:
    assert [claim.start.replicate for claim in finish_all(queue)] == [0] * 6 + [1] * 6


def test_the_seed_is_that_of_the_replicate(queue: StudyQueue) -> None:
    assert {(claim.start.replicate, claim.start.seed) for claim in finish_all(queue)} == {(0, 42), (1, 43)}


@pytest.mark.parametrize(
    ("url", "sampler"),
    [("postgres", "tpe"), *(("sqlite", name) for name in ("tpe", "random", "cmaes", "qmc", "nsga2", "gp"))],
    indirect=["url"],
)
def test_a_search_asks_its_sampler_for_exactly_its_budget(open_store: Callable[..., Store], sampler: str) -> None:
    if sampler == "gp":
        pytest.importorskip("torch", reason="PyTorch is missing: pip install 'hpstudy[gp]'")
    """And first tries what it was given, proposing what that leaves out."""
    first = [{"depth": 3}, {"optimizer": "adam", "learning_rate": 0.001, "depth": 1}]
    study = make_study(vary=SEARCH, design=Search(finalists=0, trials=14, sampler=sampler, first=first))
    claims = finish_all(open_store().register(study))
    assert len(claims) == 14
    assert claims[0].params["depth"] == 3
    assert claims[1].params == first[1]
    assert len({tuple(claim.params.items()) for claim in claims}) > 7
    for claim in claims:
        study.check_params(claim.params)


def test_a_search_has_a_factor_only_under_its_condition(open_store: Callable[..., Store]) -> None:
    vary = dict(optimizer=Choice("sgd", "adam"), momentum=Float(0.5, 0.9, when={"optimizer": "sgd"}))
    claims = finish_all(open_store().register(make_study(vary=vary, design=Search(finalists=0, trials=15))))
    assert {("momentum" in claim.params, claim.params["optimizer"]) for claim in claims} == {
        (True, "sgd"),
        (False, "adam"),
    }


def test_one_process_proposes_the_same_again(tmp_path: Path) -> None:
    proposals = []
    for name in ("a.db", "b.db"):
        store = Store(f"sqlite:///{tmp_path / name}")
        study = make_study(vary=SEARCH, design=Search(finalists=0, trials=13, seed=3))
        proposals.append([dict(claim.params) for claim in finish_all(store.register(study))])
        store.close()
    assert proposals[0] == proposals[1]


def test_given_configurations_are_tried_once_each_by_whoever_comes_first(open_store: Callable[..., Store]) -> None:
    """In their order; a lost one again, with what the sampler had proposed for it."""
    first = [{"depth": 2}, {"depth": 3, "optimizer": "adam"}, {"learning_rate": 0.01}]
    study = make_study(vary=SEARCH, design=Search(finalists=0, trials=5, sampler="random", first=first))
    queues = [open_store().register(study), open_store().register(study)]
    one, other = queues[0].claims.claim(ME), queues[1].claims.claim(ME)
    assert one is not None
    assert other is not None
    assert (one.params["depth"], other.params["depth"], other.params["optimizer"]) == (2, 3, "adam")
    finish(other)
    queues[0].claims.release(ME, "it crashed", failed_attempt=True)
    claims = finish_all(queues[1])
    assert (claims[0].params, claims[0].start.retry_of, claims[0].start.given) == (one.params, one.number, 0)
    assert claims[1].params["learning_rate"] == 0.01
    assert [claim.start.given for claim in claims] == [0, 2, None, None]
    queues[0].entry.extend(dataclasses.replace(study, design=dataclasses.replace(study.design, trials=6)))
    assert [claim.start.given for claim in finish_all(queues[1])] == [None]


def train_to_the_end(claim: Claim, values: list[float]) -> None:
    """As a trainer process does it, with these values after its epochs."""
    history = []
    for number, value in enumerate(values, start=1):
        history.append(dataclasses.replace(make_epoch(number, value), system={"cpu_utilization_percentage": 50.0}))
        if claim.report(history[-1], is_last=number == len(values)):
            claim.prune(Outcome(history=history))
            return
    metrics = {**history[-1].metrics, "train_s": 2.5}
    claim.complete(
        Outcome(metrics=metrics, history=history, device="a processor", provenance={"dataset_digest": "abc"})
    )


def test_a_configuration_that_is_proposed_again_takes_over_the_result(open_store: Callable[..., Store]) -> None:
    """Whichever process trained it, and also from a trial that has taken it over itself."""
    vary = dict(depth=Choice(1, 2), flag=Choice(True, False))
    study = make_study(vary=vary, network_digest="digest", design=Search(finalists=0, trials=14, sampler="random"))
    queues = [open_store().register(study), open_store().register(study)]
    trained: dict[str, int] = {}
    while claim := queues[0].claims.claim(ME):
        queues.reverse()
        key, original = str(claim.params), claim.original()
        assert (original.number if original else None) == trained.get(key)
        if original:
            assert claim.repeat(original) == TrialState.COMPLETE
        else:
            trained[key] = claim.number
            train_to_the_end(claim, [0.25, claim.number / 32])
    records = queues[0].trials.records()
    repeats = [record for record in records if record.repeats is not None]
    assert len(trained) == 4
    assert len(repeats) == 10
    for record in repeats:
        original = records[record.repeats]
        assert original.repeats is None
        assert (record.state, record.params, record.values) == (TrialState.COMPLETE, original.params, original.values)
        assert (record.metrics, record.pruning, record.provenance) == (
            original.metrics,
            original.pruning,
            original.provenance,
        )
        assert [epoch.metrics for epoch in record.history] == [epoch.metrics for epoch in original.history]
        assert not any(epoch.system for epoch in record.history), "nothing was seen of the machine"
        assert record.started
        assert record.ended
        assert all(record.started.timestamp() <= epoch.at <= record.ended.timestamp() for epoch in record.history)
    assert (queues[0].trials.progress().complete, queues[0].trials.progress().state) == (14, "finished")


def test_what_is_in_training_failed_or_stands_in_a_grid_is_not_taken_over(open_store: Callable[..., Store]) -> None:
    store = open_store()
    search = store.register(make_study(vary=dict(depth=Choice(1)), design=Search(finalists=0, trials=3)))
    running, second = search.claims.claim(ME), search.claims.claim(ME)
    assert running is not None
    assert second is not None
    assert second.original() is None
    second.fail(Outcome(error="the disk was full", history=[make_epoch()]))
    third = search.claims.claim(ME)
    assert third is not None
    assert third.original() is None
    finish(running)
    assert third.original() == search.trials.record(running.number)
    grid = store.register(make_study(name="grid", vary=dict(depth=Choice(1))))
    claims = finish_all(grid)
    assert [claim.original() for claim in claims] == [None, None]


def test_a_pruner_sees_a_repeated_trial_as_if_it_were_trained(open_store: Callable[..., Store]) -> None:
    """The median of the others decides: early, at the end of what was pruned, or not at all."""
    vary = dict(depth=Choice(*range(20)))
    first = [{"depth": depth} for depth in range(8)]
    design = Search(finalists=0, trials=14, sampler="random", pruner="median", first=first)
    queue = open_store().register(make_study(base=dict(epochs=3), vary=vary, design=design))
    values = [[0.1, 0.2, 0.3], *([0.5, 0.5, 0.1 + depth / 10] for depth in range(1, 6))]
    for line in values:
        claim = queue.claims.claim(ME)
        assert claim is not None
        train_to_the_end(claim, line)
    for state, line in ((TrialState.COMPLETE, [0.6, 0.6, 0.6]), (TrialState.PRUNED, [0.2, 0.9, 0.9])):
        claim = queue.claims.claim(ME)
        assert claim is not None
        assert claim.original() is None
        train_to_the_end(claim, line)
        assert queue.trials.record(claim.number).state == state
    claim = queue.claims.claim(ME)
    assert claim is not None
    assert claim.repeat(queue.trials.record(0)) == TrialState.PRUNED, "of the first trials none was pruned, this one is"
    assert [len(queue.trials.record(claim.number).history), queue.trials.record(claim.number).repeats] == [1, 0]
    claim = queue.claims.claim(ME)
    assert claim is not None
    assert claim.repeat(queue.trials.record(7)) == TrialState.PRUNED
    longer = dataclasses.replace(queue.trials.record(7), history=(make_epoch(1, 0.7),))
    claim = queue.claims.claim(ME)
    assert claim is not None
    assert claim.repeat(longer) == TrialState.RUNNING, "it was pruned where this one is not: train it"
    train_to_the_end(claim, [0.7, 0.8, 0.9])
    assert (queue.trials.record(claim.number).value, queue.trials.record(claim.number).repeats) == (0.9, None)
    assert queue.trials.record(claim.number).pruning == {1: 0.7, 2: 0.8, 3: 0.9}


@EVERY_PRUNER
def test_no_pruner_takes_the_end_of_a_trial_for_an_early_one(open_store: Callable[..., Store], pruner: str) -> None:
    """Each trial is worse than all before it, and has had all of its epochs when the pruner is asked."""
    design = Search(finalists=0, trials=12, sampler="random", pruner=pruner)
    queue = open_store().register(make_study(base=dict(epochs=1), vary=SEARCH, design=design))
    while claim := queue.claims.claim(ME):
        train_to_the_end(claim, [0.9 - claim.number / 20])
    assert {record.state for record in queue.trials.records()} == {TrialState.COMPLETE}


def test_successive_halving_compares_with_what_was_trained_to_its_end(open_store: Callable[..., Store]) -> None:
    design = Search(finalists=0, trials=6, sampler="random", pruner="successive_halving")
    queue = open_store().register(make_study(base=dict(epochs=2), vary=SEARCH, design=design))
    for value in (0.5, 0.9, 0.8, 0.7):
        claim = queue.claims.claim(ME)
        assert claim is not None
        train_to_the_end(claim, [value])
    claim = queue.claims.claim(ME)
    assert claim is not None
    assert claim.report(make_epoch(1, 0.6)) is True, "the four others have stood on this rung"


@EVERY_PRUNER
def test_a_pruner_ends_bad_trials(open_store: Callable[..., Store], pruner: str) -> None:
    """Every second trial gets worse and worse; each pruner ends some of them and no good one is the worse for it."""
    design = Search(finalists=0, trials=40, sampler="random", pruner=pruner)
    queue = open_store().register(make_study(base=dict(epochs=9), vary=SEARCH, design=design))
    while claim := queue.claims.claim(ME):
        history = []
        for number in range(1, 10):
            bad = claim.number % 2
            history.append(make_epoch(number, 0.3 - number / 50 if bad else 0.5 + number / 50 + claim.number / 1e4))
            within_s = 60 if claim.number % 3 else 0  # whether values wait makes no difference to a pruner
            if claim.report(history[-1], within_s=within_s):
                claim.prune(Outcome(history=history))
                break
        else:
            finish(claim, history[-1].metrics["val_accuracy"])
    records = queue.trials.records()
    assert len(records) == 40
    assert any(record.state == TrialState.PRUNED for record in records if record.number % 2)
    assert queue.trials.progress().state == "finished"


def test_values_that_wait_for_each_other_are_written_together_and_at_the_latest_with_the_result(
    open_store: Callable[..., Store], url: str
) -> None:
    design = Search(finalists=0, trials=4, sampler="random")
    queue = open_store().register(make_study(base=dict(epochs=4), vary=SEARCH, design=design))

    def steps() -> list[list[int]]:
        storage = optuna.storages.RDBStorage(url)
        trials = optuna.load_study(study_name="study", storage=storage).get_trials()
        storage.engine.dispose()
        return [list(trial.intermediate_values) for trial in trials]

    complete, failing, lost, zombie = (claim for _ in range(4) if (claim := queue.claims.claim(ME)))
    for claim in (complete, failing, lost, zombie):
        assert [claim.report(make_epoch(number, number / 10), within_s=60) for number in (1, 2)] == [False, False]
    assert steps() == [[], [], [], []]
    for claim in (complete, lost):
        claim.report(make_epoch(3, 0.3))
    assert steps() == [[1, 2, 3], [], [1, 2, 3], []]
    complete.report(make_epoch(4, 0.4), within_s=60)
    finish(complete, 0.4)
    failing.fail(Outcome(error="out of memory"))
    queue.claims.release(ME, "it was killed", failed_attempt=True)
    with pytest.raises(TrialLost):
        finish(zombie)
    assert steps() == [[1, 2, 3, 4], [1, 2], [1, 2, 3], []]


def test_several_objectives_give_a_pareto_front(open_store: Callable[..., Store]) -> None:
    study = make_study(
        vary=SEARCH, design=Search(finalists=0, trials=3, sampler="nsga2"), objective=("val_accuracy", "parameters")
    )
    queue = open_store().register(study)
    for accuracy, parameters in ((0.9, 1000.0), (0.8, 100.0), (0.7, 500.0)):
        claim = queue.claims.claim(ME)
        assert claim is not None
        assert claim.report(make_epoch()) is False
        claim.complete(Outcome(metrics={"val_accuracy": accuracy, "parameters": parameters}))
    assert sorted(record.values or () for record in queue.trials.best()) == [(0.8, 100.0), (0.9, 1000.0)]


def test_the_best_trial_is_the_one_that_optunas_own_command_names(queue: StudyQueue, url: str) -> None:
    for value in (0.2, 0.7, 0.7, 0.3):
        claim = queue.claims.claim(ME)
        assert claim is not None
        finish(claim, value)
    optuna_command = str(Path(sys.executable).with_name("optuna"))
    command = [optuna_command, "best-trial", "--study-name", "study", "--storage", url, "-f", "json"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f'"number": {queue.trials.best()[0].number}' in printed


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_optunas_dashboard_reads_the_database(queue: StudyQueue, url: str) -> None:
    """While a trial is running."""
    for claim in (queue.claims.claim(ME), queue.claims.claim(ME)):
        assert claim is not None
    finish(claim)
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [Path(sys.executable).with_name("optuna-dashboard"), "--host", "127.0.0.1", "--port", str(port), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as dashboard:
        try:
            studies = json.loads(await_answer(f"{address}/api/studies", dashboard))["study_summaries"]
            trials = json.loads(await_answer(f"{address}/api/studies/{studies[0]['study_id']}", dashboard))["trials"]
        finally:
            dashboard.terminate()
    assert [study["study_name"] for study in studies] == ["study"]
    assert [trial["state"] for trial in trials] == ["Running", "Complete"]
    assert trials[1]["values"] == [0.5]


def test_a_record_holds_what_was_finished(queue: StudyQueue) -> None:
    claim = queue.claims.claim(ME)
    assert claim is not None
    outcome = Outcome(
        metrics={"val_accuracy": 0.75}, history=[make_epoch()], device="a processor", provenance={"git_commit": "abc"}
    )
    claim.complete(outcome)
    record = queue.trials.record(claim.number)
    assert (record.state, record.value, record.cell, record.replicate) == (TrialState.COMPLETE, 0.75, 0, 0)
    assert record.history == (make_epoch(),)
    assert record.params == {"optimizer": "sgd", "depth": 0}
    assert (record.device, record.host, record.provenance["git_commit"]) == ("a processor", ME.host, "abc")
    assert record.duration_s is not None
    assert 0 <= record.duration_s < 60


def test_a_diverged_trial_is_complete_counted_and_taken_over(open_store: Callable[..., Store]) -> None:
    """Also without any epoch before that; and a pruner decides over all that there were, as it did in training."""
    vary = dict(depth=Choice(1))
    study = make_study(vary=vary, design=Search(finalists=0, trials=3, pruner="median"))
    queue = open_store().register(study)
    assert queue.trials.progress().diverged == 0
    for place in range(3):
        claim = queue.claims.claim(ME)
        assert claim is not None
        if original := claim.original():
            assert claim.repeat(original) == TrialState.COMPLETE
            continue
        assert place == 0
        claim.complete(Outcome(diverged=1, metrics={"val_accuracy": 0.1}))
    records, progress = queue.trials.records(), queue.trials.progress()
    assert [(record.state, record.value, record.diverged) for record in records] == [(TrialState.COMPLETE, 0.1, 1)] * 3
    assert [record.repeats for record in records] == [None, 0, 0]
    assert (progress.complete, progress.failed, progress.diverged) == (3, 0, 3)
    assert open_store().open(study.name).trials.progress().diverged == 3


def test_a_failed_trial_counts_and_is_not_tried_again(queue: StudyQueue) -> None:
    claim = queue.claims.claim(ME)
    assert claim is not None
    claim.fail(Outcome(error="the loss became nan", traceback="Traceback …", history=[make_epoch()]))
    assert len(finish_all(queue)) == 11
    record = queue.trials.record(claim.number)
    assert (record.state, record.error, record.traceback) == (TrialState.FAILED, "the loss became nan", "Traceback …")
    assert queue.trials.progress().failed == 1


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    "design", [Grid(replicates=2), Search(finalists=0, trials=12, sampler="random")], ids=["grid", "search"]
)
def test_eight_processes_that_start_at_once_share_exactly_the_budget(
    nursery: Nursery, tmp_path: Path, postgres: Postgres, database: str, design: Grid | Search
) -> None:
    """They also race to create the tables and to register the study."""
    url = f"sqlite:///{tmp_path / 'study.db'}" if database == "sqlite" else postgres.bare_database()
    nursery.wait(nursery.start(Order(url=url, declaration=make_study(design=design).to_json()), 8))
    store = Store(url)
    queue = store.open("study")
    assert_whole(queue)
    assert len(queue.trials.records()) == 12
    store.close()


CLAIM_AND_HANG = """
import signal, sys
from hpstudy.owner import Owner
from hpstudy.storage import Store
claim = Store(sys.argv[1]).open("study").claims.claim(Owner.of_process())
print(claim.number, flush=True)
signal.pause()
"""


@pytest.fixture
def other_process(url: str, queue: StudyQueue) -> Iterator[subprocess.Popen[str]]:
    """A process that has claimed a trial and trains it forever."""
    del queue  # registered before
    process = subprocess.Popen([sys.executable, "-c", CLAIM_AND_HANG, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline().strip() == "0"
    yield process
    process.kill()
    process.communicate()


def test_the_trial_of_a_killed_process_is_tried_again_at_once(
    queue: StudyQueue, other_process: subprocess.Popen[str]
) -> None:
    other_process.kill()
    other_process.wait()
    claims = finish_all(queue)
    assert len(claims) == 12
    lost, retry = queue.trials.record(0), queue.trials.record(claims[0].number)
    assert lost.state == TrialState.LOST
    assert f"process {other_process.pid}" in str(lost.error)
    assert (retry.retry_of, retry.attempt, retry.cell, retry.replicate) == (0, 2, lost.cell, lost.replicate)
    progress = queue.trials.progress()
    assert (progress.complete, progress.lost, progress.state) == (12, 1, "finished")


def test_the_trial_of_a_living_process_is_left_alone(queue: StudyQueue, other_process: subprocess.Popen[str]) -> None:
    del other_process
    assert len(finish_all(queue)) == 11
    assert queue.trials.progress().state == "running"


def test_a_process_without_heartbeats_loses_its_trial_and_cannot_write_any_more(
    open_store: Callable[..., Store],
) -> None:
    """A zombie: paused past its grace period, its late report, result and heartbeat are refused."""
    patient = open_store().register(make_study())
    zombie = patient.claims.claim(ME)
    assert zombie is not None
    heir = open_store(grace_s=0.1).open("study")
    await_loss(heir)
    heirs = finish_all(heir)
    assert heirs[0].start.retry_of == zombie.number
    with pytest.raises(TrialLost):
        zombie.report(make_epoch())
    with pytest.raises(TrialLost):
        finish(zombie)
    with pytest.raises(TrialLost):
        zombie.fail(Outcome(error="late"))
    assert patient.trials.record(zombie.number).state == TrialState.LOST
    assert len(patient.trials.records()) == 13


def test_a_running_trial_without_a_heartbeat_is_an_orphan(queue: StudyQueue) -> None:
    """The process died between creating the trial and its first heartbeat."""
    claim = queue.claims.claim(ME)
    assert claim is not None
    forget_heartbeats(queue)
    queue.claims.reconcile()
    assert queue.trials.record(claim.number).state == TrialState.LOST


def test_a_trial_that_is_lost_three_times_fails(queue: StudyQueue) -> None:
    for attempt in (1, 2, 3):
        claim = queue.claims.claim(ME)
        assert claim is not None
        assert (claim.start.attempt, claim.start.cell) == (attempt, 0)
        queue.claims.release(ME, "it crashed", failed_attempt=True)
    record = queue.trials.record(2)
    assert (record.state, record.error) == (TrialState.FAILED, "Lost 3 times, the last time because it crashed")
    assert len(finish_all(queue)) == 11
    assert (queue.trials.progress().failed, queue.trials.progress().lost) == (1, 2)


def test_a_trial_that_was_given_back_has_lost_no_attempt(queue: StudyQueue) -> None:
    for _ in range(5):
        claim = queue.claims.claim(ME)
        assert claim is not None
        assert claim.start.attempt == 1
        queue.claims.release(ME, "stopped", failed_attempt=False)
    assert len(finish_all(queue)) == 12
    assert queue.trials.progress().lost == 5


def test_reconciling_twice_changes_nothing(queue: StudyQueue) -> None:
    claim = queue.claims.claim(ME)
    queue.claims.release(ME, "it crashed", failed_attempt=True)
    assert claim is not None
    before = queue.trials.records()
    queue.claims.reconcile()
    queue.claims.release(ME, "it crashed", failed_attempt=True)
    assert queue.trials.records() == before


def test_a_retried_search_trial_has_the_same_parameters(open_store: Callable[..., Store]) -> None:
    queue = open_store().register(make_study(vary=SEARCH, design=Search(finalists=0, trials=2, sampler="random")))
    first = queue.claims.claim(ME)
    queue.claims.release(ME, "it crashed", failed_attempt=True)
    second = queue.claims.claim(ME)
    assert first is not None
    assert second is not None
    assert dict(second.params) == dict(first.params)


def test_nothing_is_built_from_parameters_that_the_study_does_not_declare(
    open_store: Callable[..., Store], queue: StudyQueue
) -> None:
    queue.claims.claim(ME)
    queue.claims.release(ME, "it crashed", failed_attempt=True)
    rename_level(queue, "sgd", "os.system")
    with pytest.raises(StorageError, match="that it does not declare"):
        open_store().open("study").claims.claim(ME)


def test_a_stopped_study_gives_no_trial_until_it_is_resumed(
    open_store: Callable[..., Store], queue: StudyQueue
) -> None:
    """Orders reach workers that have the study open already."""
    other = open_store().open("study")
    other.entry.stop()
    assert queue.claims.claim(ME) is None
    assert (queue.trials.progress().waiting, queue.trials.progress().stopped) == (12, True)
    other.entry.resume()
    assert len(finish_all(queue)) == 12


def test_failed_trials_are_tried_again_when_the_user_says_so(queue: StudyQueue) -> None:
    claim = queue.claims.claim(ME)
    assert claim is not None
    claim.fail(Outcome(error="the disk was full"))
    finish_all(queue)
    assert queue.claims.retry_failed() == [0]
    (again,) = finish_all(queue)
    assert (again.start.retry_of, again.start.cell, again.start.attempt) == (0, 0, 1)
    assert (queue.trials.record(0).state, queue.trials.record(0).error) == (TrialState.LOST, "the disk was full")
    assert (queue.trials.progress().complete, queue.trials.progress().failed, queue.trials.progress().state) == (
        12,
        0,
        "finished",
    )
    assert queue.claims.retry_failed() == []


def test_a_larger_budget_reaches_workers_that_have_the_study_open(
    open_store: Callable[..., Store], queue: StudyQueue
) -> None:
    finish_all(queue)
    open_store().open("study").entry.extend(make_study(design=Grid(replicates=3)))
    claims = finish_all(queue)
    assert [(claim.start.cell, claim.start.replicate) for claim in claims] == [(cell, 2) for cell in range(6)]
    assert queue.trials.progress().budget == 18
    with pytest.raises(UserError, match="does not extend it"):
        queue.entry.extend(make_study(design=Grid(replicates=1)))


def test_workers_are_listed_while_they_say_that_they_live(open_store: Callable[..., Store]) -> None:
    board = NoticeBoard(open_store().database)
    doing = Doing(device="GPU 0", state="training", study="study", trial=3)
    board.post(ME, [doing])
    board.post(ME, [doing])
    (notice,) = board.read(within_s=30)
    assert (notice.host, notice.pid, notice.processes) == (ME.host, ME.pid, (doing,))
    assert -1 < notice.age_s < 30
    assert board.read(within_s=-1) == []
    board.remove(ME)
    assert board.read(within_s=30) == []


def test_a_file_in_use_by_another_machine_is_refused(queue: StudyQueue, url: str) -> None:
    """SQLite's locks work on one machine; PostgreSQL takes workers from anywhere."""
    claim = queue.claims.claim(dataclasses.replace(ME, host="elsewhere", machine="another boot"))
    assert claim is not None
    if url.startswith("sqlite"):
        with pytest.raises(UserError, match="in training on elsewhere, and this is another machine"):
            queue.claims.claim(ME)
    else:
        assert queue.claims.claim(ME) is not None


def test_a_file_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs4")
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [mount])
    with pytest.raises(UserError, match=r"network file system \(nfs4\)"):
        Store(f"sqlite:///{tmp_path / 'sub' / 'study.db'}")


def test_another_declaration_is_refused_with_what_changed(open_store: Callable[..., Store], queue: StudyQueue) -> None:
    finish_all(queue)
    with pytest.raises(UserError) as refusal:
        open_store().register(make_study(design=Grid(replicates=5)))
    assert "design.grid.replicates: 2 → 5" in str(refusal.value)
    assert "`hpstudy extend study --replicates 5`" in str(refusal.value)
    with pytest.raises(UserError, match="--fresh"):
        open_store().register(make_study(objective="loss"))
    assert queue.trials.progress().complete == 12


def test_a_study_without_trials_may_still_be_changed(open_store: Callable[..., Store], queue: StudyQueue) -> None:
    del queue
    changed = make_study(design=Grid(replicates=5), objective="loss")
    assert len(finish_all(open_store().register(changed))) == 30


def test_a_study_that_another_program_made_is_not_touched(open_store: Callable[..., Store], url: str) -> None:
    store = open_store()
    storage = optuna.storages.RDBStorage(url)
    optuna.create_study(study_name="study", storage=storage, direction="maximize").enqueue_trial({})
    storage.engine.dispose()
    with pytest.raises(UserError, match="hpstudy did not create"):
        store.register(make_study())
    assert store.names() == []


def test_a_deleted_study_refuses_late_writes(open_store: Callable[..., Store], queue: StudyQueue) -> None:
    claim = queue.claims.claim(ME)
    assert claim is not None
    open_store().delete("study")
    with pytest.raises(TrialLost):
        finish(claim)
    with pytest.raises(NotFoundError):
        queue.trials.progress()


def test_an_unknown_study_is_named_with_the_known_ones(open_store: Callable[..., Store], queue: StudyQueue) -> None:
    del queue
    with pytest.raises(NotFoundError, match="Did you mean 'study'"):
        open_store().open("studie")


def test_a_damaged_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="damaged or not an SQLite file"):
        Store(f"sqlite:///{file}")
    assert file.read_bytes() == b"this is no database" * 100


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="is not writable"):
        Store(f"sqlite:///{tmp_path / 'locked' / 'sub' / 'study.db'}")


@pytest.mark.parametrize("address", ["nonsense", "mysql://host/db", "redis://host"])
def test_an_address_that_is_no_database_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="sqlite"):
        Store(address)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    del tmp_path
    with pytest.raises(UserError) as refusal:
        Store("mysql://user:canary-secret@host/db")
    assert "canary-secret" not in str(refusal.value)


def test_the_database_is_left_in_wal_mode(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'study.db'}")
    finish_all(store.register(make_study()))
    store.close()
    with sqlite3.connect(tmp_path / "study.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_process_killed_while_it_holds_the_lock_lets_go_of_it(queue: StudyQueue, url: str) -> None:
    code = (
        "import signal, sys; from hpstudy.storage import Store\n"
        "with Store(sys.argv[1]).open('study').entry.lock(): print('held', flush=True); signal.pause()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline().strip() == "held"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert queue.claims.claim(ME) is not None
