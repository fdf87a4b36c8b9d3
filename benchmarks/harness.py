"""What every part of the suite shares: interleaved runs, medians with their spread, the machine, the files."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    "tensorflow",
    "keras",
    "optuna",
    "mlflow",
    "numpy",
    "sqlalchemy",
    "psycopg",
    "keras-tuner",
    "ray",
)


class Skipped(Exception):
    """A part, or one side of it, cannot run here; the text says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a part is to be run."""

    repeats: int | None = None  # None: the part's own number
    smoke: bool = False  # a tiny size, to see that the code runs; its numbers say nothing

    def times(self, usual: int) -> int:
        return 1 if self.smoke else self.repeats or usual


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one side."""

    value: float  # what is compared; seconds unless the row says otherwise
    accuracy: float | None = None  # of the best trial, or of the epoch: shows that the same work was done
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Side:
    """The runs of one side."""

    name: str
    values: Sequence[float]
    unit: str = "s"
    accuracy: float | None = None  # median over runs
    more: Mapping[str, Any] = field(default_factory=dict)  # of the last run

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        text = f"{self.median:.3g} {self.unit}" if self.median < 1000 else f"{self.median:,.0f} {self.unit}"
        if len(self.values) > 1:
            text += f" ({min(self.values):.3g}–{max(self.values):.3g}, {len(self.values)} runs)"
        return text


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: what was reached beside the goal."""

    what: str
    ours: Side
    goal: str
    met: bool | None  # None: nothing to compare with on this machine
    reached: str  # in the words of the goal: "6.2 × faster"
    theirs: Side | None = None
    others: Sequence[Side] = ()  # further peers, for which there is no goal
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one part gives."""

    rows: Sequence[Row]
    curves: Mapping[str, Any] = field(default_factory=dict)  # name → {"x": …, "y": …, "xlabel": …, "ylabel": …}
    notes: Sequence[str] = ()


def interleaved(sides: Mapping[str, Callable[[], Run]], times: int, *, unit: str = "s") -> dict[str, Side]:
    """Run every side in turn, `times` times, so that a slow minute of the machine meets all of them.

    A side that raises `Skipped` is left out, with a sentence on standard error.
    """
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for number in range(times):
        for name, side in sides.items():
            if number and not runs[name]:
                continue
            try:
                run = side()
            except Skipped as reason:
                say(f"{name} is skipped: {reason}")
                continue
            say(f"{name}, run {number + 1} of {times}: {run.value:.4g} {unit}, accuracy {run.accuracy}")
            runs[name].append(run)
    return {name: side_of(name, found, unit) for name, found in runs.items() if found}


def side_of(name: str, runs: Sequence[Run], unit: str = "s") -> Side:
    accuracies = [run.accuracy for run in runs if run.accuracy is not None]
    return Side(
        name=name,
        values=[run.value for run in runs],
        unit=unit,
        accuracy=statistics.median(accuracies) if accuracies else None,
        more=runs[-1].more,
    )


def faster(what: str, sides: Mapping[str, Side], ours: str, theirs: str, goal: float) -> Row:
    """A row whose goal is to be so many times as fast as a peer."""
    others = [side for name, side in sides.items() if name not in (ours, theirs)]
    if theirs not in sides:
        return Row(
            what=what, ours=sides[ours], goal=f"≥ {goal:g} × faster", met=None, reached="not compared", others=others
        )
    ratio = sides[theirs].median / sides[ours].median
    return Row(
        what=what,
        ours=sides[ours],
        theirs=sides[theirs],
        others=others,
        goal=f"≥ {goal:g} × faster",
        met=ratio >= goal,
        reached=f"{ratio:.1f} ×",
    )


def at_most(what: str, side: Side, limit: float, **more: Any) -> Row:
    """A row whose goal is an upper limit."""
    return Row(
        what=what,
        ours=side,
        goal=f"≤ {limit:g} {side.unit}",
        met=side.median <= limit,
        reached=f"{side.median:.3g} {side.unit}",
        **more,
    )


def timed(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, str]:
    """Seconds from start to exit, and what was printed.

    Raises:
        RuntimeError: the command failed; with the last lines that it printed.
    """
    began = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **(env or {})}, cwd=cwd, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        lines = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{lines}")
    return seconds, done.stdout


def python(module: str, *arguments: object) -> list[str]:
    """The command of a module of this suite, or of hpstudy, in a process of its own."""
    return [sys.executable, "-m", module, *map(str, arguments)]


@contextmanager
def new_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hpstudy-bench-") as folder:
        yield Path(folder)


def peak_mb(process: psutil.Process | None = None) -> float:
    """The most memory that a process has used so far, MB (Linux)."""
    status = Path(f"/proc/{process.pid if process else 'self'}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) * 1024 / 1e6


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def save(part: str, report: Report, options: Options, seconds: float) -> Path | None:
    """Write the part's JSON; of a smoke run nothing is kept."""
    if options.smoke:
        return None
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{part}.json"
    found = {
        "part": part,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(seconds, 1),
        "machine": machine(),
        "versions": versions(),
        **asdict(report),
    }
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(file)
    return file


def machine() -> dict[str, Any]:
    """What the numbers depend on. No name of the machine, no path."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
