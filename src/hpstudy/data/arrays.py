"""A dataset as a trainer sees it: arrays, row numbers and scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hpstudy.study.task import Task

# "dense": (rows, features) as they are. "bits": a 0-1 matrix packed by np.packbits(axis=1, bitorder="little").
Encoding: TypeAlias = Literal["dense", "bits"]


def _outputs(classes: tuple[str, ...], y: NDArray[Any]) -> int:
    if not classes:
        return 1 if y.ndim == 1 else int(y.shape[1])
    return len(classes) if len(classes) > 2 else 1


@dataclass(frozen=True, kw_only=True)
class Standardization:
    """How the numbers of a regression become those that a network learns: mean 0 and deviation 1 in training rows."""

    mean: NDArray[np.float64]  # () or (targets,), in the target's unit
    deviation: NDArray[np.float64]  # standard deviation, likewise; 1 if all rows have the same target

    @classmethod
    def of(cls, targets: NDArray[Any]) -> Standardization:
        """Fitted on these targets, (rows,) or (rows, targets)."""
        values = targets.astype(np.float64)
        deviation = np.asarray(values.std(axis=0))
        return cls(mean=np.asarray(values.mean(axis=0)), deviation=np.where(deviation > 0, deviation, 1.0))

    def __call__(self, targets: NDArray[Any]) -> NDArray[np.float32]:
        """Standardized targets, float32 of the same shape."""
        return ((targets.astype(np.float64) - self.mean) / self.deviation).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """What trials see, which never includes the test split. Processes of one machine share the memory of `x`.

    Where several numbers are predicted together, `y` is (rows, targets).
    """

    x: NDArray[Any]  # (rows, features) uint8 or float32, or for "bits" (rows, ceil(features / 8)) uint8; read-only
    encoding: Encoding
    features: int  # columns of a decoded row
    y: NDArray[Any]  # (rows,) int32 class numbers; in a regression float32 targets in their own unit, see below
    train: NDArray[np.int32]  # sorted row numbers
    validation: NDArray[np.int32]  # sorted row numbers
    scale: NDArray[np.float32]  # (features,) or (); network input = decoded x * scale + offset
    offset: NDArray[np.float32]  # same shape
    input_shape: tuple[int, ...]  # the natural shape of one row: (28, 28), (features,), (2,)
    classes: tuple[str, ...]  # names in the order of the class numbers; none in a regression
    digest: str  # 16 hexadecimal digits over x and y with shapes and dtypes; the same on every machine
    standardization: Standardization | None = None  # of the targets of a regression
    weights: NDArray[np.float32] | None = None  # (rows,), how much each counts in training, 1 in the mean of these rows

    @property
    def task(self) -> Task:
        return "regression" if self.standardization else "classification"

    @property
    def outputs(self) -> int:
        """Units of the output layer: one for each number, one for two classes, else one per class."""
        return _outputs(self.classes, self.y)

    @property
    def truth(self) -> NDArray[Any]:
        """What a network learns: int32 class numbers, (rows,), or float32 standardized targets, shaped as `y`."""
        return self.standardization(self.y) if self.standardization else self.y


@dataclass(frozen=True, kw_only=True)
class TestArrays:
    """The held-out test split, in the encoding and with the scaling of the training rows."""

    __test__: ClassVar[bool] = False  # pytest would take it for a test case

    x: NDArray[Any]  # as in Arrays
    encoding: Encoding
    features: int
    y: NDArray[Any]  # as in Arrays
    scale: NDArray[np.float32]  # fitted on the training rows
    offset: NDArray[np.float32]
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    digest: str  # as in Arrays

    @property
    def outputs(self) -> int:
        """Units of the output layer: one for each number, one for two classes, else one per class."""
        return _outputs(self.classes, self.y)
