"""How much the memory of one trainer process grows: real trials, one after the other, through `hpstudy run`.

`python benchmarks/memory.py` trains 200 trials of one structure (the learning rate varies), then 200 of which every
one has a structure of its own (the units vary), and prints the growth of the resident memory in MB a trial: the slope
of a straight line through the last sample of each trial, without the first fifth, when libraries still fill caches.
It exits with 1 if one of them passes the goal. For a quiet machine: where memory is short, the kernel takes pages of
libraries away, and the growth comes out too small.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from hpstudy import Choice, Float, Grid, Search, Study
from hpstudy.domains import Domain
from hpstudy.settings import Settings
from hpstudy.storage import Store

GOAL_MB = 0.2  # a trial
MEMORY = "process_memory_usage_megabytes"
FILE = """
from hpstudy import Study
study = Study.from_json({declaration!r})
"""


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    met = True
    for what, vary, design in workloads(options.trials):
        study = Study(name="memory", dataset=options.dataset, base={"epochs": options.epochs}, vary=vary, design=design)
        memory_mb = measure(study)
        counted = memory_mb[len(memory_mb) // 5 :]
        growth_mb = float(np.polyfit(np.arange(len(counted)), counted, 1)[0])
        met = met and growth_mb < GOAL_MB
        print(
            f"{what}: {len(memory_mb)} trials, {memory_mb[0]:.0f} MB after the first, {memory_mb[-1]:.0f} MB after "
            f"the last, {growth_mb:+.3f} MB a trial (goal: < {GOAL_MB})",
            flush=True,
        )
    return 0 if met else 1


def workloads(trials: int) -> list[tuple[str, dict[str, Domain], Grid | Search]]:
    rates: dict[str, Domain] = {"learning_rate": Float(1e-4, 1e-1, log=True)}
    units: dict[str, Domain] = {"units": Choice(*range(8, 8 + trials))}
    return [
        ("one structure", rates, Search(trials=trials, sampler="random")),
        ("each its own structure", units, Grid()),
    ]


def measure(study: Study) -> list[float]:
    """The resident memory at the end of each trial, MB. One process trains them all: recycling is switched off."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.py"
        file.write_text(FILE.format(declaration=study.to_json()))
        environment = {**os.environ, "HPSTUDY_HOME": folder, "HPSTUDY_RECYCLE_GB": "1000"}
        command = [sys.executable, "-m", "hpstudy", "run", str(file), "--processes", "1"]
        subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        store = Store(Settings.load({"home": folder}).storage)
        records = sorted(store.open(study.name).records(), key=lambda record: record.number)
        store.close()
    samples = [[epoch.system[MEMORY] for epoch in record.history if MEMORY in epoch.system] for record in records]
    return [memory_mb[-1] for memory_mb in samples if memory_mb]


if __name__ == "__main__":
    sys.exit(main())
