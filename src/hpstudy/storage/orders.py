"""What people ask of a study that was recorded before: stop, go on, try failed trials again, a larger budget.

Kept in Optuna's user attributes of the study, which every claim reads under the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DECLARATION = "hpstudy.study"  # user attribute of an Optuna study: its declaration as JSON
IDENTITY = "hpstudy.id"  # user attribute of an Optuna study: tells it from those of its name in other databases
ORDERS = "hpstudy.orders"  # user attribute of an Optuna study: the other orders


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The orders that are not part of the declaration."""

    stopped: bool = False  # no trial is taken until the study is resumed
    again: frozenset[int] = frozenset()  # failed trials that are to be tried again, by number

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Orders:
        values = attributes.get(ORDERS, {})
        return cls(stopped=values.get("stopped", False), again=frozenset(values.get("again", ())))

    def to_json(self) -> dict[str, Any]:
        return {"stopped": self.stopped, "again": sorted(self.again)}
