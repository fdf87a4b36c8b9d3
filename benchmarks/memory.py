"""How much the memory of one trainer process grows: real trials, one after the other, through `hpstudy run`.

200 trials of one structure (the learning rate varies), then 200 of which every one has a structure of its own (the
units vary). The growth of the resident memory in MB a trial is the slope of a straight line through the last sample of
each trial, without the first fifth, when libraries still fill caches.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import Options, Report, Side, at_most, python
from hpstudy import Choice, Float, Grid, Search, Study
from hpstudy.settings import Settings
from hpstudy.storage import Store
from hpstudy.study.domains import Domain

_GOAL_MB = 0.2  # a trial
_MEMORY = "process_memory_usage_megabytes"
_FILE = """
from hpstudy import Study
study = Study.from_json({declaration!r})
"""


def run(options: Options) -> Report:
    trials = 10 if options.smoke else 200
    rows = []
    for what, vary, design in workloads(trials):
        study = Study(name="memory", dataset="digits", base={"epochs": 3}, vary=vary, design=design)
        memory_mb = measure(study)
        counted = memory_mb[len(memory_mb) // 5 :]
        growth_mb = round(float(np.polyfit(np.arange(len(counted)), counted, 1)[0]), 3)
        name = f"growth of a trainer process over {len(memory_mb)} trials, {what}"
        more = {"first_mb": memory_mb[0], "last_mb": memory_mb[-1]}
        rows.append(at_most(name, Side(name="hpstudy", values=[growth_mb], unit="MB a trial", more=more), _GOAL_MB))
    notes = [
        "TensorFlow keeps what XLA compiled until the process ends, so each new structure costs. A process that has "
        f"grown by {Settings.recycle_gb:g} GB makes way for a new one (`HPSTUDY_RECYCLE_GB`).",
        "Where memory is short, the kernel takes pages of libraries away, and the growth comes out too small.",
    ]
    return Report(rows=rows, notes=notes)


def workloads(trials: int) -> list[tuple[str, dict[str, Domain], Grid | Search]]:
    rates: dict[str, Domain] = {"learning_rate": Float(1e-4, 1e-1, log=True)}
    units: dict[str, Domain] = {"units": Choice(*range(8, 8 + trials))}
    return [
        ("one structure", rates, Search(finalists=0, trials=trials, sampler="random")),
        ("each its own structure", units, Grid()),
    ]


def measure(study: Study) -> list[float]:
    """The resident memory at the end of each trial, MB. One process trains them all: recycling is switched off."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.py"
        file.write_text(_FILE.format(declaration=study.to_json()))
        environment = {**os.environ, "HPSTUDY_HOME": folder, "HPSTUDY_RECYCLE_GB": "1000"}
        command = python("hpstudy", "run", file, "--processes", 1)
        subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        store = Store(Settings.load({"home": folder}).storage)
        records = sorted(store.open(study.name).trials.records(), key=lambda record: record.number)
        store.close()
    samples = [[epoch.system[_MEMORY] for epoch in record.history if _MEMORY in epoch.system] for record in records]
    return [memory_mb[-1] for memory_mb in samples if memory_mb]
