"""The metrics that trials have: which way is better, of which task, when they are known, and their range."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, TypeAlias

from hpstudy.study.task import Task

Direction: TypeAlias = Literal["maximize", "minimize"]
METRICS: dict[str, Direction] = {  # every metric a trial records, and which way is better
    "loss": "minimize",
    "accuracy": "maximize",
    "val_loss": "minimize",
    "val_accuracy": "maximize",
    "val_balanced_accuracy": "maximize",
    "val_f1": "maximize",
    "val_auc": "maximize",
    "val_average_precision": "maximize",
    "val_log_loss": "minimize",
    "val_brier": "minimize",
    "rmse": "minimize",
    "val_mae": "minimize",
    "val_rmse": "minimize",
    "val_r2": "maximize",
    "train_s": "minimize",
    "parameters": "minimize",
}
_ALWAYS = ("loss", "val_loss", "train_s", "parameters")
_OF_NUMBERS = ("rmse", "val_mae", "val_rmse", "val_r2")
METRICS_OF: dict[Task, tuple[str, ...]] = {
    "classification": tuple(name for name in METRICS if name not in _OF_NUMBERS),
    "regression": tuple(name for name in METRICS if name in (*_ALWAYS, *_OF_NUMBERS)),
}
DEFAULT_METRIC: dict[Task, str] = {"classification": "val_accuracy", "regression": "val_rmse"}
SHOWN: dict[str, Direction] = {**METRICS, "gap": "minimize", "rise": "minimize"}  # what `Study(shows=…)` may name
# Of every epoch. The validation metrics among the others are, too, where something depends on them.
BY_EPOCH = ("loss", "accuracy", "rmse", "val_loss", "val_accuracy", "val_rmse")
AT_END = ("train_s", "parameters")  # of no epoch
MONITORED = tuple(name for name in METRICS if name.startswith("val_"))  # what early stopping can watch
BOUNDS = {  # the range of every metric, on training, validation and test rows alike
    "loss": (0.0, math.inf),
    "accuracy": (0.0, 1.0),
    "balanced_accuracy": (0.0, 1.0),
    "f1": (0.0, 1.0),
    "auc": (0.0, 1.0),
    "average_precision": (0.0, 1.0),
    "log_loss": (0.0, math.inf),
    "brier": (0.0, 2.0),
    "mae": (0.0, math.inf),
    "rmse": (0.0, math.inf),
    "r2": (-math.inf, 1.0),
    "train_s": (0.0, math.inf),
    "parameters": (0.0, math.inf),
}


def beyond_usual(metrics: Iterable[str]) -> tuple[str, ...]:
    """Those of these metrics that an epoch has only if it is asked for them, each once."""
    return tuple(name for name in dict.fromkeys(metrics) if name not in (*BY_EPOCH, *AT_END))
