"""Eight processes, a budget, instant trials: exactly so many. Beside it what Optuna alone makes of the same.

HPSTUDY_EXACTNESS_SEEDS=10 and _BUDGET=200, as `make exactness` sets them, is the long form.
"""

from __future__ import annotations

import os
from pathlib import Path

import optuna
import pytest

from checker import assert_whole
from hpstudy import Choice, Float, Grid, Search, Study
from hpstudy.records import TrialRecord
from hpstudy.storage import Store
from nursery import Nursery, Order
from pgbouncer import PROGRAM, PgBouncer
from postgres import Postgres

PROCESSES = 8
BUDGET = int(os.environ.get("HPSTUDY_EXACTNESS_BUDGET", "40"))
SEEDS = range(int(os.environ.get("HPSTUDY_EXACTNESS_SEEDS", "1")))


@pytest.mark.parametrize("seed", SEEDS)
def test_eight_processes_record_exactly_the_budget_of_a_search(nursery: Nursery, postgres: Postgres, seed: int) -> None:
    """Each of the configurations that it is given to try first is among them once."""
    given = [step / 64 for step in range(20)]
    search = Search(
        finalists=0, trials=BUDGET, sampler="random", seed=seed, first=[{"dropout": level} for level in given]
    )
    study = Study(name="study", dataset="digits", vary=dict(dropout=Float(0.0, 0.5)), design=search)
    records = _recorded(nursery, postgres.new_database(), study)
    assert len(records) == BUDGET
    assert [record.params["dropout"] for record in records[:20]] == given


@pytest.mark.parametrize("seed", SEEDS)
def test_eight_processes_train_every_cell_of_a_grid_once(nursery: Nursery, postgres: Postgres, seed: int) -> None:
    vary = dict(depth=Choice(1, 2, 3), units=Choice(8, 16, 32, 64))
    study = Study(name="study", dataset="digits", vary=vary, design=Grid(), seed=seed)
    assert len(_recorded(nursery, postgres.new_database(), study)) == 12


@pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is missing (Debian: apt-get install pgbouncer)")
@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_eight_processes_behind_a_pooler_record_exactly_the_budget(
    nursery: Nursery, postgres: Postgres, tmp_path: Path, pool_mode: str
) -> None:
    """In PgBouncer's transaction mode no session, and so no lock or setting in one, outlives a transaction."""
    vary = dict(depth=Choice(1, 2, 3), units=Choice(8, 16, 32, 64))
    study = Study(name="study", dataset="digits", vary=vary, design=Grid(), seed=1)
    size = 6 if pool_mode == "transaction" else 40  # server connections; the processes have two each
    with PgBouncer(tmp_path, postgres.new_database(), pool_mode=pool_mode, pool_size=size) as pooler:
        assert len(_recorded(nursery, pooler.address, study)) == 12
        store = Store(pooler.address)
        assert "behind a pooler" in store.database.describe()
        store.close()


def test_optuna_alone_overshoots(nursery: Nursery, postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    """MaxTrialsCallback looks after a trial has ended, and GridSampler draws cells that others have in hands."""
    counts = {}
    for kind, wanted in (("budget", BUDGET), ("grid", 12)):
        url = postgres.new_database()
        storage = optuna.storages.RDBStorage(url)
        optuna.create_study(study_name="study", storage=storage)
        nursery.wait(nursery.start(Order(url=url, optuna=kind, budget=BUDGET), PROCESSES), timeout_s=200)
        counts[kind] = len(storage.get_all_trials(1))
        storage.engine.dispose()
        assert counts[kind] >= wanted
    with capsys.disabled():
        print(f"\nOptuna alone: {counts['budget']} trials of {BUDGET} asked, {counts['grid']} of a grid of 12 cells")
    assert counts != {"budget": BUDGET, "grid": 12}


def _recorded(nursery: Nursery, url: str, study: Study) -> list[TrialRecord]:
    """The trials that the database holds after eight processes raced."""
    store = Store(url)
    queue = store.register(study)
    nursery.wait(nursery.start(Order(url=url), PROCESSES), timeout_s=200)
    assert_whole(queue)
    records = queue.trials.records()
    store.close()
    return records
