"""Whole commands from start to exit, MLflow included, beside scripts that do the same trials."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.harness import Options, Report, Row, Run, Skipped, faster, interleaved, new_folder, python, timed

_WORKLOADS = Path(__file__).parent / "workloads"
_SCRIPT = "hand-written Optuna + MLflow + fit"
_PINNED = f"{_SCRIPT}, each process pinned to a core"
_SECOND = "hpstudy, second run"
_SMOKE = {"trials": 2, "epochs": 1}


def twelve(options: Options) -> Report:
    """The twelve trials, beside every peer."""
    rows = _rows("twelve", "12 trials × 5 epochs, 784-100-10", (6.0, 7.5), options, usual=3, peers=True)
    notes = [
        "A first run starts with an empty cache: it prepares the data and compiles every structure. A second one finds "
        "both there, in another home."
    ]
    return Report(rows=rows, notes=notes)


def fortyeight(options: Options) -> Report:
    rows = _rows("fortyeight", "48 trials × 10 epochs, 784-100-10", (10.0,), options, usual=1)
    return Report(rows=rows)


def titanic(options: Options) -> Report:
    """A hundred trials, and a thousand beside ten times what the script takes for a hundred."""
    what = "Titanic, 100 trials × 50 epochs, numbers vary"
    rows = _rows("titanic", what, (25.0,), options, usual=3, beside=_PINNED)
    if rows[0].theirs is None:
        return Report(rows=rows)
    ten_times = replace(rows[0].theirs, values=[10 * seconds for seconds in rows[0].theirs.values])
    thousand = interleaved({"hpstudy": lambda: _hpstudy("titanic", options, "--trials", 1000)}, options.times(1))
    sides = {**thousand, _PINNED: replace(ten_times, name=f"ten times 100 trials of: {_PINNED}")}
    rows.append(faster("Titanic, 1,000 trials × 50 epochs, numbers vary", sides, "hpstudy", _PINNED, 60.0))
    return Report(rows=rows)


def titanic_structures(options: Options) -> Report:
    what = "Titanic, 100 trials × 50 epochs, structures vary"
    return Report(rows=_rows("titanic_structures", what, (6.0, 12.0), options, usual=3, beside=_PINNED))


def _rows(
    name: str,
    what: str,
    goals: tuple[float, ...],
    options: Options,
    *,
    usual: int,
    peers: bool = False,
    beside: str = _SCRIPT,
) -> list[Row]:
    """A row of the first run, and one of the second run if there is a goal for it."""
    if "HPSTUDY_DATA_DIR" not in os.environ:
        raise Skipped("set HPSTUDY_DATA_DIR to the folder of the datasets: the scripts read them from there")
    sides = {"hpstudy": lambda: _hpstudy(name, options)}
    if beside == _SCRIPT:  # unpinned, TensorFlow's threads of two processes get in each other's way
        sides[_SCRIPT] = lambda: _peer("handwritten", name, options)
    sides[_PINNED] = lambda: _peer("handwritten", name, options, "--pin")
    if peers:
        sides |= {
            "KerasTuner, one process": lambda: _peer("kerastuner", name, options, needs="keras_tuner"),
            "Ray Tune, two processes": lambda: _peer("raytune", name, options, needs="ray"),
        }
    if len(goals) == 1:
        return [faster(what, interleaved(sides, options.times(usual)), "hpstudy", beside, goals[0])]
    sides[_SECOND] = lambda: _hpstudy(name, options, again=True)
    found = interleaved(sides, options.times(usual))
    second = found.pop(_SECOND)
    return [
        faster(f"{what}, first run", found, "hpstudy", beside, goals[0]),
        faster(f"{what}, second run", {"hpstudy": second, beside: found[beside]}, "hpstudy", beside, goals[1]),
    ]


def _hpstudy(name: str, options: Options, *given_to_run: Any, again: bool = False) -> Run:
    """One run; with `again` the second one that shares a cache folder, in a home of its own."""
    with new_folder() as cache:
        if again:
            _run(name, options, cache, given_to_run)
        return _run(name, options, cache, given_to_run)


def _run(name: str, options: Options, cache: Path, given_to_run: tuple[Any, ...]) -> Run:
    with new_folder() as folder:
        home = {"HPSTUDY_HOME": str(folder / "home"), "HPSTUDY_CACHE_DIR": str(cache)}
        file = folder / f"{name}.py"
        shutil.copy(_WORKLOADS / f"{name}.py", file)
        given: list[Any] = ["--processes", 2, *given_to_run]
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
