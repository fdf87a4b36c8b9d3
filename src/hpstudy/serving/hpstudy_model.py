"""The evaluated model as the tracker keeps it: raw rows in, class probabilities or numbers out.

This file is copied into the model, beside the networks and a description of the rows. So it imports nothing from
hpstudy: loading the model takes Keras, TensorFlow, NumPy and pandas. How rows are encoded is defined in the file of the
dataset's kind, in `hpstudy.data.kinds`. That file is copied into the model too, so training and serving cannot differ.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# Beside the networks: {"classes": […], "networks": [{"file": …, "rows": {"kind": …, …}}, …]}. A regression has no
# classes; its "targets" are the names of the numbers.
ROWS_FILE = "rows.json"
_BATCH = 1024  # rows at a time: encoded words are many times larger than lists of them


def _load_pyfunc(path: str) -> Ensemble:
    """The loader calls this function, by this very name."""
    return Ensemble(Path(path))


def kind_module(kind: str) -> str:
    """The name of a kind's file in a model, which no other module is likely to have."""
    return f"hpstudy_kind_{kind}"


class Ensemble:
    """Networks of one configuration, trained under several seeds, each with its own fitted preprocessing."""

    def __init__(self, folder: Path) -> None:
        import keras

        described = json.loads((folder / ROWS_FILE).read_text("utf-8"))
        self.classes: list[str] = described["classes"]
        self._columns = self.classes or described["targets"]
        self._members = [
            (keras.models.load_model(folder / member["file"], compile=False), member["rows"])
            for member in described["networks"]
        ]

    def predict(self, rows: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The average of the networks' outputs: a DataFrame with a line for each row.

        It has a column for each class with its probability, or for each predicted number, in the target's unit.

        Args:
            rows: Rows as the dataset has them: images, lists of word numbers, passengers, or pairs of truth values.
            params: Ignored.
        """
        import pandas as pd

        del params
        batches = [self._predict(rows[first : first + _BATCH]) for first in range(0, len(rows), _BATCH)]
        found = np.concatenate(batches) if batches else np.empty((0, len(self._columns)))
        return pd.DataFrame(found, columns=self._columns)

    def _predict(self, rows: Any) -> np.ndarray:
        predict = probabilities if self.classes else outputs
        found = [predict(network, _encoded(rows, description)) for network, description in self._members]
        return np.asarray(np.mean(found, axis=0))


def outputs(network: Any, rows: np.ndarray) -> np.ndarray:
    """float64 (rows, outputs)."""
    return np.asarray(network(rows, training=False), np.float64)


def probabilities(network: Any, rows: np.ndarray) -> np.ndarray:
    """float64 (rows, classes). A network with one output gives the probability of the second of two classes."""
    found = outputs(network, rows)
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


def _encoded(rows: Any, description: Mapping[str, Any]) -> np.ndarray:
    """Raw rows as numbers, float32 (rows, *input shape); the network itself scales them.

    Args:
        description: The kind of the rows, and what was fitted on the training rows.

    Raises:
        ValueError: a row holds something that does not occur in the dataset.
    """
    kind = importlib.import_module(kind_module(description["kind"])).KIND
    return np.asarray(kind.serve(rows, description))
