"""IMDB with 10,000 words, 16-16-1, batch 512: one epoch beside `fit` on the dense matrix, and the data's memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from benchmarks.harness import Options, Report, Row, Run, Side, at_most, faster, interleaved, python, timed
from benchmarks.trained import environment

_FIT = "fit on the dense matrix"
_WHAT = "IMDB 10,000 words, 16-16-1, batch 512"


def run(options: Options) -> Report:
    cores = len(os.sched_getaffinity(0))
    rows = [row for threads in sorted({1, cores}) for row in _rows(threads, options)]
    notes = [
        "One core is what `run` gives each trainer process on a machine of several; the first epoch is not counted.",
        "The memory of the data is what the process has grown by when everything is ready for the first epoch: rows, "
        "the network, the optimizer's state. The arrays alone, as they are stored, have 31 MB.",
    ]
    return Report(rows=rows, notes=notes)


def _rows(threads: int, options: Options) -> list[Row]:
    modes = {"hpstudy": "hpstudy", _FIT: "fit"}
    sides = interleaved({name: _side(mode, threads, options) for name, mode in modes.items()}, options.times(5))
    cores = f"{threads} core{'s' if threads > 1 else ''}"
    memory = Side(name="hpstudy", values=[sides["hpstudy"].more["data_mb"]], unit="MB")
    return [
        faster(f"{_WHAT}, one epoch, both on {cores}", sides, "hpstudy", _FIT, 10.0),
        at_most(f"{_WHAT}, memory of the data, {cores}", memory, 400.0),
    ]


def _side(mode: str, threads: int, options: Options) -> Callable[[], Run]:
    def run() -> Run:
        epochs = 1 if options.smoke else 5
        command = python("benchmarks.trained", "imdb", mode, epochs)
        _, printed = timed(command, env=environment(threads))
        found = json.loads(printed.splitlines()[-1])
        seconds = sorted(found.pop("seconds"))
        return Run(value=seconds[len(seconds) // 2], accuracy=found["accuracy"], more=found)

    return run
