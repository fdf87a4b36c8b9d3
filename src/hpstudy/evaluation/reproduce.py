"""Train a recorded trial again and compare, epoch by epoch and metric by metric.

The same configuration, seed, data and versions give the same numbers to the last bit on one kind of CPU.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpstudy.errors import UserError, reason
from hpstudy.records import Epoch, TrialRecord, TrialState
from hpstudy.settings import Settings
from hpstudy.study.spec import Study

if TYPE_CHECKING:
    from hpstudy.data import Arrays
    from hpstudy.training.model import Build

_OF_THE_CLOCK = ("seconds", "train_s", "compile_s")  # never the same twice


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One metric: the recorded value, and that of the second training."""

    metric: str
    recorded: float | None  # at the end; None: not recorded
    again: float | None
    differs_from_epoch: int | None  # the first epoch in which they differ, from 1
    largest: float  # the largest difference, in any epoch or at the end; infinite between NaN and a number

    @property
    def is_same(self) -> bool:
        return self.largest == 0


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """The outcome of training a trial again."""

    comparisons: tuple[Comparison, ...]
    diverged: tuple[int | None, int | None]  # the epoch in which it diverged, recorded and this time
    circumstances: tuple[str, ...]  # what has changed since: versions, dataset, device
    error: str | None  # why the second training failed, if it did

    @property
    def is_same(self) -> bool:
        return all(comparison.is_same for comparison in self.comparisons) and self.diverged[0] == self.diverged[1]


def reproduce(study: Study, record: TrialRecord, settings: Settings, build: Build | None = None) -> Reproduction:
    """Train the trial again, for as many epochs as it had.

    Args:
        build: Makes the study file's own network, the one with which the study was run.

    Raises:
        UserError: the trial has no epoch to compare, or the study's own network is missing.
    """
    from hpstudy.analysis.divergence import as_diverged

    record = as_diverged(record)
    if not (record.history or record.diverged) or record.state in (TrialState.RUNNING, TrialState.LOST):
        raise UserError(
            f"Trial {record.number} is {record.state} and has no recorded epochs to compare with. "
            f"`hpstudy export {study.name}` lists those that have."
        )
    if study.network_digest and build is None:
        raise UserError(f"Study {study.name!r} builds its own network. Give its study file with --file STUDY.py.")
    _make_deterministic()
    from hpstudy import data
    from hpstudy.training.environment import provenance

    config = study.config(record.params)
    arrays = data.prepare(study.dataset, config, record.seed, settings, study.splits)
    trained = _train(study, record, arrays, build)
    now = {**provenance(), "dataset_digest": arrays.digest}
    return Reproduction(
        comparisons=tuple(compare(record, trained.history, trained.metrics)),
        diverged=(record.diverged, trained.diverged),
        circumstances=tuple(_circumstances(record, now)),
        error=trained.error,
    )


def compare(record: TrialRecord, history: Sequence[Epoch], metrics: dict[str, float]) -> list[Comparison]:
    """Compare every metric of the epochs and of the end, except those that measure time."""
    names = dict.fromkeys((*(name for epoch in record.history for name in epoch.metrics), *record.metrics))
    return [_compare_one(record, history, metrics, name) for name in names if name not in _OF_THE_CLOCK]


@dataclass(frozen=True, kw_only=True)
class _Trained:
    history: tuple[Epoch, ...]
    metrics: dict[str, float]
    error: str | None = None
    diverged: int | None = None


def _make_deterministic() -> None:
    """Set what trainer processes set, before anything is computed."""
    from hpstudy.training.environment import for_tensorflow

    os.environ.update(for_tensorflow())
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.config.experimental.enable_op_determinism()


def _train(study: Study, record: TrialRecord, arrays: Arrays, build: Build | None) -> _Trained:
    from hpstudy.training.trainer import Trainer

    history: list[Epoch] = []
    try:
        training = Trainer().start(study.config(record.params), record.seed, arrays, build, watched=study.watched)
        for epoch in training:
            history.append(epoch)
            if record.state == TrialState.PRUNED and len(history) == len(record.history):
                break
        metrics = training.result() if record.metrics else {}
    except Exception as error:  # whatever it is, the trial fails as it would in a trainer process
        return _Trained(history=tuple(history), metrics={}, error=reason(error))
    return _Trained(history=tuple(history), metrics=metrics, diverged=training.diverged)


def _compare_one(record: TrialRecord, history: Sequence[Epoch], metrics: dict[str, float], name: str) -> Comparison:
    pairs = [
        (one.metrics.get(name, math.nan), other.metrics.get(name, math.nan))
        for one, other in zip(record.history, history, strict=False)
    ]
    gaps = [_gap(one, other) for one, other in pairs]
    if len(record.history) != len(history):
        gaps.append(math.inf)
    recorded, again = record.metrics.get(name), metrics.get(name)
    if recorded is not None:
        gaps.append(_gap(recorded, math.nan if again is None else again))
    first = next((number for number, gap in enumerate(gaps, start=1) if gap and number <= len(pairs)), None)
    last = pairs[-1] if pairs else (None, None)
    return Comparison(
        metric=name,
        recorded=last[0] if recorded is None else recorded,
        again=last[1] if recorded is None else again,
        differs_from_epoch=first,
        largest=max(gaps, default=0.0),
    )


def _gap(one: float, other: float) -> float:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    gap = abs(one - other)
    return gap if math.isfinite(gap) else math.inf


def _circumstances(record: TrialRecord, now: dict[str, str]) -> list[str]:
    """What of the recorded provenance is different now."""
    return [
        f"{name}: {record.provenance[name]} → {now[name]}"
        for name in now
        if record.provenance.get(name, now[name]) != now[name]
    ]
