"""Compare: every cell × replicate is a search of its own, and its winner is confirmed."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from checker import assert_whole
from factories import make_evaluation
from hpstudy import Choice, Compare, Float, Grid, Int, Search, Study
from hpstudy.analysis.best import front
from hpstudy.errors import UserError
from hpstudy.evaluation.evaluate import chosen_since, chosen_trials
from hpstudy.owner import Owner
from hpstudy.records import Epoch, TrialRecord, TrialState
from hpstudy.report.build import build_report
from hpstudy.storage import Claim, Outcome, Store, StudyQueue
from nursery import Nursery, Order
from postgres import Postgres

ME = Owner.of_process()
TUNE = dict(learning_rate=Float(1e-4, 1.0, log=True), momentum=Float(0.5, 0.99, when={"optimizer": "momentum"}))
Found = dict[tuple[str, int], list[tuple[Mapping[str, Any], int, float | None]]]


def make_study(**changes: Any) -> Study:
    """Two cells × two replicates × (four trials and a confirmation)."""
    values: dict[str, Any] = dict(
        name="tuned",
        dataset="digits",
        base=dict(units=8, epochs=2),
        vary=dict(optimizer=Choice("sgd", "momentum")),
        tune=TUNE,
        design=Compare(trials=4, replicates=2),
    )
    return Study(**{**values, **changes})


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both databases keep the same contract."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[[], Store]]:
    with ExitStack() as stores:
        yield lambda: stores.enter_context(closing(Store(url)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Where it makes no difference which database it is."""
    with closing(Store(f"sqlite:///{tmp_path / 'study.db'}")) as store:
        yield store


def score(params: Mapping[str, Any]) -> float:
    """Best at a learning rate of 0.01; depends on the levels alone, as training with one seed does."""
    return 0.9 - 0.1 * abs(math.log10(float(params["learning_rate"])) + 2) - 0.01 * (params["optimizer"] == "sgd")


def train(claim: Claim, value: float | None = None) -> None:
    """As a trainer process does it; takes over the result of an equal trial."""
    original = claim.original()
    if original and claim.repeat(original) != TrialState.RUNNING:
        return
    value = score(claim.params) if value is None else value
    metrics = {"val_accuracy": value, "loss": 1.0}
    history = [Epoch(number=number, at=1_700_000_000.0 + number, metrics=metrics) for number in (1, 2)]
    for epoch in history:
        if claim.report(epoch, is_last=epoch is history[-1]):
            claim.prune(Outcome(history=history[: epoch.number]))
            return
    claim.complete(Outcome(metrics=metrics, history=history))


def train_all(*queues: StudyQueue) -> list[Claim]:
    """Trial by trial, by queues that take turns."""
    claims: list[Claim] = []
    while claim := queues[len(claims) % len(queues)].claims.claim(ME):
        train(claim)
        claims.append(claim)
    return claims


def searches(study: Study, records: list[TrialRecord]) -> Found:
    """By the levels of the cell and the replicate: parameters, seed and value of each trial, the confirmation last."""
    found: dict[tuple[str, int], dict[int, TrialRecord]] = {}
    for record in records:
        assert record.cell is not None
        cell = str(study.cells()[record.cell].params)
        place = 10**6 if record.turn is None else record.turn
        found.setdefault((cell, record.replicate), {})[place] = record  # the last attempt of a turn
    return {
        key: [(dict(turns[turn].params), turns[turn].seed, turns[turn].value) for turn in sorted(turns)]
        for key, turns in found.items()
    }


def test_every_cell_and_replicate_is_searched_and_its_winner_confirmed_under_a_fresh_seed(
    open_store: Callable[[], Store],
) -> None:
    study = make_study()
    assert study.budget == 2 * 2 * (4 + 1)
    queue = open_store().register(study)
    claims = train_all(queue)
    progress, records = queue.trials.progress(), queue.trials.records()
    assert (len(claims), progress.complete, progress.state) == (20, 20, "finished")
    assert Counter((record.cell, record.replicate, record.role) for record in records) == {
        (cell, replicate, role): count
        for cell in (0, 1)
        for replicate in (0, 1)
        for role, count in (("search", 4), ("confirmation", 1))
    }
    for record in records:
        assert ("momentum" in record.params) == (record.params["optimizer"] == "momentum")
        if record.role == "confirmation":
            trials = [one for one in records if one.turn is not None and one.cell == record.cell]
            rivals = [one for one in trials if one.replicate == record.replicate]
            winner = max(rivals, key=lambda one: one.value or 0.0)
            assert (record.confirms, record.params) == (winner.number, winner.params)
    searched = {record.seed for record in records if record.role == "search"}
    confirmed = {(record.replicate, record.seed) for record in records if record.role == "confirmation"}
    assert searched == {42, 43}
    assert len(confirmed) == 2, "a pair has one seed in both cells"
    assert not searched & {seed for _, seed in confirmed}


