"""A large table of one's own: how long it takes to prepare beside pandas, and how much memory an epoch takes.

`python -m benchmarks.own_table [ROWS]` writes a CSV of so many rows (a million) and 50 columns into a temporary folder.
Each measurement has a process of its own, with as many repetitions as the median of three needs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

REPEATS = 3
NUMBERS, CATEGORIES = 45, 4  # columns, besides the target


def write_table(path: Path, rows: int) -> None:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(0)
    columns = {f"number{place}": rng.normal(size=rows).round(4) for place in range(NUMBERS)}
    levels = [f"level {level}" for level in range(8)]
    frame = pd.DataFrame(columns | {f"category{place}": rng.choice(levels, rows) for place in range(CATEGORIES)})
    frame["target"] = np.where(frame.number0 + rng.normal(size=rows) > 0, "yes", "no")
    csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), path)


def read_s(path: Path) -> float:
    """Seconds that `pandas.read_csv` takes."""
    import pandas as pd

    return _seconds(lambda: pd.read_csv(path))


def prepare_s(path: Path) -> float:
    """Seconds from the declared file to arrays on disk, once its content is recorded."""
    import sklearn.model_selection
    import sklearn.preprocessing  # noqa: F401 - not counted

    from hpstudy import Table, data
    from hpstudy.settings import Settings

    with tempfile.TemporaryDirectory() as cache:
        settings = replace(Settings.load({"home": cache}), cache_dir=Path(cache))
        table = data.resolved(Table(str(path), target="target"), settings)
        return _seconds(lambda: data.prepare(table, {}, 42, settings))


def epoch_ratio(path: Path) -> float:
    """Resident memory that an epoch adds to that of a process which has trained on little, by the encoded array."""
    from hpstudy import Grid, Study, Table, data
    from hpstudy.settings import Settings
    from hpstudy.training.trainer import Trainer

    with tempfile.TemporaryDirectory() as cache:
        settings = replace(Settings.load({"home": cache}), cache_dir=Path(cache))
        table = Table(str(path), target="target")
        # what prepares the rows is another process, as in `hpstudy run`
        command = "import sys; from benchmarks.own_table import content; print(content(*sys.argv[1:]))"
        told = subprocess.run([sys.executable, "-c", command, path, cache], capture_output=True, text=True, check=True)
        table = Table.of_json(json.loads(told.stdout)["table"])
        trainer, process = Trainer(), psutil.Process()
        for dataset in ("digits", table):
            study = Study(name="epoch", dataset=dataset, design=Grid(), base={"units": 32, "epochs": 1})
            before = process.memory_info().rss
            arrays = data.prepare(dataset, {}, 42, settings)
            list(trainer.start(study.config({}), 42, arrays, None))
        return (process.memory_info().rss - before) / arrays.x.nbytes


def content(path: str, cache: str) -> str:
    """Prepare the table; returns its declaration as JSON."""
    from hpstudy import Table, data
    from hpstudy.settings import Settings

    settings = replace(Settings.load({"home": cache}), cache_dir=Path(cache))
    table = data.resolved(Table(path, target="target"), settings)
    data.prepare(table, {}, 42, settings)
    return json.dumps(table.to_json())


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _measured(name: str, path: Path) -> float:
    command = f"import pathlib, sys; from benchmarks.own_table import {name}; print({name}(pathlib.Path(sys.argv[1])))"
    runs = [
        subprocess.run([sys.executable, "-c", command, path], capture_output=True, text=True, check=True)
        for _ in range(REPEATS)
    ]
    return statistics.median(float(run.stdout.splitlines()[-1]) for run in runs)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        write_table(path, rows)
        read, prepare = _measured("read_s", path), _measured("prepare_s", path)
        print(f"{rows:,} rows × {NUMBERS + CATEGORIES + 1} columns: pandas reads them in {read:.2f} s, they are")
        print(f"prepared in {prepare:.2f} s, {prepare / read:.2f} times as long (goal: 2). An epoch adds")
        print(f"{_measured('epoch_ratio', path):.2f} times the encoded array to a process's memory (goal: 1.5).")


if __name__ == "__main__":
    main()
