"""One epoch after compilation beside the time of its matrix products at the machine's best speed."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.harness import Options, Report, Row, Run, Side, interleaved, python, timed
from benchmarks.trained import CONFIGURATIONS, environment

_EPOCHS = {"small": 5, "small_sgd": 5, "deep": 2, "deep_sgd": 2}  # of each run; the median counts
_GOALS = {"small": 1.5, "small_sgd": 1.5, "deep": 1.3, "deep_sgd": 1.3}
_TITLES = {
    "small": "784-100-10, batch 32, Adam",
    "small_sgd": "784-100-10, batch 32, SGD",
    "deep": "784-4×512-10, batch 100, Adam",
    "deep_sgd": "784-4×512-10, batch 100, SGD",
}


def run(options: Options) -> Report:
    cores = len(os.sched_getaffinity(0))
    networks = ("small",) if options.smoke else tuple(_EPOCHS)
    rows = [_row(name, threads, options) for name in networks for threads in sorted({1, cores})]
    notes = [
        "The floor counts forward and backward products of the training rows (3 × 2 × weights × rows) and the "
        "forward products of the validation rows, divided by the speed of a 4096² float32 product on as many threads. "
        "The strict count leaves out the gradient of the input, which nobody needs.",
        _profile("small"),
    ]
    return Report(rows=rows, notes=notes)


def _profile(name: str) -> str:
    """Where the time of a step goes, in a sentence."""
    _, printed = timed(python("benchmarks.trained", name, "steps", 1), env=environment(1))
    parts: dict[str, float] = json.loads(printed.splitlines()[-1])
    found = ", ".join(f"{what} {microseconds:.1f}" for what, microseconds in parts.items())
    return f"Microseconds of a step of {_TITLES[name]}, one thread, each part compiled alone: {found}."


def _row(name: str, threads: int, options: Options) -> Row:
    modes = ("floor", "hpstudy", "products")
    sides = interleaved({mode: _side(name, mode, threads, options) for mode in modes}, options.times(3))
    shape = sides["hpstudy"].more
    speed = max(1 / value for value in sides["floor"].values) * 1e9
    whole, strict = (count(name, shape, strict=strict) / speed for strict in (False, True))
    ratio = sides["hpstudy"].median / whole
    floor = Side(name=f"floor, {speed / 1e9:.0f} GFLOP/s", values=[whole], more={"strict_s": strict})
    return Row(
        what=f"one epoch {_TITLES[name]}, {threads} thread{'s' if threads > 1 else ''}",
        ours=sides["hpstudy"],
        theirs=floor,
        others=[replace(sides["products"], name="the products of the training batches alone, compiled")],
        goal=f"≤ {_GOALS[name]} × the floor",
        met=ratio <= _GOALS[name],
        reached=f"{ratio:.2f} × (strict count {sides['hpstudy'].median / strict:.2f} ×)",
    )


def _side(name: str, mode: str, threads: int, options: Options) -> Callable[[], Run]:
    def run() -> Run:
        epochs = 1 if options.smoke else _EPOCHS[name]
        _, printed = timed(python("benchmarks.trained", name, mode, epochs), env=environment(threads))
        found: dict[str, Any] = json.loads(printed.splitlines()[-1])
        if mode == "floor":
            return Run(value=1 / found["gflops"])  # seconds a GFLOP
        seconds = sorted(found.pop("seconds"))
        return Run(value=seconds[len(seconds) // 2], accuracy=found["accuracy"], more=found)

    return run


def count(name: str, shape: Any, *, strict: bool) -> float:
    """Floating-point operations of an epoch's matrix products."""
    _, base = CONFIGURATIONS[name]
    sizes = [shape["features"], *[base["units"]] * base["depth"], 10]
    weights = sum(one * other for one, other in itertools.pairwise(sizes))
    spared = 2 * sizes[0] * sizes[1] * shape["rows"] if strict else 0
    return float(6 * weights * shape["rows"] - spared + 2 * weights * shape["validation_rows"])