def test_a_search_depends_on_nothing_outside_it(tmp_path: Path) -> None:
    """Not on other cells, their order, other replicates, who takes the trials, nor on trials that were lost."""

    def found(name: str, study: Study, queues: int = 1, crash: bool = False) -> Found:
        stores = [Store(f"sqlite:///{tmp_path / name}.db") for _ in range(queues)]
        opened = [store.register(study) for store in stores]
        if crash:
            for _ in range(7):
                claim = opened[0].claims.claim(ME)
                assert claim
                train(claim)
            assert opened[0].claims.claim(ME)
            opened[0].claims.release(ME, "it crashed", failed_attempt=True)
        train_all(*opened)
        assert opened[0].trials.progress().state == "finished"
        results = searches(study, opened[0].trials.records())
        for store in stores:
            store.close()
        return results

    design = Compare(trials=12, replicates=2)
    whole = found("whole", make_study(design=design))
    assert len({str(trial) for trials in whole.values() for trial in trials}) == 4 * 13
    assert found("again", make_study(design=design), queues=2) == whole
    assert found("crashed", make_study(design=design), crash=True) == whole
    other = make_study(vary=dict(optimizer=Choice("adam", "momentum", "sgd")), design=Compare(trials=12, replicates=1))
    fewer = found("other", other)
    assert {key: trials for key, trials in whole.items() if key[1] == 0} == {
        key: trials for key, trials in fewer.items() if "adam" not in key[0]
    }


@pytest.mark.parametrize("sampler", ["random", "cmaes", "qmc", "nsga2"])
def test_every_sampler_keeps_the_searches_apart(tmp_path: Path, sampler: str) -> None:
    tune = dict(learning_rate=Float(1e-4, 1.0, log=True), depth=Int(1, 3))
    found = []
    for name, optimizers in (("both", ("sgd", "adam")), ("one", ("adam",))):
        study = make_study(
            vary=dict(optimizer=Choice(*optimizers)),
            tune=tune,
            design=Compare(trials=8, replicates=1, sampler=sampler),  # type: ignore[arg-type]
        )
        store = Store(f"sqlite:///{tmp_path / name}.db")
        queue = store.register(study)
        train_all(queue)
        found.append(searches(study, queue.trials.records())[str({"optimizer": "adam"}), 0])
        store.close()
    assert found[0] == found[1]


def test_tpe_learns_from_its_own_search_only(store: Store) -> None:
    """One cell is best at small learning rates, the other at large ones: its late proposals are near its own best."""
    queue = store.register(
        make_study(tune=dict(learning_rate=TUNE["learning_rate"]), design=Compare(trials=30, replicates=1))
    )
    while claim := queue.claims.claim(ME):
        rate = float(claim.params["learning_rate"])  # type: ignore[arg-type]
        train(claim, 1 / (1 + rate) if claim.start.cell else rate / (1 + rate))
    late: dict[int | None, list[float]] = {0: [], 1: []}
    for record in queue.trials.records():
        if record.turn is not None and record.turn >= 15:
            late[record.cell].append(float(record.params["learning_rate"]))  # type: ignore[arg-type]
    assert sorted(late[0])[7] > 0.1
    assert sorted(late[1])[7] < 0.001


def test_processes_share_the_searches_out_and_train_one_search_together_at_last(
    open_store: Callable[[], Store],
) -> None:
    queues = [open_store().register(make_study()) for _ in range(3)]
    claims = [queues[turn % 2].claims.claim(ME) for turn in range(2)]
    assert [(claim.start.cell, claim.start.turn) for claim in claims if claim] == [(0, 0), (1, 0)]
    for claim in claims:
        assert claim
        train(claim)
    second, first = queues[1].claims.claim(ME), queues[0].claims.claim(ME)
    assert first
    assert second
    assert [(claim.start.cell, claim.start.turn) for claim in (first, second)] == [(0, 1), (1, 1)], "each stays"
    others = [queues[2].claims.claim(ME) for _ in range(2 + 2 + 2 + 3 + 3)]
    assert all(others)
    assert queues[2].claims.claim(ME) is None, "what is left are confirmations, and no search has ended"
    assert queues[2].trials.progress().waiting == 4
    for claim in (first, second, *others):
        assert claim
        train(claim)
    assert [claim.start.confirms is not None for claim in train_all(*queues)] == [True] * 4
    assert queues[0].trials.progress().state == "finished"


