"""Ray Tune over the twelve configurations, two at a time.

`python -m benchmarks.peers.raytune twelve FOLDER`; prints the best validation accuracy.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers.workloads import WORKLOADS, load, network


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["twelve"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=WORKLOADS["twelve"].trials)
    parser.add_argument("--epochs", type=int, default=WORKLOADS["twelve"].epochs)
    options = parser.parse_args()
    import ray
    from ray import tune

    workload = replace(WORKLOADS[options.workload], trials=options.trials, epochs=options.epochs)

    def objective(config: dict[str, Any]) -> None:
        x, y, x_val, y_val = load(workload.data)
        model = network(config["levels"], x.shape[1], 10)
        for _ in range(workload.epochs):
            history = model.fit(x, y, 32, 1, verbose=0, validation_data=(x_val, y_val)).history
            tune.report({"val_accuracy": history["val_accuracy"][-1]})

    ray.init(num_cpus=2, include_dashboard=False, configure_logging=False, log_to_driver=False)
    levels = [{key: value for key, value in cell.items() if key != "replicate"} for cell in workload.grid]
    tuner = tune.Tuner(
        tune.with_resources(objective, {"cpu": 1}),
        param_space={"levels": tune.grid_search(levels)},
        run_config=tune.RunConfig(storage_path=str(options.folder), name="raytune", verbose=0),
    )
    results = tuner.fit()
    print(max(result.metrics["val_accuracy"] for result in results))


if __name__ == "__main__":
    main()
