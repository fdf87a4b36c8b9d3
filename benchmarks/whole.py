"""Whole commands from start to exit, MLflow included, beside scripts that do the same trials."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.harness import Options, Report, Row, Run, Skipped, faster, interleaved, new_folder, python, timed

_WORKLOADS = Path(__file__).parent / "workloads"
_SCRIPT = "hand-written Optuna + MLflow + fit"
_PINNED = "the same script, each process pinned to a core"
_SMOKE = {"trials": 2, "epochs": 1}


def twelve(options: Options) -> Report:
    """The twelve trials, beside every peer."""
    row = _row("twelve", "12 trials × 5 epochs, 784-100-10", 5.0, options, usual=3, peers=True)
    return Report(rows=[row], notes=["Every run starts with an empty cache: the data are prepared in each."])


def fortyeight(options: Options) -> Report:
    return Report(rows=[_row("fortyeight", "48 trials × 10 epochs, 784-100-10", 8.0, options, usual=1)])


def titanic(options: Options) -> Report:
    return Report(rows=[_row("titanic", "Titanic, 100 trials × 50 epochs, numbers vary", 8.0, options, usual=3)])


def titanic_structures(options: Options) -> Report:
    what = "Titanic, 100 trials × 50 epochs, structures vary"
    return Report(rows=[_row("titanic_structures", what, 3.0, options, usual=3)])


def _row(name: str, what: str, goal: float, options: Options, *, usual: int, peers: bool = False) -> Row:
    if "HPSTUDY_DATA_DIR" not in os.environ:
        raise Skipped("set HPSTUDY_DATA_DIR to the folder of the datasets: the scripts read them from there")
    sides = {
        "hpstudy": lambda: _hpstudy(name, options),
        _SCRIPT: lambda: _peer("handwritten", name, options),
        _PINNED: lambda: _peer("handwritten", name, options, "--pin"),
    }
    if peers:
        sides |= {
            "KerasTuner, one process": lambda: _peer("kerastuner", name, options, needs="keras_tuner"),
            "Ray Tune, two processes": lambda: _peer("raytune", name, options, needs="ray"),
        }
    return faster(what, interleaved(sides, options.times(usual)), "hpstudy", _SCRIPT, goal)


def _hpstudy(name: str, options: Options) -> Run:
    with new_folder() as folder:
        home = {"HPSTUDY_HOME": str(folder / "home"), "HPSTUDY_CACHE_DIR": str(folder / "cache")}
        file = folder / f"{name}.py"
        shutil.copy(_WORKLOADS / f"{name}.py", file)
        given: list[Any] = ["--processes", 2]
        if options.smoke:
            given += ["--epochs", 1] + (["--trials", 2] if name.startswith("titanic") else ["--replicates", 1])
        seconds, _ = timed(python("hpstudy", "run", file, *given), env=home)
        _, printed = timed(python("hpstudy", "status", name, "--json"), env=home)
        status = json.loads(printed)
        return Run(value=seconds, accuracy=status["best"]["value"], more={"trials": status["trials"]})


def _peer(script: str, name: str, options: Options, *flags: str, needs: str | None = None) -> Run:
    if needs and importlib.util.find_spec(needs) is None:
        raise Skipped(f"{needs} is not installed; `pip install -c constraints.txt -e '.[bench]'` brings it")
    with new_folder() as folder:
        quick = [part for key, value in _SMOKE.items() for part in (f"--{key}", value)] if options.smoke else []
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
        try:
            seconds, printed = timed(python(f"benchmarks.peers.{script}", name, folder, *quick, *flags), env=quiet)
            return Run(value=seconds, accuracy=float(printed.split()[-1]))
        except (RuntimeError, ValueError, IndexError) as error:
            if needs is None:
                raise
            raise Skipped(f"its script failed, and the other sides should not be lost with it: {error}") from error
