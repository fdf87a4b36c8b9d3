"""Databases with many recorded trials, written in bulk into Optuna's own tables."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from optuna.trial import TrialState

from hpstudy import Choice, Float, Int, Search, Study
from hpstudy.owner import Owner
from hpstudy.storage import Store, StudyQueue
from hpstudy.storage.conversion import RESULT, START, Start
from hpstudy.storage.optuna_private import models
from hpstudy.study.distributions import distribution
from hpstudy.study.sampling import Sampler

EPOCHS = 10
_CHUNK = 2000  # trials in one transaction
_BEGUN = datetime(2026, 3, 1, tzinfo=UTC)


def search(trials: int, *, name: str = "growth", sampler: Sampler = "random") -> Study:
    """Six factors, as a study of networks has them."""
    return Study(
        name=name,
        dataset="fashion_mnist",
        base={"epochs": EPOCHS},
        vary={
            "optimizer": Choice("sgd", "momentum", "adam"),
            "learning_rate": Float(1e-4, 1e-1, log=True),
            "depth": Int(1, 3),
            "units": Choice(50, 100, 200),
            "dropout": Float(0.0, 0.5),
            "l2": Float(1e-6, 1e-2, log=True),
        },
        design=Search(finalists=0, trials=trials, sampler=sampler),
    )


def fill(store: Store, study: Study, trials: int) -> StudyQueue:
    """Register the study and record so many complete trials, each with the history of ten epochs."""
    queue = store.register(study)
    engine = store.database.rdb.engine
    study_id = store.database.optuna.get_study_id_from_name(study.name)
    chances = random.Random(0)
    with engine.connect() as connection:
        first = (connection.execute(sa.select(sa.func.max(models.TrialModel.trial_id))).scalar() or 0) + 1
    for begin in range(0, trials, _CHUNK):
        numbers = range(begin, min(begin + _CHUNK, trials))
        with engine.begin() as connection:
            _insert(connection, study, study_id, first, numbers, chances)
    if store.database.is_shared:
        with engine.begin() as connection:
            connection.execute(
                sa.text("SELECT setval(pg_get_serial_sequence('trials', 'trial_id'), :last)"), {"last": first + trials}
            )
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    return queue


def _insert(
    connection: sa.Connection, study: Study, study_id: int, first: int, numbers: Sequence[int], chances: random.Random
) -> None:
    rows: dict[Any, list[dict[str, Any]]] = {
        table: []
        for table in (
            models.TrialModel,
            models.TrialParamModel,
            models.TrialValueModel,
            models.TrialUserAttributeModel,
            models.TrialIntermediateValueModel,
            models.TrialHeartbeatModel,
        )
    }
    for number in numbers:
        for table, row in _rows_of(study, study_id, first + number, number, chances):
            rows[table].append(row)
    for table, found in rows.items():
        connection.execute(sa.insert(table.__table__), found)


def _rows_of(
    study: Study, study_id: int, trial_id: int, number: int, chances: random.Random
) -> Iterator[tuple[Any, dict[str, Any]]]:
    begun = _BEGUN + timedelta(seconds=number)
    accuracy = chances.random()
    times = {"datetime_start": begun.replace(tzinfo=None), "datetime_complete": begun.replace(tzinfo=None)}
    yield (
        models.TrialModel,
        {"trial_id": trial_id, "number": number, "study_id": study_id, "state": TrialState.COMPLETE, **times},
    )
    for name, domain in study.vary.items():
        level = chances.choice(domain.levels) if isinstance(domain, Choice) else _between(domain, chances)
        kind = distribution(domain)
        yield (
            models.TrialParamModel,
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": kind.to_internal_repr(level),
                "distribution_json": _json_of(kind),
            },
        )
    finite = models.TrialValueModel.TrialValueType.FINITE
    yield (
        models.TrialValueModel,
        {"trial_id": trial_id, "objective": 0, "value": accuracy, "value_type": finite},
    )
    history = [_epoch(begun, epoch, accuracy) for epoch in range(1, EPOCHS + 1)]
    start = {**Start(replicate=0, seed=42).to_json(), "owner": Owner.of_process().to_json(), "at": begun.timestamp()}
    metrics = {"val_accuracy": accuracy, "loss": 0.5, "train_s": 4.0, "parameters": 79510.0}
    result = {"metrics": metrics, "history": history, "device": "a CPU", "facts": {"keras": "3"}}
    for key, said in ((START, start), (RESULT, {**result, "at": begun.timestamp() + EPOCHS})):
        yield models.TrialUserAttributeModel, {"trial_id": trial_id, "key": key, "value_json": json.dumps(said)}
    finite_step = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
    for epoch in range(1, EPOCHS + 1):
        reported = {"step": epoch, "intermediate_value": accuracy, "intermediate_value_type": finite_step}
        yield models.TrialIntermediateValueModel, {"trial_id": trial_id, **reported}
    yield models.TrialHeartbeatModel, {"trial_id": trial_id, "heartbeat": begun.replace(tzinfo=None)}


def _epoch(begun: datetime, number: int, accuracy: float) -> dict[str, float]:
    loss = 1.0 / number
    names = {"loss": loss, "accuracy": accuracy, "val_loss": loss, "val_accuracy": accuracy, "learning_rate": 0.001}
    return {"epoch": number, "at": begun.timestamp() + number, **names, "seconds": 0.4}


def _between(domain: Float | Int, chances: random.Random) -> float | int:
    if isinstance(domain, Int):
        return chances.randint(domain.low, domain.high)
    if domain.log:
        return math.exp(chances.uniform(math.log(domain.low), math.log(domain.high)))
    return chances.uniform(domain.low, domain.high)


def _json_of(kind: Any) -> str:
    from optuna.distributions import distribution_to_json

    return distribution_to_json(kind)
