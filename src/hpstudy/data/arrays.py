"""A dataset as a trainer sees it: arrays, row numbers and scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

# "dense": (rows, features) as they are. "bits": a 0-1 matrix packed by np.packbits(axis=1, bitorder="little").
Encoding: TypeAlias = Literal["dense", "bits"]


def _outputs(classes: tuple[str, ...]) -> int:
    return 1 if len(classes) == 2 else len(classes)


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """What trials see, which never includes the test split. Processes of one machine share the memory of `x`."""

    x: NDArray[Any]  # (rows, features) uint8 or float32, or for "bits" (rows, ceil(features / 8)) uint8; read-only
    encoding: Encoding
    features: int  # columns of a decoded row
    y: NDArray[np.int32]  # (rows,) class numbers
    train: NDArray[np.int32]  # sorted row numbers
    validation: NDArray[np.int32]  # sorted row numbers
    scale: NDArray[np.float32]  # (features,) or (); network input = decoded x * scale + offset
    offset: NDArray[np.float32]  # same shape
    input_shape: tuple[int, ...]  # the natural shape of one row: (28, 28), (features,), (2,)
    classes: tuple[str, ...]  # names in the order of the class numbers
    digest: str  # 16 hexadecimal digits over x and y with shapes and dtypes; the same on every machine

    @property
    def outputs(self) -> int:
        """Units of the output layer: one for two classes, else one per class."""
        return _outputs(self.classes)


@dataclass(frozen=True, kw_only=True)
class TestArrays:
    """The held-out test split, in the encoding and with the scaling of the training rows."""

    __test__: ClassVar[bool] = False  # pytest would take it for a test case

    x: NDArray[Any]  # as in Arrays
    encoding: Encoding
    features: int
    y: NDArray[np.int32]  # (rows,) class numbers
    scale: NDArray[np.float32]  # fitted on the training rows
    offset: NDArray[np.float32]
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    digest: str  # as in Arrays

    @property
    def outputs(self) -> int:
        """Units of the output layer: one for two classes, else one per class."""
        return _outputs(self.classes)
