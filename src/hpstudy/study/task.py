"""What is predicted: which class a row is of, or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Task: TypeAlias = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A number that is predicted in a regression. Its spread is what the constant predictor's errors are about."""

    name: str
    deviation: float  # standard deviation over all rows, in the target's unit; NaN before the file was read
    absolute: float  # mean absolute deviation from the mean, likewise
