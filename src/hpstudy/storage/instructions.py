"""What people ask of a recorded study: stop, resume, try failed trials again, a larger budget, come before others.

The instructions are in Optuna's user attributes of the study, which every claim reads under the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INSTRUCTIONS = "hpstudy.orders"  # user attribute of an Optuna study


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """What people ask for that is not part of the declaration."""

    stopped: bool = False  # no trial is taken until the study is resumed
    again: frozenset[int] = frozenset()  # failed trials that are to be tried again, by number
    closed: str | None = None  # why nothing new is tried any more: the study ends with what was begun

    priority: int = 0  # workers take trials of studies with a higher one first

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Instructions:
        values = attributes.get(INSTRUCTIONS, {})
        return cls(
            stopped=values.get("stopped", False),
            again=frozenset(values.get("again", ())),
            closed=values.get("closed"),
            priority=values.get("priority", 0),
        )

    def to_json(self) -> dict[str, Any]:
        closed = {} if self.closed is None else {"closed": self.closed}
        priority = {"priority": self.priority} if self.priority else {}
        return {"stopped": self.stopped, "again": sorted(self.again), **closed, **priority}
