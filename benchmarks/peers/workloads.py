"""The same workloads as in benchmarks/workloads, in the plain words of somebody without hpstudy."""

from __future__ import annotations

import gzip
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
LEARNING_RATES = (0.001, 0.01)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What a peer's script has to do."""

    trials: int
    epochs: int
    data: str  # "fashion" or "titanic"
    varies: str  # "grid", "numbers" or "structures"

    @property
    def grid(self) -> list[dict[str, Any]]:
        """Every trial of a grid."""
        cells = list(itertools.product(OPTIMIZERS, LEARNING_RATES))
        repeats = -(-self.trials // len(cells))
        return [
            {"optimizer": optimizer, "learning_rate": rate, "replicate": replicate}
            for replicate in range(repeats)
            for optimizer, rate in cells
        ][: self.trials]


WORKLOADS = {
    "twelve": Workload(trials=12, epochs=5, data="fashion", varies="grid"),
    "fortyeight": Workload(trials=48, epochs=10, data="fashion", varies="grid"),
    "titanic": Workload(trials=100, epochs=50, data="titanic", varies="numbers"),
    "titanic_structures": Workload(trials=100, epochs=50, data="titanic", varies="structures"),
}


def load(data: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training rows and labels, validation rows and labels: 80 % and 20 % of what is not the test split."""
    from sklearn.model_selection import train_test_split

    x, y = _fashion() if data == "fashion" else _titanic()
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)
    return x_train, y_train, x_val, y_val


def _folder() -> Path:
    return Path(os.environ["HPSTUDY_DATA_DIR"])


def _fashion() -> tuple[np.ndarray, np.ndarray]:
    def read(pattern: str, header: int) -> np.ndarray:
        file = next(iter(sorted(_folder().rglob(pattern))))
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        return np.frombuffer(content, np.uint8, offset=header)

    x = read("train-images*", 16).reshape(-1, 784).astype("float32") / 255.0
    return x, read("train-labels*", 8).astype("int32")


def _titanic() -> tuple[np.ndarray, np.ndarray]:
    """As many columns as hpstudy makes of the passengers, scaled to mean 0 and deviation 1."""
    import pandas as pd

    table = pd.read_csv(next(iter(_folder().rglob("titanic*.csv"))))
    table.columns = [name.lower() for name in table.columns]
    columns = {
        "male": table["sex"].eq("male"),
        **{f"class {number}": table["pclass"].eq(number) for number in (1, 2, 3)},
        **{f"from {port}": table["embarked"].eq(port) for port in "CQS"},
        "age": table["age"].fillna(table["age"].median()),
        "no age": table["age"].isna(),
        **{name: table[name] for name in ("sibsp", "parch", "fare")},
    }
    x = pd.DataFrame(columns).astype("float32").to_numpy()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = table["survived"].to_numpy("int32")
    kept = np.random.default_rng(0).permutation(len(x))[: int(0.8 * len(x))]  # the rest is for testing
    return x[kept], y[kept]


def network(params: dict[str, Any], features: int, outputs: int) -> Any:
    """A compiled Keras model."""
    import keras

    penalty = keras.regularizers.L2(params["l2"]) if "l2" in params else None
    layers: list[Any] = [keras.Input((features,))]
    for _ in range(params.get("depth", 2 if outputs == 1 else 1)):
        layers.append(
            keras.layers.Dense(
                params.get("units", 32 if outputs == 1 else 100),
                activation=params.get("activation", "relu"),
                kernel_regularizer=penalty,
            )
        )
        if "dropout" in params:
            layers.append(keras.layers.Dropout(params["dropout"]))
    last = "sigmoid" if outputs == 1 else "softmax"
    layers.append(keras.layers.Dense(outputs, activation=last, kernel_regularizer=penalty))
    model = keras.Sequential(layers)
    loss = "binary_crossentropy" if outputs == 1 else "sparse_categorical_crossentropy"
    model.compile(optimizer(params.get("optimizer", "adam"), params["learning_rate"]), loss, metrics=["accuracy"])
    return model


def optimizer(name: str, learning_rate: float) -> Any:
    import keras

    if name in ("momentum", "nesterov"):
        return keras.optimizers.SGD(learning_rate, momentum=0.9, nesterov=name == "nesterov")
    kinds = {
        "sgd": keras.optimizers.SGD,
        "adagrad": keras.optimizers.Adagrad,
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
    }
    return kinds[name](learning_rate)


def suggest(trial: Any, varies: str) -> dict[str, Any]:
    """Ask an Optuna trial for its hyperparameters."""
    if varies == "grid":
        return {
            "optimizer": trial.suggest_categorical("optimizer", OPTIMIZERS),
            "learning_rate": trial.suggest_categorical("learning_rate", LEARNING_RATES),
            "replicate": trial.suggest_int("replicate", 0, 3),
        }
    params: dict[str, Any] = {}
    if varies == "structures":
        params["depth"] = trial.suggest_int("depth", 1, 3)
        params["units"] = trial.suggest_categorical("units", (8, 16, 32, 64))
        params["activation"] = trial.suggest_categorical("activation", ("sigmoid", "tanh", "relu", "silu"))
        params["optimizer"] = trial.suggest_categorical("optimizer", ("sgd", "rmsprop", "adam"))
    params["learning_rate"] = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
    params["dropout"] = trial.suggest_float("dropout", 0.05, 0.5)
    params["l2"] = trial.suggest_float("l2", 1e-6, 1e-2, log=True)
    return params
