"""Trials whose training diverged: an outcome, with the score of the constant predictor.

Earlier versions recorded them as failed. Here they become what they are today, so that no context goes missing where a
level diverges, and no level looks best because it does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from hpstudy.records import TrialRecord, TrialState
from hpstudy.study.catalog import DatasetInfo
from hpstudy.study.domains import Choice
from hpstudy.study.spec import Study
from hpstudy.study.task import Target

_FAILED_BY_IT = re.compile(r"(?:val_)?loss became \S+ in epoch (\d+): the training diverged")


@dataclass(frozen=True, kw_only=True)
class DivergingLevel:
    """A level of a choice under which trials diverged."""

    factor: str
    level: str
    diverged: int
    ended: int

    @property
    def share(self) -> float:
        return self.diverged / self.ended


def diverged_epoch(record: TrialRecord) -> int | None:
    """The epoch in which the loss became infinite or NaN, also where that was recorded as a failure."""
    if record.state != TrialState.FAILED:
        return record.diverged
    found = _FAILED_BY_IT.match(record.error or "")
    return int(found[1]) if found else None


def as_diverged(record: TrialRecord) -> TrialRecord:
    """The same trial; one that failed because it diverged says the epoch, and has those before it as its history."""
    epoch = diverged_epoch(record)
    if epoch is None or record.diverged is not None:
        return record
    return replace(record, diverged=epoch, history=tuple(one for one in record.history if one.number < epoch))


def outcomes(
    study: Study, records: Sequence[TrialRecord], constant: Mapping[str, float] | None = None
) -> list[TrialRecord]:
    """The same trials; those that failed because they diverged are complete.

    Args:
        constant: Scores of the constant predictor (`loss`, `val_accuracy` and so on); where they are not known, of one
            that holds all classes for equally frequent.
    """
    return [_outcome(study, record, constant or {}) for record in records]


def chance_scores(dataset: DatasetInfo, loss: str) -> dict[str, float]:
    """Of a constant predictor where all classes are equally frequent, by the names of a trial's metrics.

    In a regression, of one that knows the means of the targets.

    Args:
        loss: The level of the factor.
    """
    if dataset.targets:
        return _of_means(dataset.targets, loss)
    classes = len(dataset.classes)
    outputs = 1 if classes == 2 else classes
    squared = 0.25 if outputs == 1 else (classes - 1) / classes**2  # a mean over outputs
    value = squared if loss == "mse" else math.log(classes)
    at_end = {
        "val_balanced_accuracy": 1 / classes,
        "val_f1": 2 / (classes + 1) / classes,  # one class is predicted for every row
        "val_auc": 0.5,
        "val_average_precision": 1 / classes,
        "val_log_loss": math.log(classes),
        "val_brier": 0.25 if classes == 2 else 1 - 1 / classes,
    }
    return {"loss": value, "accuracy": 1 / classes, "val_loss": value, "val_accuracy": 1 / classes, **at_end}


def _of_means(targets: Sequence[Target], loss: str) -> dict[str, float]:
    """Means over the targets. Losses are of standardized targets; nothing is known of the Huber loss."""
    values = {"mse": 1.0, "mae": fmean(one.absolute / one.deviation for one in targets)}
    losses = {name: values[loss] for name in ("loss", "val_loss") if loss in values}
    deviation, absolute = (fmean(getattr(one, name) for one in targets) for name in ("deviation", "absolute"))
    return {**losses, "rmse": deviation, "val_rmse": deviation, "val_mae": absolute, "val_r2": 0.0}


def diverging_levels(study: Study, records: Sequence[TrialRecord]) -> tuple[DivergingLevel, ...]:
    """Levels of choices under which at least one trial diverged, in the order of the declaration."""
    ended = [record for record in records if record.state.is_final]
    found = []
    for factor in (name for name, domain in study.vary.items() if isinstance(domain, Choice)):
        levels: dict[str, list[bool]] = {}
        for record in ended:
            if factor in record.params:
                text = study.texts.text(factor, record.params[factor])
                levels.setdefault(text, []).append(diverged_epoch(record) is not None)
        found += [
            DivergingLevel(factor=factor, level=level, diverged=sum(trials), ended=len(trials))
            for level, trials in levels.items()
            if any(trials)
        ]
    return tuple(found)


def _outcome(study: Study, record: TrialRecord, constant: Mapping[str, float]) -> TrialRecord:
    """As it is, unless it failed because it diverged."""
    found = as_diverged(record)
    if found.diverged is None or record.state == TrialState.COMPLETE:
        return record
    metrics = _metrics(study, record, found.diverged, constant)
    objectives = [objective.metric for objective in study.objectives]
    if not metrics.keys() >= set(objectives):  # the number of parameters of a trial that failed is not recorded
        return record
    values = tuple(metrics[name] for name in objectives)
    return replace(found, state=TrialState.COMPLETE, values=values, metrics=metrics, error=None)


def _metrics(study: Study, record: TrialRecord, epoch: int, constant: Mapping[str, float]) -> dict[str, float]:
    loss = str(study.config(record.params)["loss"])
    known = constant
    if "loss" in study.domains:  # the losses are of another one, perhaps
        known = {name: value for name, value in constant.items() if not name.endswith("loss")}
    scores = {**chance_scores(study.dataset_info, loss), **known}
    seconds = sum(one.metrics.get("seconds", 0.0) for one in record.history)
    return {**scores, "epochs": float(epoch), "train_s": seconds}
