"""`hpstudy --help`, and how long after its start a run has trained its first epoch."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.harness import Options, Report, Row, Run, Side, at_most, interleaved, new_folder, python, side_of, timed

_WORKLOADS = Path(__file__).parent / "workloads"
_BARE = "bare import tensorflow"


def run(options: Options) -> Report:
    timed(python("hpstudy", "--help"))  # byte code and the disk's cache
    help_ = side_of("--help", [Run(value=timed(python("hpstudy", "--help"))[0]) for _ in range(options.times(9))])
    sides = interleaved({"hpstudy run": _first_epoch, _BARE: _bare}, options.times(5))
    ours, bare = sides["hpstudy run"], sides[_BARE]
    ratio = ours.median / bare.median
    row = Row(
        what="start of `run` to the first epoch (digits, one process)",
        ours=ours,
        theirs=Side(name=_BARE, values=bare.values),
        goal="< 2 × bare import tensorflow",
        met=ratio < 2,
        reached=f"{ratio:.2f} ×",
    )
    return Report(rows=[at_most("`hpstudy --help`", help_, 0.3), row])


def _bare() -> Run:
    return Run(value=timed([sys.executable, "-c", "import tensorflow"])[0])


def _first_epoch() -> Run:
    """Until the first epoch stands in the trial's journal."""
    with new_folder() as folder:
        shutil.copy(_WORKLOADS / "short.py", folder / "short.py")
        command = python("hpstudy", "run", folder / "short.py", "--processes", 1, "--home", folder / "home")
        journal = folder / "home" / "runs" / "short" / "00000" / "events.jsonl"
        begun = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while not (journal.exists() and journal.stat().st_size):
                if process.poll() is not None:
                    raise RuntimeError("hpstudy run ended before its first epoch")
                time.sleep(0.01)
            seconds = time.perf_counter() - begun
            process.wait()
    return Run(value=seconds)
