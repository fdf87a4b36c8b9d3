"""What is known of a trial, as every part of hpstudy hands it around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hpstudy.factors import Level


class TrialState(StrEnum):
    RUNNING = "running"  # a process has it and says so by heartbeats
    COMPLETE = "complete"  # trained to its end
    PRUNED = "pruned"  # ended early by the pruner
    FAILED = "failed"  # cannot be trained, or lost too often
    LOST = "lost"  # its process died or was stopped; tried again as another trial

    @property
    def is_final(self) -> bool:
        """Whether it counts against the budget for good."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One pass over the training rows."""

    number: int  # from 1
    at: float  # Unix time when it ended, s
    metrics: Mapping[str, float]  # loss, accuracy, val_loss, val_accuracy, learning_rate, seconds

    def to_json(self) -> dict[str, Any]:
        return {"epoch": self.number, "at": self.at, **self.metrics}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Epoch:
        metrics = {name: value for name, value in values.items() if name not in ("epoch", "at")}
        return cls(number=values["epoch"], at=values["at"], metrics=metrics)


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """A trial as the database has it."""

    number: int
    state: TrialState
    params: Mapping[str, Level]  # levels of the factors that vary
    cell: int | None  # of a grid
    replicate: int
    seed: int
    attempt: int  # 1, or more if earlier attempts were lost
    retry_of: int | None  # the number of the lost trial that this one repeats
    values: tuple[float, ...] | None  # of the objectives, once complete
    pruning: Mapping[int, float] = field(default_factory=dict)  # epoch → the objective, as the pruner saw it
    metrics: Mapping[str, float] = field(default_factory=dict)  # final ones
    history: tuple[Epoch, ...] = ()
    started: datetime | None = None  # aware, UTC
    ended: datetime | None = None
    host: str | None = None
    device: str | None = None
    error: str | None = None  # why it failed or was lost
    traceback: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # versions, dataset digest, git commit

    @property
    def value(self) -> float | None:
        """Of the first objective."""
        return self.values[0] if self.values else None

    @property
    def duration_s(self) -> float | None:
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()