def test_a_lost_trial_is_tried_again_in_its_place_and_so_is_a_lost_confirmation(
    open_store: Callable[[], Store],
) -> None:
    queue = open_store().register(make_study(design=Compare(trials=2, replicates=1)))
    for _ in range(2 * 3):
        claim = queue.claims.claim(ME)
        assert claim
        queue.claims.release(ME, "it crashed", failed_attempt=True)
        again = queue.claims.claim(ME)
        assert again
        assert (again.start.retry_of, again.start.turn, again.start.confirms, again.start.seed, again.params) == (
            claim.number,
            claim.start.turn,
            claim.start.confirms,
            claim.start.seed,
            claim.params,
        )
        train(again)
    progress = queue.trials.progress()
    assert (progress.complete, progress.lost, progress.state) == (6, 6, "finished")


def test_processes_that_are_killed_at_any_moment_leave_an_exact_comparison(
    nursery: Nursery, open_store: Callable[[], Store], url: str
) -> None:
    study = make_study(name="study", tune=dict(learning_rate=TUNE["learning_rate"]))
    queue = open_store().register(study)
    dying = [pid for step in (9, 60, 140) for pid in nursery.start(Order(url=url, die_at=step, grace_s=5))]
    nursery.wait(dying)
    nursery.wait(nursery.start(Order(url=url, grace_s=5), 3))
    assert_whole(queue)
    assert queue.trials.progress().lost > 0


def test_where_every_trial_of_a_search_failed_its_first_configuration_is_confirmed(
    open_store: Callable[[], Store],
) -> None:
    """The budget stays exact; what failed can be tried again, and what was confirmed stays."""
    queue = open_store().register(make_study(design=Compare(trials=3, replicates=1)))
    while claim := queue.claims.claim(ME):
        if claim.start.cell == 0:
            claim.fail(Outcome(error="no memory is left"))
        else:
            train(claim)
    records = queue.trials.records()
    confirmations = {record.cell: record for record in records if record.role == "confirmation"}
    first = next(record for record in records if record.cell == 0)
    assert (confirmations[0].state, confirmations[0].params) == (TrialState.FAILED, first.params)
    assert (queue.trials.progress().failed, queue.trials.progress().state) == (4, "finished")
    assert queue.trials.best() == [confirmations[1]]
    assert len(queue.claims.retry_failed()) == 4
    again = train_all(queue)
    assert [(claim.start.turn, claim.start.confirms) for claim in again] == [
        (0, None),
        (1, None),
        (2, None),
        (None, first.number),
    ]
    assert again[-1].params == first.params
    assert queue.trials.progress().complete == 8


def test_a_configuration_that_its_own_search_had_before_is_not_trained_again(store: Store) -> None:
    """A cell without nuisance factors is trained once in each search, and once more for its confirmation."""
    tune = dict(momentum=Choice(0.5, 0.9, when={"optimizer": "momentum"}))
    study = make_study(base=dict(learning_rate=0.1), tune=tune, design=Compare(trials=5, replicates=2))
    queue = store.register(study)
    while claim := queue.claims.claim(ME):
        train(claim, 0.5 + claim.number / 100)
    records = queue.trials.records()
    trained = Counter((record.cell, record.replicate) for record in records if record.repeats is None)
    assert (trained[0, 0], trained[0, 1]) == (2, 2)
    assert trained[1, 0] <= 3
    for record in records:
        if record.repeats is not None:
            original = records[record.repeats]
            assert (record.params, record.seed, record.value) == (original.params, original.seed, original.value)
        assert record.role == "search" or record.repeats is None


def test_more_replicates_leave_those_before_as_they_are_and_longer_searches_are_refused(
    open_store: Callable[[], Store],
) -> None:
    study = make_study()
    queue = open_store().register(study)
    train_all(queue)
    before = queue.trials.records()
    with pytest.raises(UserError, match="give the study another name"):
        queue.entry.extend(dataclasses.replace(study, design=Compare(trials=6, replicates=2)))
    with pytest.raises(UserError, match="does not extend it"):
        queue.entry.extend(study)
    longer = dataclasses.replace(study, design=Compare(trials=4, replicates=3))
    queue.entry.extend(longer)
    assert len(train_all(queue)) == 2 * 5
    records = queue.trials.records()
    assert records[: len(before)] == before
    fresh = open_store().register(dataclasses.replace(longer, name="at-once"))
    train_all(fresh)
    assert searches(longer, records) == searches(longer, fresh.trials.records())


