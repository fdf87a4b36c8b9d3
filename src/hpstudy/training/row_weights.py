"""How much each row counts in the loss that training minimizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpstudy.study.factors import Config

if TYPE_CHECKING:
    from hpstudy.data import Arrays


def row_weights(config: Config, arrays: Arrays) -> NDArray[np.float32] | None:
    """float32 (rows,), 1 in the mean over training rows; None if all rows count the same.

    `class_weight="balanced"` divides a row's weight by the rows of its class (King & Zeng 2001), as scikit-learn does.
    """
    if config["class_weight"] == "none":
        return arrays.weights
    counts = np.bincount(arrays.y[arrays.train], minlength=len(arrays.classes))
    of_class = len(arrays.train) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    weights: NDArray[np.float32] = of_class[arrays.y].astype(np.float32)
    return weights if arrays.weights is None else weights * arrays.weights
