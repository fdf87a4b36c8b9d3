"""How each replicate divides the rows outside the test split into training and validation rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hpstudy.errors import UserError
from hpstudy.study.levels import is_number

_MOST_FOLDS = 100


@dataclass(frozen=True)
class Resample:
    """A share of the rows, drawn anew for each replicate: `Resample(validation=0.2)`.

    Raises:
        UserError: it is no share.
    """

    validation: float = 0.2  # of the rows outside the test split

    def __post_init__(self) -> None:
        if not is_number(self.validation) or not 0 < self.validation < 1:
            raise UserError(f"Resample(validation=…) must be a share such as 0.2; it is {self.validation!r}.")

    @property
    def ratio(self) -> float:
        """Validation rows by training rows."""
        return self.validation / (1 - self.validation)

    @property
    def key(self) -> str:
        """For names of files; "" for what is usual."""
        return "" if self == RESAMPLE else f"-validation-{self.validation}"

    def to_json(self) -> dict[str, Any]:
        return {"validation": self.validation}


@dataclass(frozen=True)
class Folds:
    """Cross-validation: replicate r is validated on fold r, and after the last fold rows are shuffled again.

    So `Folds(5)` with five replicates validates on every row once, in each cell.

    Raises:
        UserError: it is no number of folds.
    """

    count: int
    first: int = field(default=0, compare=False, repr=False)  # the seed of fold 0: the study's, which fills it in

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 2 <= self.count <= _MOST_FOLDS:
            raise UserError(f"Folds(…) takes a whole number from 2 to {_MOST_FOLDS}; it is {self.count!r}.")

    def of(self, seed: int) -> tuple[int, int]:
        """The fold of a trial with this seed, and the seed of the shuffle that makes the folds."""
        number = seed - self.first
        return number % self.count, self.first + number // self.count

    @property
    def ratio(self) -> float:
        """Validation rows by training rows."""
        return 1 / (self.count - 1)

    @property
    def key(self) -> str:
        """For names of files."""
        return f"-folds-{self.count}-{self.first}"

    def to_json(self) -> dict[str, Any]:
        return {"folds": self.count}


Splits: TypeAlias = Resample | Folds
RESAMPLE = Resample()  # the usual way


def splits_from_json(values: dict[str, Any]) -> Splits:
    """The splits of which `to_json` made these values."""
    return Folds(values["folds"]) if "folds" in values else Resample(values["validation"])
