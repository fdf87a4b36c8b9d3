"""What an examination finds: a sentence on each thing that was looked at, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    GOOD = "good"
    WARNING = "warning"  # it works, and will hurt one day
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at."""

    level: Health
    what: str
    fix: str = ""  # what to do about it
