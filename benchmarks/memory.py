"""What trainer processes need of memory: eight beside one, and how much one grows over real trials.

200 trials of one structure (the learning rate varies), then 200 of which every one has a structure of its own (the
units vary). The growth of the resident memory in MB a trial is the slope of a straight line through the last sample of
each trial, without the first fifth, when libraries still fill caches.

Of several processes the proportional set sizes are added up: a page that they share counts once. The process from which
they are forked counts as well.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import psutil

from benchmarks.harness import Options, Report, Row, Side, at_most, python
from hpstudy import Choice, Float, Grid, Search, Study
from hpstudy.settings import Settings
from hpstudy.storage import Store
from hpstudy.study.domains import Domain
from hpstudy.study.factors import Level
from hpstudy.worker.devices import slots
from hpstudy.worker.messages import Ended, Message
from hpstudy.worker.supervisor import Assignment, Supervisor, TrainerHandle

_GOALS_MB = (0.2, 6.0)  # a trial, of one structure and of its own
_PROCESSES = 8
_MEMORY = "process_memory_usage_megabytes"
_FILE = """
from hpstudy import Study
study = Study.from_json({declaration!r})
"""


def run(options: Options) -> Report:
    trials = 10 if options.smoke else 200
    rows = []
    for (what, vary, design), goal_mb in zip(workloads(trials), _GOALS_MB, strict=True):
        study = Study(name="memory", dataset="digits", base={"epochs": 3}, vary=vary, design=design)
        memory_mb = measure(study)
        counted = memory_mb[len(memory_mb) // 5 :]
        growth_mb = round(float(np.polyfit(np.arange(len(counted)), counted, 1)[0]), 3)
        name = f"growth of a trainer process over {len(memory_mb)} trials, {what}"
        more = {"first_mb": memory_mb[0], "last_mb": memory_mb[-1]}
        rows.append(at_most(name, Side(name="hpstudy", values=[growth_mb], unit="MB a trial", more=more), goal_mb))
    rows.append(_several(2 if options.smoke else _PROCESSES))
    notes = [
        "TensorFlow keeps what XLA compiled until the process ends, so each new structure costs. A process that has "
        f"grown by {Settings.recycle_gb:g} GB makes way for a new one (`HPSTUDY_RECYCLE_GB`).",
        "Where memory is short, the kernel takes pages of libraries away, and the growth comes out too small.",
    ]
    return Report(rows=rows, notes=notes)


def _several(processes: int) -> Row:
    one, all_mb, alone_mb = (
        proportional_mb(number, forked=forked) for number, forked in ((1, True), (processes, True), (processes, False))
    )
    share = all_mb / (processes * one)
    return Row(
        what=f"memory of {processes} trainer processes, 784-100-10, each after a trial",
        ours=Side(name="hpstudy", values=[all_mb], unit="MB"),
        theirs=Side(name=f"{processes} × one", values=[processes * one], unit="MB"),
        others=[Side(name="each with libraries of its own", values=[alone_mb], unit="MB")],
        goal="≤ 0.7 × as many times one",
        met=share <= 0.7,
        reached=f"{share:.2f} ×",
    )


def proportional_mb(processes: int, *, forked: bool) -> float:
    """The memory of so many trainer processes once each has ended a trial, that of their fork server included, MB."""
    ended, found = set[int](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({"home": folder})
        base: dict[str, Level] = {"depth": 1, "units": 100, "batch_size": 32, "epochs": 2}
        study = Study(name="memory", dataset="fashion_mnist", base=base, vary={}, design=Grid(replicates=3 * processes))
        work = Assignment(slots=slots(processes), study=study.name, idle_exit_s=60.0, forked=forked)
        store = Store(settings.storage)
        queue = store.register(study)
        with Supervisor(settings, work) as supervisor:

            def hear(handle: TrainerHandle, message: Message) -> None:
                if isinstance(message, Ended):
                    ended.add(handle.process.pid)
                if len(ended) == processes and not found:
                    family = psutil.Process().children(recursive=True)
                    found.append(sum(process.memory_full_info().pss for process in family) / 1e6)
                    supervisor.finish()

            supervisor.start()
            supervisor.work(lambda: [queue], hear=hear, tick=lambda: None)
        store.close()
    return found[0]


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