def test_a_pruner_compares_within_a_search_and_never_ends_a_confirmation(store: Store) -> None:
    """Every trial of the second cell is far worse than all of the first: that ends none of them."""
    design = Compare(trials=12, replicates=1, sampler="random", pruner="median")
    queue = store.register(make_study(design=design))
    while claim := queue.claims.claim(ME):
        worse = 0.5 if claim.start.cell else 0.0
        train(claim, 0.1 if claim.start.confirms is not None else 0.9 - worse + (claim.start.turn or 0) / 100)
    assert {record.state for record in queue.trials.records()} == {TrialState.COMPLETE}
    second = store.register(make_study(name="falling", design=design))
    while claim := second.claims.claim(ME):
        train(claim, 0.1 if claim.start.confirms is not None else 0.9 - (claim.start.turn or 0) / 100)
    states = Counter((record.role, record.state) for record in second.trials.records())
    assert states["search", TrialState.PRUNED] > 0
    assert states["confirmation", TrialState.COMPLETE] == 2


def test_the_best_is_the_cell_whose_confirmations_have_the_best_mean(store: Store) -> None:
    """Not the luckiest trial of a search, nor the luckiest confirmation."""
    queue = store.register(make_study(design=Compare(trials=2, replicates=2)))
    confirmed = {(0, 0): 0.99, (0, 1): 0.1, (1, 0): 0.7, (1, 1): 0.8}
    while claim := queue.claims.claim(ME):
        assert claim.start.cell is not None
        is_confirmation = claim.start.confirms is not None
        train(claim, confirmed[claim.start.cell, claim.start.replicate] if is_confirmation else 0.995)
    (best,) = queue.trials.best()
    assert (best.cell, best.replicate, best.value) == (1, 1, 0.8)
    records = queue.trials.records()
    assert front(queue.study, records) == [best]
    chosen = chosen_trials(queue.study, records)
    assert [(record.cell, record.replicate, record.role) for record in chosen] == [
        (1, 0, "confirmation"),
        (1, 1, "confirmation"),
    ]
    report = build_report(queue.study, records)
    (tuning,) = (section for section in report.sections if section.title == "Tuning")
    assert [row[0] for row in tuning.tables[0].rows] == ["sgd", "sgd", "momentum", "momentum"]
    assert [figure.title for figure in tuning.figures][:2] == [
        "Best val_accuracy by number of trials",
        "val_accuracy by learning_rate",
    ]
    assert any("learning_rate that won, over replicates: sgd 0." in detail for detail in report.details)
    seeds = tuple(record.seed for record in chosen)
    assert chosen_since(queue.study, records, make_evaluation(params={"optimizer": "momentum"}, seeds=seeds)) == []
    assert chosen_since(queue.study, records, make_evaluation(params={"optimizer": "sgd"}, seeds=seeds)) == chosen


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both": (dict(vary=dict(learning_rate=Choice(0.1, 0.01))), "is in vary and in tune"),
    "in base": (dict(base=dict(learning_rate=0.1)), "is in base and in tune"),
    "a grid": (dict(design=Grid()), "tune=dict(…) is for design=Compare(trials=…)"),
    "a search": (dict(design=Search(trials=3)), "tune=dict(…) is for design=Compare(trials=…)"),
    "no question": (dict(vary={}, tune=dict(depth=Choice(1, 2))), "nothing varies"),
    "nothing to tune": (dict(tune={}), "take design=Grid(replicates=…)"),
    "a range in vary": (dict(vary=dict(dropout=Float(0, 0.5)), tune=dict(depth=Int(1, 2))), "move it to tune=dict(…)"),
    "two objectives": (dict(objective=("val_accuracy", "parameters")), "the study has 2"),
    "no such condition": (dict(tune=dict(momentum=Float(0.5, 0.9, when={"depth": 2}))), "must stand above it"),
    "one number for cmaes": (
        dict(tune=dict(learning_rate=Float(1e-4, 1.0)), design=Compare(trials=3, sampler="cmaes")),
        "at least two Float or Int factors",
    ),
    "too large": (dict(design=Compare(trials=200_000, replicates=5)), "at most 1,000,000"),
}


@pytest.mark.parametrize(("changes", "sentence"), REFUSED.values(), ids=REFUSED)
def test_an_impossible_comparison_is_refused_with_a_way_out(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as refusal:
        make_study(**changes)
    assert sentence in str(refusal.value)


def test_a_declaration_with_nuisance_factors_comes_back_and_one_without_stays_as_it_was() -> None:
    study = make_study()
    assert Study.from_json(study.to_json()) == study
    assert Study.from_json(study.to_json()).tune["momentum"].when == {"optimizer": ("momentum",)}
    grid = make_study(tune={}, design=Grid(replicates=2))
    assert '"tune"' not in grid.to_json()
    assert '"design": {"grid": {"replicates": 2}}' in grid.to_json()
