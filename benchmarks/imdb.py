"""IMDB with 10,000 words, 16-16-1, batch 512: one epoch beside `fit` on the dense matrix, and the data's memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from benchmarks.harness import Options, Report, Run, Side, at_most, faster, interleaved, python, timed
from benchmarks.trained import environment

_FIT = "fit on the dense matrix"


def run(options: Options) -> Report:
    sides = interleaved({"hpstudy": _side("hpstudy", options), _FIT: _side("fit", options)}, options.times(3))
    what = "IMDB 10,000 words, 16-16-1, batch 512"
    memory = Side(name="hpstudy", values=[sides["hpstudy"].more["data_mb"]], unit="MB")
    rows = [
        faster(f"{what}, one epoch", sides, "hpstudy", _FIT, 10.0),
        at_most(f"{what}, memory of the data", memory, 400.0),
    ]
    return Report(rows=rows, notes=["Both sides use all cores in one process; the first epoch is not counted."])


def _side(mode: str, options: Options) -> Callable[[], Run]:
    def run() -> Run:
        epochs = 1 if options.smoke else 3
        command = python("benchmarks.trained", "imdb", mode, epochs)
        _, printed = timed(command, env=environment(len(os.sched_getaffinity(0))))
        found = json.loads(printed.splitlines()[-1])
        seconds = sorted(found.pop("seconds"))
        return Run(value=seconds[len(seconds) // 2], accuracy=found["accuracy"], more=found)

    return run
