"""What a careful person writes: Optuna's storage, `model.fit`, a run in MLflow for every trial, two processes.

`python -m benchmarks.peers.handwritten twelve FOLDER`; prints the best validation accuracy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers.workloads import WORKLOADS, Workload, load, network, suggest

PROCESSES = 2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--pin", action="store_true", help="each process to a core of its own, which few people do")
    parser.add_argument("--worker", type=int, help="which of the processes this is")
    options = parser.parse_args()
    changes = {name: getattr(options, name) for name in ("trials", "epochs") if getattr(options, name)}
    workload = replace(WORKLOADS[options.workload], **changes)
    if options.worker is None:
        _lead(workload, options.folder)
    else:
        if options.pin:
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[options.worker % len(cores)]})
        _work(workload, options.folder, options.worker)


def _lead(workload: Workload, folder: Path) -> None:
    """Make both stores, start the processes, wait, and say what is best."""
    import mlflow
    import optuna

    mlflow.set_tracking_uri(_mlflow_uri(folder))
    mlflow.set_experiment("handwritten")
    study = optuna.create_study(direction="maximize", storage=_storage(folder), study_name="handwritten")
    if workload.varies == "grid":
        for params in workload.grid:
            study.enqueue_trial(params)
    workers = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.peers.handwritten", *sys.argv[1:], "--worker", str(number)])
        for number in range(PROCESSES)
    ]
    codes = [worker.wait() for worker in workers]
    if any(codes):
        sys.exit("a worker failed")
    print(study.best_value)


def _work(workload: Workload, folder: Path, number: int) -> None:
    """A share of the trials."""
    import keras
    import mlflow
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mlflow.set_tracking_uri(_mlflow_uri(folder))
    mlflow.set_experiment("handwritten")
    x, y, x_val, y_val = load(workload.data)
    outputs = 1 if workload.data == "titanic" else 10

    class Logged(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            mlflow.log_metrics(dict(logs or {}), step=epoch + 1)

    def objective(trial: optuna.Trial) -> float:
        params = suggest(trial, workload.varies)
        keras.utils.set_random_seed(42 + params.pop("replicate", 0))
        with mlflow.start_run(run_name=f"trial {trial.number}"):
            mlflow.log_params(params)
            model = network(params, x.shape[1], outputs)
            history = model.fit(
                x, y, 32, workload.epochs, verbose=0, validation_data=(x_val, y_val), callbacks=[Logged()]
            )
        return float(history.history["val_accuracy"][-1])

    sampler = optuna.samplers.RandomSampler(seed=number)
    study = optuna.load_study(study_name="handwritten", storage=_storage(folder), sampler=sampler)
    share = workload.trials // PROCESSES + (number < workload.trials % PROCESSES)
    study.optimize(objective, n_trials=share)


def _storage(folder: Path) -> str:
    return f"sqlite:///{folder / 'optuna.db'}"


def _mlflow_uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


if __name__ == "__main__":
    main()
