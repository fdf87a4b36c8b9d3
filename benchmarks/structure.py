"""The start of a second trial of the same structure beside the first one: nothing is compiled again."""

from __future__ import annotations

import time

from benchmarks.harness import Options, Report, Row, Side
from hpstudy import Grid, Study, data
from hpstudy.settings import Settings
from hpstudy.study.factors import Level

_OTHER: dict[str, Level] = {"learning_rate": 0.01, "dropout": 0.4, "l2": 0.01, "initializer": "he_normal"}


def run(options: Options) -> Report:
    from hpstudy.training.program import DenseProgram
    from hpstudy.training.trainer import Trainer

    base = {"depth": 2, "units": 100, "dropout": 0.2, "l2": 0.001, "epochs": 1}
    config = Study(name="bench", dataset="digits", base=base, design=Grid()).config({})
    trainer, seconds, programs = Trainer(), [], []
    for seed, changed in ((42, dict[str, Level]()), (43, _OTHER)):
        levels: dict[str, Level] = {**config, **changed}
        arrays = data.prepare("digits", levels, seed, Settings.load({}))
        begun = time.perf_counter()
        next(iter(trainer.start(levels, seed, arrays)))
        seconds.append(time.perf_counter() - begun)
        programs.append(sum(one.compilations for one in trainer.programs if isinstance(one, DenseProgram)))
    first, second = (Side(name=name, values=[value]) for name, value in zip(("first", "second"), seconds, strict=True))
    row = Row(
        what="second trial of a structure, start and first epoch on digits",
        ours=second,
        theirs=first,
        goal="no new compilation",
        met=programs[1] == programs[0] == 1,
        reached=f"{programs[1] - programs[0]} compilations more",
    )
    return Report(rows=[row])
