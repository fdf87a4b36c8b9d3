"""Which weights stay while a study runs: those of the leading configurations, within bounds of number and bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories import make_study
from hpstudy import Choice, Grid
from hpstudy.records import TrialState
from hpstudy.settings import Settings
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.training.rundir import RunDir, forget_weights, trials_with_weights
from hpstudy.worker import weights
from hpstudy.worker.weights import KeptWeights


def save(runs_dir: Path, trial: int, size: int = 100) -> None:
    run_dir = RunDir.of(runs_dir, "small", trial)
    run_dir.create()
    run_dir.weights.write_bytes(b"x" * size)


def end(kept: KeptWeights, runs_dir: Path, trial: int, cell: int | None, score: float, size: int = 100) -> list[int]:
    """A trial ends; returns whose weights are there then."""
    save(runs_dir, trial, size)
    kept.ended("small", trial, cell, score)
    return sorted(trials_with_weights(runs_dir, "small"))


def test_of_too_many_the_worst_configuration_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MOST_TRIALS", 3)
    kept = KeptWeights(tmp_path)
    for trial, score in enumerate((0.6, 0.8, 0.9)):
        end(kept, tmp_path, trial, cell=trial, score=score)
    assert end(kept, tmp_path, 3, cell=1, score=0.7) == [1, 2, 3], "cell 0 is the worst"
    assert end(kept, tmp_path, 4, cell=2, score=0.9) == [1, 2, 4], "then cell 1, its later trial first"


def test_the_best_configuration_stays_whatever_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MOST_BYTES", 250)
    kept = KeptWeights(tmp_path)
    assert end(kept, tmp_path, 0, cell=0, score=-0.2) == [0]
    assert end(kept, tmp_path, 1, cell=1, score=-0.3) == [0, 1]
    assert end(kept, tmp_path, 2, cell=0, score=-0.2, size=500) == [0, 2]
    assert end(kept, tmp_path, 3, cell=2, score=float("nan")) == [0, 2]


def test_each_trial_of_a_search_is_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MOST_TRIALS", 2)
    kept = KeptWeights(tmp_path)
    for trial, score in enumerate((0.9, 0.1, 0.5, 0.2)):
        found = end(kept, tmp_path, trial, cell=None, score=score)
    assert found == [0, 2]
    forget_weights(tmp_path, "small", [0])
    assert list(trials_with_weights(tmp_path, "small")) == [0]


def test_what_an_earlier_process_left_is_known(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MOST_TRIALS", 2)
    vary = {"optimizer": Choice("sgd", "adam", "nadam")}
    queue = Store(settings.storage).register(make_study(name="small", vary=vary, design=Grid()))
    for score in (0.5, 0.9):
        claim = queue.claims.claim(Owner.of_process())
        assert claim
        save(settings.runs_dir, claim.number)
        claim.complete(Outcome(metrics={"val_accuracy": score}, history=()))
    assert {record.state for record in queue.trials.records()} == {TrialState.COMPLETE}
    kept = KeptWeights(settings.runs_dir)
    kept.restore(queue)
    assert end(kept, settings.runs_dir, 2, cell=2, score=0.7) == [1, 2]
