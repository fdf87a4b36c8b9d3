"""What a type checker tells the users of hpstudy. mypy reads this file; nobody runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_type

import hpstudy
from hpstudy import (
    Arrays,
    Choice,
    Float,
    Folds,
    Grid,
    Images,
    Int,
    Objective,
    Resample,
    Result,
    Search,
    Study,
    Table,
    Texts,
)

if TYPE_CHECKING:
    import pandas as pd

    from hpstudy.api import Baselines, Evaluation
    from hpstudy.evaluation.reproduce import Reproduction
    from hpstudy.records import TrialRecord
    from hpstudy.report.whole import Report
    from hpstudy.storage import Progress, StudyState
    from hpstudy.study.designs import Cell
    from hpstudy.tracking import Model, SyncSummary


def declarations() -> None:
    """Domains of several kinds, levels of several types and one objective or more need no cast."""
    grid = Study(
        name="widths",
        dataset="digits",
        base=dict(epochs=5, activation="relu", dropout=0.1, momentum=None),
        vary=dict(units=Choice(16, 64), depth=Int(1, 3)),
        design=Grid(replicates=3),
    )
    factors = {"units": Choice(16, 64)}
    Study(name="a", dataset="digits", vary=factors, design=Grid(), objective="val_loss")
    Study(
        name="search",
        dataset="digits",
        vary={"optimizer": Choice("sgd", "adam"), "learning_rate": Float(1e-4, 1e-1, log=True)},
        design=Search(trials=20),
        objective=("val_accuracy", Objective("parameters", "minimize")),
        seed=1,
    )
    assert_type(grid.objectives, tuple[Objective, ...])
    assert_type(grid.cells(), list[Cell])
    assert_type(grid.budget, int)
    Study(name="a", dataset=Images("flowers/", size=(32, 32), color="gray"), design=Grid(), splits=Folds(5))
    Study(name="a", dataset=Texts("t.csv", text="review", target="stars"), design=Grid(), splits=Resample(0.3))
    Study(name="a", dataset=Arrays("x.npy", labels="y.npy", task="regression"), design=Grid())
    Study(name="a", dataset=Table("t.csv", target=("price", "rent"), task="regression", test=0.3), design=Grid())
    Images("flowers/", size=(32, 32), color="grey")  # type: ignore[arg-type]
    Study(name="wrong", dataset="digits", vary={"units": [16, 64]}, design=Grid())  # type: ignore[dict-item]
    Study(name="wrong", dataset="digits", design=Grid(), objective=3)  # type: ignore[arg-type]


def functions(study: Study) -> None:
    assert_type(hpstudy.run(study, processes=2), Result)
    assert_type(hpstudy.run("studies/optimizers.py", quick=True, home="here", show=False), Result)
    assert_type(hpstudy.run_all("studies/published.py", epochs=1, data_dir=None), list[Result])
    assert_type(hpstudy.submit(study, storage="postgresql://db/hpstudy"), Result)
    assert_type(hpstudy.submit_all("studies/published.py"), list[Result])
    assert_type(hpstudy.open("widths", tracking_uri="https://mlflow.example"), Result)
    assert_type(hpstudy.studies(), list[Result])
    hpstudy.delete("widths", home="here")
    hpstudy.run(study, proceses=2)  # type: ignore[call-arg]
    hpstudy.run(study, epochs="many")  # type: ignore[arg-type]
    hpstudy.open("widths", quick=True)  # type: ignore[call-arg]


def results(result: Result) -> None:
    progress = result.progress()
    assert_type(progress, Progress)
    assert_type(progress.state, StudyState)
    assert_type(progress.complete, int)
    assert_type(result.study, Study)
    assert_type(result.best(), TrialRecord | None)
    assert_type(result.front(), list[TrialRecord])
    assert_type(result.trial(3), TrialRecord)
    assert_type(result.trials(), pd.DataFrame)
    assert_type(result.history(), pd.DataFrame)
    assert_type(result.findings(), list[str])
    assert_type(result.report(baseline=["sgd"]), Report)
    assert_type(result.evaluate(), Evaluation)
    assert_type(result.evaluation, Evaluation | None)
    assert_type(result.baselines(), Baselines | None)
    assert_type(result.model(), Model)
    assert_type(result.retry_failed(), list[int])
    assert_type(result.watch(), Iterator[Progress])
    assert_type(result.sync(), SyncSummary)
    assert_type(result.reproduce(3), Reproduction)
    if best := result.best():
        assert_type(best.value, float | None)
        best.values.append(1.0)  # type: ignore[union-attr]
