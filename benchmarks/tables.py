"""`python -m benchmarks.tables`: our best configuration beside gradient boosting and linear models, on small tables.

A search chooses a configuration by validation scores. Its networks, and the models of scikit-learn with their defaults,
are fitted on the same training rows under the same seeds, and score the same test rows.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hpstudy
from hpstudy import Choice, Float, Int, Search, Study, data
from hpstudy.data import Arrays, TestArrays
from hpstudy.evaluation.evaluate import scores
from hpstudy.records import Estimate, Evaluation
from hpstudy.settings import Settings
from hpstudy.study.factors import dataset_info

OBJECTIVES = {"breast_cancer": "val_log_loss", "wine": "val_log_loss", "diabetes": "val_rmse"}
SHOWN = {"classification": ("accuracy", "auc", "log_loss"), "regression": ("rmse", "mae", "r2")}


def search(dataset: str, trials: int) -> Study:
    """Layers, their units, and what holds them back; then three finalists under five seeds each."""
    return Study(
        name=dataset,
        dataset=dataset,
        objective=OBJECTIVES[dataset],
        base={"epochs": 200, "early_stopping": 20, "batch_size": 32, "optimizer": "adam"},
        vary={
            "depth": Int(0, 2),
            "units": Choice(8, 16, 32, 64),
            "learning_rate": Float(1e-3, 1e-1, log=True),
            "dropout": Float(0.0, 0.5),
            "l2": Float(1e-5, 1e-1, log=True),
        },
        design=Search(trials=trials, finalists=3, replicates=5),
    )


def models(task: str) -> Mapping[str, Callable[[], Any]]:
    """What stands beside: scikit-learn's own defaults, the same for every table."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    if task == "regression":
        return {
            "HistGradientBoosting": lambda: HistGradientBoostingRegressor(random_state=0),
            "ridge regression": Ridge,
        }
    return {
        "HistGradientBoosting": lambda: HistGradientBoostingClassifier(random_state=0),
        "logistic regression": LogisticRegression,
    }


def beside(make: Callable[[], Any], evaluation: Evaluation, study: Study, settings: Settings) -> dict[str, Any]:
    """The scores of a model that is fitted as each of the networks was."""
    given = []
    for seed in evaluation.seeds:
        arrays = data.prepare(study.dataset, study.config({}), seed, settings)
        test = data.prepare_test(study.dataset, study.config({}), seed, settings)
        model = make().fit(inputs(arrays)[arrays.train], arrays.y[arrays.train])
        rows = inputs(test)
        given.append(model.predict_proba(rows) if arrays.classes else model.predict(rows)[:, np.newaxis])
    return scores(np.array(given), test.y, test.classes, ["target"])


def inputs(arrays: Arrays | TestArrays) -> NDArray[np.float32]:
    """What the networks get: standardized by the training rows."""
    rows: NDArray[np.float32] = arrays.x * arrays.scale + arrays.offset
    return rows


def compared(dataset: str, trials: int, home: Path) -> Iterator[str]:
    """The lines of the table."""
    info = dataset_info(dataset)
    with hpstudy.run(search(dataset, trials), home=home, tracking_uri="none", show=False) as result:
        evaluation, study = result.evaluation, result.study
    assert evaluation
    settings = Settings.load({"home": str(home)})
    found = {"network of the search, ensemble of 5": evaluation}
    with warnings.catch_warnings(action="ignore"):  # logistic regression is not at its optimum after 100 iterations
        for name, make in models(info.task).items():
            told = beside(make, evaluation, study, settings)
            found[name] = Evaluation.from_json({**evaluation.to_json(), **told})
    for name, one in found.items():
        cells = [_written(one.estimates[metric]) for metric in SHOWN[info.task]]
        yield f"| {dataset} ({one.rows} test rows) | {name} | {' | '.join(cells)} |"
    yield f"<!-- {dataset}: {', '.join(f'{name}={level}' for name, level in evaluation.params.items())} -->"


def _written(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as home:
        for task, metrics in SHOWN.items():
            print(f"| dataset | predictor | {' | '.join(metrics)} |\n|{'---|' * (2 + len(metrics))}")
            for dataset in (name for name in OBJECTIVES if dataset_info(name).task == task):
                for line in compared(dataset, trials, Path(home)):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
