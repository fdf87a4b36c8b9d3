"""Things that tests need, with defaults: `make_record(state=TrialState.FAILED)`."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hpstudy import Choice, Grid, Study
from hpstudy.records import Epoch, Evaluation, TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.study.designs import Cell

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
RESULT_STATES = (TrialState.COMPLETE, TrialState.PRUNED)


def make_settings(home: Path, **changes: Any) -> Settings:
    """Embedded stores in `home`, and nothing of the environment."""
    settings = Settings.load({"home": str(home), "cache_dir": str(home / "cache")}, environ={})
    return replace(settings, **changes)


def make_mlflow_settings(home: Path, **changes: Any) -> Settings:
    """Like `make_settings`, with MLflow's tables in place: a copy of a store that is made once."""
    settings = make_settings(home, **changes)
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_empty_mlflow_store(), home / "mlflow.db")
    return settings


@functools.cache
def _empty_mlflow_store() -> Path:
    from hpstudy.tracking.mlflow.connection import make_store

    home = Path(tempfile.mkdtemp(prefix="hpstudy-test-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    make_store(home / "mlflow.db")
    return home / "mlflow.db"


def make_study(**changes: Any) -> Study:
    """A grid of six optimizers × three learning rates × three replicates on digits."""
    values: dict[str, Any] = {
        "name": "optimizers",
        "dataset": "digits",
        "base": {"units": 16, "epochs": 3},
        "vary": {
            "optimizer": Choice("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"),
            "learning_rate": Choice(0.001, 0.01, 0.1),
        },
        "design": Grid(replicates=3),
        "question": "Which optimizer is best?",
    }
    return Study(**{**values, **changes})


def make_history(epochs: int, *, start: datetime = START, best: float = 0.9) -> tuple[Epoch, ...]:
    """Losses that fall and accuracies that rise to `best`, an epoch a second."""
    return tuple(
        Epoch(
            number=number,
            at=(start + timedelta(seconds=number)).timestamp(),
            metrics={
                "loss": 1.0 / number,
                "accuracy": best * number / epochs,
                "val_loss": 1.5 / number,
                "val_accuracy": best * number / epochs,
                "learning_rate": 0.001,
                "seconds": 0.25,
            },
        )
        for number in range(1, epochs + 1)
    )


def make_record(
    number: int = 0,
    *,
    state: TrialState = TrialState.COMPLETE,
    params: Mapping[str, Any] | None = None,
    epochs: int = 3,
    value: float = 0.9,
    **changes: Any,
) -> TrialRecord:
    """Trial `number`, which began `number` minutes after START and trained a second an epoch."""
    started = START + timedelta(minutes=number)
    history = make_history(epochs, start=started, best=value)
    record = TrialRecord(
        number=number,
        state=state,
        params={"optimizer": "adam", "learning_rate": 0.001} if params is None else params,
        cell=number // 3,
        replicate=number % 3,
        seed=42 + number % 3,
        attempt=1,
        retry_of=None,
        values=(value,) if state == TrialState.COMPLETE else None,
        history=history,
        started=started,
        host="worker-1",
        device="a CPU",
    )
    if state != TrialState.RUNNING:
        record = replace(record, ended=started + timedelta(seconds=epochs + 1), provenance={"dataset_digest": "d" * 64})
    if state in RESULT_STATES and history:
        finals = {"epochs": float(epochs), "parameters": 1210.0, "train_s": 0.25 * epochs}
        record = replace(record, metrics={**history[-1].metrics, **finals})
    return replace(record, **changes)


def make_config(dataset: str = "digits", **base: Any) -> dict[str, Any]:
    """The whole configuration of a small network that is trained for two epochs."""
    return Study(name="s", dataset=dataset, base={"epochs": 2, "units": 16, **base}, design=Grid()).config({})


def make_grid_records(
    study: Study, epochs: int = 3, value: Callable[[Cell, int], float] | None = None
) -> list[TrialRecord]:
    """A complete trial of every cell × replicate.

    Args:
        value: Of cell and replicate; None: later cells are better, and replicates almost equal.
    """
    value = value or (lambda cell, replicate: 0.5 + 0.4 * cell.number / len(study.cells()) + 0.001 * replicate)
    assert isinstance(study.design, Grid)
    replicates = study.design.replicates
    return [
        make_record(
            cell.number * replicates + replicate,
            params=cell.params,
            cell=cell.number,
            replicate=replicate,
            epochs=epochs,
            value=value(cell, replicate),
        )
        for cell in study.cells()
        for replicate in range(replicates)
    ]


def make_evaluation(**changes: Any) -> Evaluation:
    """Of three networks, with scores that nobody looks at."""
    values = {
        "params": {"optimizer": "adam"},
        "seeds": [42, 43, 44],
        "trials": [0, 1, 2],
        "chosen_by": "mean over replicates",
        "at": 1.0,
        "digest": "",
        "rows": 10,
        "validation": [0.9] * 3,
        "accuracy": [0.86, 0.88, 0.9],
        "ensemble": {"accuracy": 0.9, "low": 0.8, "high": 1.0},
        "confusion": [],
        "by_class": [],
    }
    return Evaluation.from_json({**values, **changes})
