"""What grows with a study: claims, status, report, the mirror, and trials an hour with more processes."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.claiming import latency_ms, rate, with_hpstudy
from benchmarks.filled import fill, search
from benchmarks.harness import Options, Report, Row, Run, Side, at_most, new_folder, python, say, side_of, timed
from benchmarks.servers import Copies, postgres
from hpstudy.records import StudyState
from hpstudy.settings import Settings
from hpstudy.storage import Store

NAME = "growth"
_WORKLOADS = Path(__file__).parent / "workloads"


@dataclass(frozen=True, kw_only=True)
class _Sizes:
    recorded: tuple[int, ...]  # trials in the database
    workers: tuple[int, ...]
    large: int  # trials of the study that commands look at
    reports: tuple[int, ...]
    mirrored: int
    claims: int  # of each process
    processes: tuple[int, ...]


_FULL = _Sizes(
    recorded=(0, 1_000, 5_000, 10_000, 20_000),
    workers=(1, 2, 4, 8, 16),
    large=10_000,
    reports=(100, 1_000, 10_000),
    mirrored=300,
    claims=25,
    processes=(1, 2, 4),
)
_SMOKE = _Sizes(recorded=(0, 20), workers=(1, 2), large=30, reports=(20,), mirrored=3, claims=2, processes=(1,))


def run(options: Options) -> Report:
    sizes = _SMOKE if options.smoke else _FULL
    commands, reports = _commands(sizes, options)
    curves = {"report": reports, **_claims(sizes), "processes": _trials_an_hour(sizes, options)}
    return Report(rows=[*commands, _mirror(sizes)], curves=curves)


def _commands(sizes: _Sizes, options: Options) -> tuple[list[Row], dict[str, Any]]:
    """`status`, `ls` and `report` as a user waits for them, on SQLite."""
    points = []
    for size in sizes.reports:
        with _filled_home(size) as home:
            points.append((size, _command(["report", NAME], home)[0].value))
    with _filled_home(sizes.large) as home:
        times = options.times(5)
        status = side_of("status", [_command(["status", NAME], home)[0] for _ in range(times)])
        listed = side_of("ls", [_command(["ls"], home)[0] for _ in range(times)])
        reports = [_command(["report", NAME], home) for _ in range(options.times(3))]
    report = side_of("report", [run for run, _ in reports])
    memory = Side(name="report", values=[mb for _, mb in reports], unit="MB")
    at = f"at {sizes.large:,} trials"
    rows = [
        at_most(f"`hpstudy status` {at}", status, 1.0),
        at_most(f"`hpstudy ls` {at}", listed, 1.0),
        at_most(f"`hpstudy report` {at}", report, 10.0),
        at_most(f"`hpstudy report` {at}, peak memory", memory, 500.0),
    ]
    return rows, _curve("Time of a report", "recorded trials", "s", {"report": points})


@contextmanager
def _filled_home(size: int) -> Iterator[Path]:
    with new_folder() as home:
        store = Store(f"sqlite:///{home / 'hpstudy.db'}")
        fill(store, search(10 * size, name=NAME), size)
        store.close()
        yield home


def _command(arguments: list[str], home: Path) -> tuple[Run, float]:
    """Its time, and its peak memory in MB."""
    environment = {**os.environ, "HPSTUDY_HOME": str(home)}
    begun = time.perf_counter()
    process = subprocess.Popen(python("hpstudy", *arguments), env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"hpstudy {' '.join(arguments)} exited with {process.returncode}")
    return Run(value=time.perf_counter() - begun), usage.ru_maxrss * 1024 / 1e6


def _claims(sizes: _Sizes) -> dict[str, Any]:
    latencies, by_workers, rates = [], [], []
    with postgres() as server:
        for size in sizes.recorded:
            copies, study = _filled(server, size)
            latencies.append((size, latency_ms(copies.new(), study, 1, 2 * sizes.claims)))
            say(f"claim at {size} trials: {latencies[-1][1]:.1f} ms")
        copies, study = _filled(server, 1_000 if max(sizes.recorded) >= 1_000 else 20)
        for workers in sizes.workers:
            by_workers.append((workers, latency_ms(copies.new(), study, workers, sizes.claims)))
            rates.append((workers, rate(with_hpstudy, copies.new(), study, workers, sizes.claims)))
            say(f"{workers} workers: {by_workers[-1][1]:.1f} ms a claim, {rates[-1][1]:.1f} trials/s")
    axis = "processes that claim without training"
    return {
        "claim-trials": _curve("Time of a claim", "recorded trials", "ms", {"one process": latencies}),
        "claim-workers": _curve("Time of a claim", axis, "ms", {"at 1,000 trials": by_workers}),
        "claim-rate": _curve("Claim, report and finish", axis, "trials/s", {"all together": rates}),
    }


def _filled(server: Any, size: int) -> tuple[Copies, Any]:
    url, study = str(server.new_database()), search(10 * size + 10_000, name=NAME)
    store = Store(url)
    fill(store, study, size)
    store.close()
    return Copies(server, url), study


def _mirror(sizes: _Sizes) -> Row:
    """Runs a second into the embedded store, of trials with ten epochs."""
    from hpstudy.tracking.mlflow import Mirror

    with _filled_home(sizes.mirrored) as home:
        settings = Settings.load({"home": str(home)}, environ={})
        store = Store(settings.storage)
        queue = store.open(NAME)
        mirror, records = Mirror(settings, queue.study), queue.trials.records()
        mirror.parent_run_id()  # makes the store
        begun = time.perf_counter()
        mirror.sync(records, state=StudyState.RUNNING)
        seconds = time.perf_counter() - begun
        store.close()
    side = Side(name="mirror", values=[sizes.mirrored / seconds], unit="trials/s")
    return Row(what="mirror, embedded store, ten epochs a trial", ours=side, goal="–", met=None, reached=str(side))


def _trials_an_hour(sizes: _Sizes, options: Options) -> dict[str, Any]:
    """The twelve trials with one process, two and more: what more processes than cores bring."""
    points = []
    for processes in sizes.processes:
        with new_folder() as folder:
            shutil.copy(_WORKLOADS / "twelve.py", folder / "twelve.py")
            home = {"HPSTUDY_HOME": str(folder / "home")}
            epochs = 1 if options.smoke else 5
            given = ["run", folder / "twelve.py", "--processes", processes, "--epochs", epochs]
            seconds = statistics.median(timed(python("hpstudy", *given), env=home)[0] for _ in range(1))
        points.append((processes, 12 * 3600 / seconds))
        say(f"{processes} processes: {points[-1][1]:.0f} trials/hour")
    return _curve("Trials of five epochs on this machine", "processes", "trials/hour", {"784-100-10": points})


def _curve(title: str, xlabel: str, ylabel: str, lines: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "xlabel": xlabel, "ylabel": ylabel, "lines": lines}
