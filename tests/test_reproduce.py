"""A recorded trial trained again: the same to the last bit, and a difference is found."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from factories import make_record, make_study
from hpstudy import Choice, Grid
from hpstudy.cli import main
from hpstudy.errors import UserError
from hpstudy.evaluation.reproduce import compare, reproduce
from hpstudy.records import Epoch, TrialState
from hpstudy.settings import Settings
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.worker.devices import slots
from hpstudy.worker.reproducing import reproduce as again
from hpstudy.worker.supervisor import Assignment, Supervisor


def train(settings: Settings) -> Store:
    """Two short trials on digits, as a trainer process makes them."""
    from hpstudy import data
    from hpstudy.training.trainer import Trainer

    store = Store(settings.storage)
    vary = {"optimizer": Choice("sgd", "adam")}
    queue = store.register(make_study(name="small", vary=vary, base={"epochs": 2, "units": 8}, design=Grid()))
    trainer = Trainer()
    while claim := queue.claims.claim(Owner.of_process()):
        arrays = data.prepare("digits", claim.config, claim.start.seed, settings)
        training = trainer.start(claim.config, claim.start.seed, arrays)
        history = tuple(training)
        claim.complete(
            Outcome(metrics=training.result(), history=history, provenance={"dataset_digest": arrays.digest})
        )
    return store


def test_a_trial_that_diverged_diverges_again_in_the_same_epoch(settings: Settings) -> None:
    """Also one that an earlier version recorded as failed, with the epoch in which the loss was NaN."""
    base = {"optimizer": "sgd", "learning_rate": 1e20, "activation": "linear", "depth": 3, "epochs": 5, "units": 16}
    study = make_study(base=base, vary={"initializer": Choice("he_normal")}, design=Grid())
    metrics = {"val_loss": math.nan, "loss": math.nan}
    error = "loss became nan in epoch 1: the training diverged. A smaller learning rate usually mends that."
    failed = make_record(
        params={"initializer": "he_normal"},
        state=TrialState.FAILED,
        history=(Epoch(number=1, at=0.0, metrics=metrics),),
        error=error,
    )
    found = reproduce(study, failed, settings)
    assert (found.is_same, found.diverged) == (True, (1, 1))
    later = replace(failed, state=TrialState.COMPLETE, error=None, history=(), diverged=2)
    assert not reproduce(study, later, settings).is_same


def test_a_trial_comes_out_the_same_and_a_changed_record_does_not(settings: Settings, tmp_path: Path) -> None:
    queue = train(settings).open("small")
    record = queue.trials.record(1)
    found = reproduce(queue.study, record, settings)
    assert found.is_same
    assert {one.metric for one in found.comparisons} >= {"loss", "accuracy", "val_loss", "val_accuracy", "parameters"}
    changed = Epoch(number=2, at=0.0, metrics={**record.history[1].metrics, "val_loss": 0.123})
    found = reproduce(queue.study, replace(record, history=(record.history[0], changed)), settings)
    assert not found.is_same
    (different,) = (one for one in found.comparisons if not one.is_same)
    assert (different.metric, different.differs_from_epoch) == ("val_loss", 2)

    own = replace(queue.study, network_digest="digest")
    broken = reproduce(own, record, settings, lambda config, *_: config["absent"])
    assert broken.error == "The study's build(config, input_shape, outputs) raised KeyError: 'absent'."
    assert not broken.is_same

    home = str(tmp_path / "home")
    command = [sys.executable, "-m", "hpstudy", "reproduce", "small", "0", "--home", home, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["same"] is True
    assert CliRunner().invoke(main, ["reproduce", "small", "9", "--home", home]).exit_code == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_a_trial_is_trained_again_on_as_many_cores_as_it_had(
    settings_for: Callable[[str], Settings], processes: int
) -> None:
    """With 784 inputs another number of threads gives other last bits."""
    settings = settings_for("fashion_mnist")
    base = {"epochs": 1, "units": 100, "depth": 1, "optimizer": "adam"}
    study = make_study(name="wide", dataset="fashion_mnist", base=base, vary={}, design=Grid(replicates=2))
    at = slots(processes)
    with closing(Store(settings.storage)) as store:
        queue = store.register(study)
        with Supervisor(settings, Assignment(slots=at, study="wide", idle_exit_s=0.0)) as supervisor:
            supervisor.start()
            supervisor.work(lambda: [queue], hear=lambda *_: None, tick=lambda: None)
        record = queue.trials.record(0)
    assert record.provenance["cores"] == str(len(at[0].cores))
    found = again(settings, "wide", record, None)
    assert (found.is_same, found.circumstances, found.error) == (True, (), None)
    if len(at[0].cores) == 1:  # as in records of earlier versions
        assert again(settings, "wide", replace(record, provenance={}), None).is_same


def test_what_keeps_a_trial_from_being_trained_again_is_the_same_error(settings: Settings, tmp_path: Path) -> None:
    store = train(settings)
    record = store.open("small").trials.record(0)
    with pytest.raises(UserError, match="There is no study file"):
        again(settings, "small", record, tmp_path / "other.py")


def test_every_epoch_and_the_end_are_compared_but_not_the_clock() -> None:
    record = make_record(epochs=3)
    same = compare(record, record.history, dict(record.metrics))
    assert all(one.is_same for one in same)
    assert not {"seconds", "train_s"} & {one.metric for one in same}
    shorter = compare(record, record.history[:2], dict(record.metrics))
    assert all(one.largest == math.inf for one in shorter)


def test_numbers_that_are_none_are_the_same_if_both_are() -> None:
    epoch = Epoch(number=1, at=0.0, metrics={"loss": math.nan})
    record = make_record(history=(epoch,), metrics={}, state=TrialState.FAILED)
    assert compare(record, [epoch], {})[0].is_same
    other = Epoch(number=1, at=0.0, metrics={"loss": 1.0})
    assert compare(record, [other], {})[0].largest == math.inf


def test_what_has_no_epochs_cannot_be_reproduced(settings: Settings) -> None:
    record = make_record(state=TrialState.RUNNING)
    with pytest.raises(UserError, match="is running and has no recorded epochs"):
        reproduce(make_study(), record, settings)
    with pytest.raises(UserError, match="Give its study file"):
        reproduce(make_study(network_digest="digest"), make_record(), settings)
