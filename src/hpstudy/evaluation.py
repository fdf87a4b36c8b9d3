"""The test split, once: the configuration that validation chose, its replicates' networks, their scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import NotFoundError, UserError
from hpstudy.records import TrialRecord, TrialState
from hpstudy.rundir import RunDir
from hpstudy.settings import Settings
from hpstudy.spec import Grid, Study

if TYPE_CHECKING:
    from hpstudy.model import Build

SEARCH_REPLICATES = 3  # seeds with which the best trial of a search is trained
_CONFIDENCE = 0.95


def chosen_trials(study: Study, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The replicates of the configuration with the best mean validation score.

    Of a search it is the best trial and the same configuration under the next seeds, which have no number yet (-1).

    Raises:
        NotFoundError: no trial is complete.
    """
    from hpstudy.report.analysis import analyse

    analysis = analyse(study, records)
    if analysis.grid and analysis.grid.cells:
        cell = analysis.grid.cells[0].number
        return [record for record in records if record.cell == cell and record.state == TrialState.COMPLETE]
    if analysis.search and analysis.search.complete:
        best = analysis.search.complete[0]
        others = range(1, SEARCH_REPLICATES)
        return [best, *(replace(best, number=-1, replicate=r, seed=study.seed_of(r), metrics={}) for r in others)]
    raise NotFoundError(f"Study {study.name!r} has no complete trial to evaluate.")


def evaluate(
    study: Study,
    records: Sequence[TrialRecord],
    settings: Settings,
    build: Build | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Score the chosen configuration on the test split.

    Args:
        told: Hears what is being done.

    Returns:
        What the database keeps and the report shows, as JSON values.

    Raises:
        UserError: the study builds its own network and `build` is missing.
        NotFoundError: no trial is complete.
    """
    if study.network and build is None:
        raise UserError(f"Study {study.name!r} builds its own network. Give its study file with --file STUDY.py.")
    from hpstudy import data
    from hpstudy.networks import class_probabilities, trained_model

    trials = chosen_trials(study, records)
    config = study.config(trials[0].params)
    predictions, validation = [], []
    for record in trials:
        told(f"seed {record.seed}")
        arrays = data.prepare(study.dataset, config, record.seed, settings)
        test = data.prepare_test(study.dataset, config, record.seed, settings)
        weights = RunDir.of(settings.runs_dir, study.name, record.number).weights if record.number >= 0 else None
        model = trained_model(config, record, arrays, weights, build)
        predictions.append(class_probabilities(model, test, np.arange(len(test.y))))
        guesses = class_probabilities(model, arrays, arrays.validation).argmax(axis=1)
        validation.append(float(np.mean(guesses == arrays.y[arrays.validation])))
    return {
        "params": dict(trials[0].params),
        "trials": [record.number for record in trials if record.number >= 0],
        "seeds": [record.seed for record in trials],
        "chosen_by": "mean over replicates" if isinstance(study.design, Grid) else "the best trial",
        "at": time.time(),
        "digest": test.digest,
        **scores(np.array(predictions), test.y, test.classes, validation),
    }


def scores(
    predictions: NDArray[Any], labels: NDArray[Any], classes: Sequence[str], validation: Sequence[float]
) -> dict[str, Any]:
    """Every score of the replicates and of their ensemble, which averages their probabilities.

    Args:
        predictions: (replicates, rows, classes) probabilities.
        labels: (rows,) class numbers.
        validation: Accuracy of each replicate on its own validation rows.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
    from statsmodels.stats.proportion import proportion_confint

    accuracies = (predictions.argmax(axis=2) == labels).mean(axis=1)
    guesses = predictions.mean(axis=0).argmax(axis=1)
    hits, numbers = int((guesses == labels).sum()), list(range(len(classes)))
    low, high = proportion_confint(hits, len(labels), alpha=1 - _CONFIDENCE, method="wilson")
    precision, recall, f1, support = precision_recall_fscore_support(labels, guesses, labels=numbers, zero_division=0.0)
    return {
        "rows": len(labels),
        "accuracy": [float(value) for value in accuracies],
        "validation": list(validation),
        "ensemble": {"accuracy": hits / len(labels), "low": float(low), "high": float(high)},
        "confusion": confusion_matrix(labels, guesses, labels=numbers).tolist(),
        "by_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "rows": int(n)}
            for name, p, r, f, n in zip(classes, precision, recall, f1, support, strict=True)
        ],
    }
