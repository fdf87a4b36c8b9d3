"""The findings of an examination: a sentence on each thing that was checked, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    GOOD = "good"
    WARNING = "warning"  # it works, but will cause trouble later
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One thing that was checked."""

    level: Health
    what: str
    fix: str = ""  # what to do about it
