"""KerasTuner's grid search over the twelve configurations, in one process, as it is meant to be used.

`python -m benchmarks.peers.kerastuner twelve FOLDER`; prints the best validation accuracy.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers.workloads import LEARNING_RATES, OPTIMIZERS, WORKLOADS, load, network


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["twelve"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=WORKLOADS["twelve"].trials)
    parser.add_argument("--epochs", type=int, default=WORKLOADS["twelve"].epochs)
    options = parser.parse_args()
    import keras_tuner

    workload = replace(WORKLOADS[options.workload], trials=options.trials, epochs=options.epochs)
    x, y, x_val, y_val = load(workload.data)

    def build(hp: Any) -> Any:
        levels = {
            "optimizer": hp.Choice("optimizer", list(OPTIMIZERS)),
            "learning_rate": hp.Choice("learning_rate", list(LEARNING_RATES)),
        }
        return network(levels, x.shape[1], 10)

    tuner = keras_tuner.GridSearch(
        build, "val_accuracy", workload.trials, directory=options.folder, project_name="kerastuner", seed=42
    )
    tuner.search(x, y, batch_size=32, epochs=workload.epochs, validation_data=(x_val, y_val), verbose=0)
    scores = [trial.score for trial in tuner.oracle.trials.values() if trial.score is not None]
    if not scores:
        raise SystemExit(f"no trial has a score: {[trial.message for trial in tuner.oracle.trials.values()]}")
    print(max(scores))


if __name__ == "__main__":
    main()
