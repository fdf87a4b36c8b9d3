"""The objective of a study: a metric by which its trials are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hpstudy.errors import UserError
from hpstudy.study import factors
from hpstudy.study.levels import is_number, make_plain, plain
from hpstudy.study.metrics import METRICS, METRICS_OF, Direction
from hpstudy.study.task import Task

MOST_UNEVEN = 2  # rows of the largest class by those of the smallest, up to which accuracy is a fair metric


@dataclass(frozen=True)
class Objective:
    """A recorded metric and which way is better; `direction` may be left out where that is obvious."""

    metric: str = "val_accuracy"
    direction: Direction | Literal[""] = ""  # empty: the obvious one
    practical: float | None = None  # the difference that matters in practice, in the metric's unit; None: the usual one

    def __post_init__(self) -> None:
        make_plain(self, "metric", "direction", "practical")
        if self.metric not in METRICS:
            raise UserError(factors.unknown("metric", self.metric, METRICS))
        if not self.direction:
            object.__setattr__(self, "direction", METRICS[self.metric])
        if self.direction not in ("maximize", "minimize"):
            raise UserError(factors.unknown("direction", self.direction, ("maximize", "minimize")))
        if self.practical is not None and not (is_number(self.practical) and 0 <= self.practical < math.inf):
            raise UserError(
                "Objective(practical=…) is the difference that matters in practice, a number of at least 0 such as "
                f"0.005; it is {self.practical!r}."
            )

    def to_json(self) -> dict[str, Any]:
        """Without `practical` where it is the usual one: studies recorded before it existed stay equal."""
        given = {} if self.practical is None else {"practical": self.practical}
        return {"metric": self.metric, "direction": self.direction, **given}

    @property
    def maximizes(self) -> bool:
        return self.direction == "maximize"

    @property
    def sign(self) -> int:
        """What a value is multiplied by so that more is better."""
        return 1 if self.maximizes else -1

    def score(self, value: float) -> float:
        """The value such that more is better."""
        return self.sign * value


def metric_for_classes(rows: Sequence[int]) -> str:
    """The metric for people's own classes where a study declares none.

    Accuracy says little where it is reached by always naming one class. So it is taken only if no class has more than
    twice the rows of another; else it is balanced accuracy, the mean over classes of the share that is found
    (Brodersen et al. 2010).

    Args:
        rows: How many rows of each class there are.
    """
    return "val_accuracy" if max(rows) <= MOST_UNEVEN * min(rows) else "val_balanced_accuracy"


def check_task(objectives: Sequence[Objective], task: Task, title: str) -> None:
    """Raises UserError if a metric does not exist for the task of the dataset, whose title is for the message."""
    for objective in objectives:
        if objective.metric not in METRICS_OF[task]:
            raise UserError(
                f"{objective.metric} does not exist for {title}, whose task is {task}. "
                f"Legal: {', '.join(METRICS_OF[task])}."
            )


def checked_objectives(given: str | Objective | Sequence[str | Objective]) -> tuple[Objective, ...]:
    given = plain(given)
    entries = (given,) if isinstance(given, str | Objective) else tuple(given)
    objectives = tuple(entry if isinstance(entry, Objective) else Objective(entry) for entry in entries)
    metrics = [objective.metric for objective in objectives]
    if not objectives or len(set(metrics)) < len(metrics):
        raise UserError(f"A study needs one objective or several different ones; it has {metrics}.")
    return objectives
