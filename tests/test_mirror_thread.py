"""The mirror's thread: nobody waits for it, and it survives everything."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_mlflow_settings, make_record, make_settings, make_study
from hpstudy.errors import StorageError
from hpstudy.records import TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.tracking import MirrorThread
from hpstudy.tracking.mlflow import Mirror
from waiting import wait_until

# MLflow 3.17 still uses a loader strategy that SQLAlchemy 2.1 deprecates.


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_mlflow_settings(tmp_path / "home")


@pytest.fixture
def unreachable(tmp_path: Path) -> Settings:
    """Nothing listens on port 9 of this machine."""
    return replace(make_settings(tmp_path), tracking_uri="http://me:s3cret@127.0.0.1:9", artifact_root=None)


def test_finish_leaves_mlflow_equal_to_the_last_snapshot(settings: Settings) -> None:
    study, records = make_study(), [make_record(state=TrialState.RUNNING)]
    thread = MirrorThread(Mirror(settings, study), lambda: ("finished", records))
    thread.start()
    records[:] = [make_record(0), make_record(1)]

    assert thread.finish(20)

    assert not thread.is_alive()
    assert Mirror(settings, study).sync(records, state="finished", complete=True).unchanged == 2


def test_a_poke_is_followed_by_a_sync_and_silence_by_none(settings: Settings) -> None:
    taken = threading.Semaphore(0)

    def snapshot() -> tuple[str, Sequence[TrialRecord]]:
        taken.release()
        return "running", [make_record()]

    thread = MirrorThread(Mirror(settings, make_study()), snapshot, interval_s=0.01)
    thread.start()
    for _ in range(3):
        assert taken.acquire(timeout=10)
        thread.poke()
    assert taken.acquire(timeout=10)

    assert not taken.acquire(timeout=0.2)
    assert thread.finish(10)


def test_an_error_of_the_snapshot_is_survived_and_told(settings: Settings) -> None:
    failures = [StorageError("The database is locked."), ValueError("what a library says\nin two lines")]

    def snapshot() -> tuple[str, Sequence[TrialRecord]]:
        if failures:
            raise failures.pop()
        return "finished", [make_record()]

    thread = MirrorThread(Mirror(settings, make_study()), snapshot, interval_s=0.01, pause_s=0.2)
    thread.start()
    for problem in ("ValueError: what a library says.", "The database is locked.", None):
        wait_until(lambda problem=problem: thread.problem == problem, told=lambda: thread.problem)

    assert thread.finish(10)
    assert thread.problem is None


def test_nobody_waits_while_mlflow_is_away(unreachable: Settings) -> None:
    thread = MirrorThread(Mirror(unreachable, make_study()), lambda: ("finished", [make_record()]))
    thread.start()
    began = time.monotonic()
    for _ in range(100):
        thread.poke()
    poking_s = time.monotonic() - began

    assert not thread.finish(0.5)

    assert poking_s < 0.5
    assert time.monotonic() - began < 3
    thread.join(10)
    assert thread.problem
    assert thread.problem.startswith("MLflow at http://127.0.0.1:9 did not take the trials: ")
    assert "s3cret" not in thread.problem


def test_finishing_a_thread_that_never_started_says_that_nothing_was_mirrored(settings: Settings) -> None:
    assert not MirrorThread(Mirror(settings, make_study()), lambda: ("finished", [])).finish(1)
