"""Budgets that depend on results: finalists, patience, a closed intake. The same for whoever computes them."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import call
from hpstudy import Adaptive, Choice, Compare, Float, Grid, Search, Study
from hpstudy.analysis.adaptive import rounds
from hpstudy.analysis.analyse import analyse
from hpstudy.analysis.intake import asked, cells_asked
from hpstudy.analysis.standings import Verdict
from hpstudy.errors import UserError
from hpstudy.evaluation.evaluate import chosen_trials
from hpstudy.owner import Owner
from hpstudy.records import Epoch
from hpstudy.report.build import build_report
from hpstudy.storage import Claim, Outcome, Store, StudyQueue
from hpstudy.study.overrides import override
from nursery import Nursery, Order
from postgres import Postgres

ME = Owner.of_process()


def make_study(**changes: Any) -> Study:
    values: dict[str, Any] = dict(
        name="search",
        dataset="digits",
        base=dict(epochs=1),
        vary=dict(dropout=Float(0.0, 0.5)),
        design=Search(trials=8, sampler="random", finalists=2, replicates=3),
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


def train(claim: Claim, value: float) -> None:
    metrics = {"val_accuracy": value, "loss": 1.0}
    claim.complete(Outcome(metrics=metrics, history=[Epoch(number=1, at=1_700_000_000.0, metrics=metrics)]))


def train_all(queue: StudyQueue, score: Callable[[Claim], float] = lambda claim: claim.number / 100) -> list[Claim]:
    claims: list[Claim] = []
    while claim := queue.claims.claim(ME):
        train(claim, score(claim))
        claims.append(claim)
    return claims


def budgets(queue: StudyQueue) -> tuple[int, int, int]:
    progress = queue.trials.progress()
    return progress.ended, progress.budget, progress.most


def test_the_best_few_of_a_search_are_trained_under_fresh_seeds_and_one_of_them_is_chosen(
    open_store: Callable[[], Store],
) -> None:
    """The score that made a configuration a finalist does not count in its mean."""
    queue = open_store().register(make_study())
    assert budgets(queue) == (0, 14, 14)
    scores = {6: [0.5, 0.9, 0.5], 7: [0.6, 0.7, 0.8]}  # of the finalists, by replicate

    def score(claim: Claim) -> float:
        confirms = claim.start.confirms
        return claim.number / 10 if confirms is None else scores[confirms][claim.start.replicate]

    claims = train_all(queue, score)
    assert len(claims) == 14
    assert [(claim.start.confirms, claim.start.replicate) for claim in claims[8:]] == [
        (7, 0),
        (6, 0),
        (7, 1),
        (6, 1),
        (7, 2),
        (6, 2),
    ]
    assert [claim.params for claim in claims[8:10]] == [claims[7].params, claims[6].params]
    seeds = Counter(claim.start.seed for claim in claims)
    assert seeds[42] == 8
    assert sorted(seeds.values()) == [2, 2, 2, 8]
    assert budgets(queue) == (14, 14, 14)
    assert queue.trials.progress().state == "finished"
    (best,) = queue.trials.best()
    assert (best.confirms, best.value) == (7, 0.8)
    chosen = chosen_trials(queue.study, queue.trials.records())
    assert [(record.confirms, record.replicate) for record in chosen] == [(7, 0), (7, 1), (7, 2)]


def test_there_are_no_more_finalists_than_configurations_and_the_budget_says_so(store: Store) -> None:
    study = make_study(vary=dict(depth=Choice(1)), design=Search(trials=4, finalists=3, replicates=2))
    queue = store.register(study)
    for number in range(4):
        claim = queue.claims.claim(ME)
        assert claim
        if number == 1:
            claim.fail(Outcome(error="no memory is left"))
        else:
            train(claim, 0.5)
    assert budgets(queue) == (4, 6, 10)
    assert len(train_all(queue)) == 2
    assert budgets(queue) == (6, 6, 10)
    assert queue.trials.progress().state == "finished"


def test_finalists_wait_for_the_last_trial_and_new_ones_come_after_an_extension(store: Store) -> None:
    study = make_study()
    queue = store.register(study)
    last = [queue.claims.claim(ME) for _ in range(8)]
    assert queue.claims.claim(ME) is None, "trials are in training"
    assert queue.trials.progress().waiting == 6
    for claim in last:
        assert claim
        train(claim, claim.number / 100)
    train_all(queue)
    queue.entry.extend(dataclasses.replace(study, design=dataclasses.replace(study.design, trials=10)))
    added = train_all(queue, lambda claim: 0.9)
    assert Counter(claim.start.confirms for claim in added) == {None: 2, 14: 3, 15: 3}
    assert budgets(queue) == (22, 22, 22)
    assert asked(queue.study, queue.trials.records()) == 22


def test_processes_that_are_killed_leave_an_exact_search_with_finalists(
    nursery: Nursery, open_store: Callable[[], Store], url: str
) -> None:
    queue = open_store().register(make_study(name="study"))
    dying = [pid for step in (9, 90) for pid in nursery.start(Order(url=url, die_at=step, grace_s=5))]
    nursery.wait(dying)
    nursery.wait(nursery.start(Order(url=url, grace_s=5), 3))
    records = [record for record in queue.trials.records() if record.state.is_final]
    confirmed = Counter(record.confirms for record in records)
    assert (confirmed.pop(None), sorted(confirmed.values())) == (8, [3, 3])
    assert queue.trials.progress().state == "finished"


def test_a_search_out_of_patience_ends_and_confirms_what_it_found(store: Store) -> None:
    design = Search(trials=30, sampler="random", finalists=1, replicates=2, patience=5)
    queue = store.register(make_study(design=design))
    values = [0.1, 0.2, 0.9, 0.3, 0.3, 0.95, 0.95, 0.2, 0.3, 0.4, 0.5]  # the sixth is best; then five more end
    claims = train_all(queue, lambda claim: values[claim.number] if claim.number < len(values) else 0.7)
    assert [claim.start.confirms for claim in claims] == [None] * 11 + [5, 5]
    assert budgets(queue) == (13, 13, 32)
    progress = queue.trials.progress()
    assert (progress.state, progress.ended_early) == ("finished", "no trial was better than the best one for 5 trials")


def test_a_closed_study_ends_with_what_was_begun_and_can_be_resumed(open_store: Callable[[], Store]) -> None:
    queue = open_store().register(make_study(design=Search(trials=30, sampler="random", finalists=1, replicates=1)))
    running = queue.claims.claim(ME)
    other = queue.claims.claim(ME)
    assert running
    assert other
    train(other, 0.5)
    queue.entry.close("--hours 2")
    assert queue.claims.claim(ME) is None
    assert budgets(queue) == (1, 3, 31)
    train(running, 0.4)
    assert [claim.start.confirms for claim in train_all(queue)] == [other.number]
    progress = queue.trials.progress()
    assert (progress.state, progress.budget, progress.ended_early) == ("finished", 3, "--hours 2")
    queue.entry.resume()
    assert len(train_all(queue)) >= 28
    assert queue.trials.progress().ended_early is None


def test_a_closed_grid_and_a_closed_comparison_are_finished_when_nothing_is_in_training(store: Store) -> None:
    grid = store.register(make_study(name="grid", vary=dict(depth=Choice(1, 2)), design=Grid(replicates=2)))
    claim = grid.claims.claim(ME)
    assert claim
    train(claim, 0.5)
    grid.entry.close("--hours 1")
    assert grid.claims.claim(ME) is None
    assert (*budgets(grid), grid.trials.progress().state) == (1, 1, 4, "finished")
    tune = dict(dropout=Float(0.0, 0.5))
    compare = make_study(name="tuned", vary=dict(depth=Choice(1, 2)), tune=tune, design=Compare(trials=2, replicates=1))
    queue = store.register(compare)
    for _ in range(2):
        claim = queue.claims.claim(ME)
        assert claim
        train(claim, 0.5)
    queue.entry.close("--hours 1")
    assert [claim.start.confirms for claim in train_all(queue)] == [0], "its search had ended"
    assert (*budgets(queue), queue.trials.progress().state) == (3, 3, 6, "finished")


def noise(claim: Claim) -> float:
    """The same for a cell and a replicate, whoever trains it."""
    assert claim.start.cell is not None
    return float(np.random.default_rng([claim.start.cell, claim.start.replicate]).normal(0, 0.004))


def adaptive_score(claim: Claim) -> float:
    """Two that are nearly equal, and two that are far behind."""
    assert claim.start.cell is not None
    return [0.9, 0.898, 0.8, 0.7][claim.start.cell] + noise(claim)


ADAPTIVE = dict(vary=dict(depth=Choice(0, 1, 2, 3)), design=Grid(replicates=Adaptive(3, 9)))


def test_replicates_go_where_they_decide(open_store: Callable[[], Store]) -> None:
    """All cells have three; of the two best more are trained, in full rounds, as far as the most."""
    queue = open_store().register(make_study(**ADAPTIVE))
    assert budgets(queue) == (0, 12, 36)
    claims = train_all(queue, adaptive_score)
    counts = Counter(claim.start.cell for claim in claims)
    assert counts[2] == counts[3] == 3
    assert counts[0] == counts[1] > 3
    assert [claim.start.replicate for claim in claims] == sorted(claim.start.replicate for claim in claims)
    assert {claim.start.seed for claim in claims} == {42 + replicate for replicate in range(counts[0])}
    assert budgets(queue) == (len(claims), len(claims), 36)
    assert queue.trials.progress().state == "finished"
    assert asked(queue.study, queue.trials.records()) == len(claims)


def test_processes_that_are_killed_find_the_same_cells_undecided(
    nursery: Nursery, open_store: Callable[[], Store], url: str
) -> None:
    queue = open_store().register(make_study(name="study", **ADAPTIVE))
    nursery.wait(nursery.start(Order(url=url, die_at=70, grace_s=5)))
    nursery.wait(nursery.start(Order(url=url, grace_s=5), 3))
    records = [record for record in queue.trials.records() if record.state.is_final]
    pairs = Counter((record.cell, record.replicate) for record in records)
    assert set(pairs.values()) == {1}
    assert sorted(pairs) == sorted(cells_asked(queue.study, records))
    assert queue.trials.progress().state == "finished"


def test_no_round_begins_before_the_last_one_has_ended_and_a_failed_trial_is_no_obstacle(store: Store) -> None:
    queue = store.register(make_study(**ADAPTIVE))
    first = [queue.claims.claim(ME) for _ in range(12)]
    assert queue.claims.claim(ME) is None
    for claim in first:
        assert claim
        if claim.start.cell == 3:
            claim.fail(Outcome(error="no memory is left"))
        else:
            train(claim, adaptive_score(claim))
    assert budgets(queue) == (12, 14, 36)
    assert {claim.start.cell for claim in train_all(queue, adaptive_score)} == {0, 1}


def test_what_a_look_has_ruled_out_stays_ruled_out_in_the_report(store: Store) -> None:
    """A configuration of large spread is ruled out in time, and has too few replicates to be so at the end."""

    def score(claim: Claim) -> float:
        means, spreads = (0.887, 0.8865, 0.5, 0.35), (0.002, 0.002, 0.15, 0.18)
        cell = claim.start.cell or 0
        noise = np.random.default_rng([cell, claim.start.replicate, 4]).standard_normal()
        return float(np.clip(means[cell] + spreads[cell] * noise, 0, 1))

    queue = store.register(make_study(**ADAPTIVE))
    train_all(queue, score)
    grid = analyse(queue.study, queue.trials.records()).grid
    assert grid
    verdicts = {cell.number: cell.verdict for cell in grid.cells}
    assert verdicts[2] == verdicts[3] == Verdict.WORSE


def test_an_adaptive_grid_can_be_recorded_and_is_reported(store: Store) -> None:
    study = make_study(**ADAPTIVE)
    assert Study.from_json(study.to_json()) == study
    assert '"design": {"grid": {"replicates": {"least": 3, "most": 9}}}' in study.to_json()
    queue = store.register(study)
    train_all(queue, adaptive_score)
    report = build_report(study, queue.trials.records(), figures=False)
    assert report.is_finished
    assert report.declaration[1] == ("design", "grid of 4 cells × 3 to 9 replicates")
    assert not any("not trained yet" in finding for finding in report.findings)
    for wrong, sentence in (((1, 5), "at least 2"), ((3, 3), "at least 4")):
        with pytest.raises(UserError, match=sentence):
            Adaptive(*wrong)
    with pytest.raises(UserError, match="by one objective"):
        make_study(objective=("val_accuracy", "parameters"), **ADAPTIVE)


def test_the_best_cell_is_dropped_in_few_studies_however_often_they_are_looked_at() -> None:
    """The best of five is a spread better than the others, which are equal; nothing is equivalent in practice here."""
    rng, dropped, trained = np.random.default_rng(7), 0, 0
    for _ in range(25):
        scores = np.array([0.0, -1, -1, -1, -1])[:, np.newaxis] + rng.normal(0, 1, (5, 8)) + rng.normal(0, 1, 8)
        values, ended = np.full(scores.shape, np.nan), np.zeros(scores.shape, bool)
        known: tuple[tuple[int, ...], ...] = ()
        while len(found := rounds(values, ended, 3).cells) > len(known):
            for replicate, row in enumerate(found):
                for cell in row:
                    values[cell, replicate], ended[cell, replicate] = scores[cell, replicate], True
            known = found
        last = list(known[-1])
        is_decided = len(known) < 8
        left = [last[int(values[last, : len(known)].mean(axis=1).argmax())]] if is_decided else last
        dropped += 0 not in left
        trained += int(ended.sum())
    assert dropped <= 2
    assert trained < 25 * 40


def test_a_search_recorded_before_there_were_finalists_goes_on_without_them(store: Store) -> None:
    """What its declaration lacks is no difference, also after it is extended; turned off is another thing."""
    old = make_study(design=Search(trials=3, finalists=None))
    assert '"design": {"search": {"trials": 3, "sampler": "tpe", "pruner": "none", "seed": null}}' in old.to_json()
    assert Study.from_json(old.to_json()) == old
    store.register(old)
    now = make_study(design=Search(trials=3))
    assert now.budget == 12
    assert now.changes(old) == []
    queue = store.register(now)
    assert len(train_all(queue)) == 3
    queue.entry.extend(dataclasses.replace(queue.study, design=dataclasses.replace(queue.study.design, trials=5)))
    assert len(train_all(queue)) == 2
    assert queue.trials.progress().state == "finished"
    assert store.open("search").study.budget == 5
    assert now.changes(make_study(design=Search(trials=3, finalists=0))) == ["design.search.finalists: 0 → 3"]


def test_a_study_that_was_extended_goes_on_with_the_file_that_it_was_begun_with(store: Store) -> None:
    """A grid also becomes adaptive so: the replicates at hand are the first look."""
    study = make_study(vary=ADAPTIVE["vary"], design=Grid(replicates=3))
    queue = store.register(study)
    assert len(train_all(queue, adaptive_score)) == 12
    queue.entry.extend(override(study, replicates="adaptive"))
    again = store.register(dataclasses.replace(study, question="In other words?"))
    assert again.study.design == Grid(replicates=Adaptive(3, 15))
    assert {claim.start.cell for claim in train_all(again, adaptive_score)} == {0, 1}
    with pytest.raises(UserError, match="another declaration"):
        store.register(dataclasses.replace(study, seed=7))
    with pytest.raises(UserError, match="another declaration"):
        store.register(dataclasses.replace(study, design=Grid(replicates=4)))
    with pytest.raises(UserError, match="does not extend it"):
        queue.entry.extend(override(again.study, replicates="adaptive"))


@pytest.mark.parametrize(
    ("before", "after", "option"),
    [
        (Grid(replicates=3), Grid(replicates=5), "--replicates 5"),
        (Search(trials=5), Search(trials=9), "--trials 9"),
        (Grid(replicates=3), Grid(replicates=2), None),
        (Search(trials=5), Search(trials=9, pruner="median"), None),
    ],
)
def test_a_file_with_a_larger_budget_is_told_to_extend(store: Store, before: Any, after: Any, option: str) -> None:
    study = make_study(vary=ADAPTIVE["vary"], design=before)
    assert store.register(study).claims.claim(Owner.of_process())
    with pytest.raises(UserError) as refused:
        store.register(dataclasses.replace(study, design=after))
    assert (f"`hpstudy extend {study.name} {option}`" in str(refused.value)) == bool(option)
    assert ("--fresh" in str(refused.value)) == (option is None)


def test_a_grid_is_made_adaptive_by_a_command(tmp_path: Path) -> None:
    file = tmp_path / "grid.py"
    file.write_text(
        "from hpstudy import Choice, Grid, Study\n"
        "study = Study(name='grid', dataset='digits', vary=dict(depth=Choice(1, 2)), design=Grid(replicates=2))\n"
    )
    call("submit", str(file))
    assert "now asks for 4 trials" in call("extend", "grid", "--replicates", "adaptive")
    status = json.loads(call("status", "grid", "--json"))
    assert (status["budget"], status["most"]) == (4, 20)
    assert "not a valid integer" in call("extend", "grid", "--replicates", "more", code=2)
    call("submit", str(file))


def test_several_objectives_have_no_finalists_and_no_patience() -> None:
    both = ("val_accuracy", "parameters")
    assert make_study(objective=both, design=Search(trials=5)).budget == 5
    with pytest.raises(UserError, match="the study has 2"):
        make_study(objective=both, design=Search(trials=5, patience=3))
