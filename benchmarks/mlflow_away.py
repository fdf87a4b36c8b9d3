"""A study takes no longer while the MLflow server is away: paired runs of `hpstudy run`, with it and without it.

`python benchmarks/mlflow_away.py` starts PostgreSQL and the MLflow server of docker-compose.yml on this machine, runs
the same study in turn with the server there and with nothing there (the order changes from pair to pair), prints both
medians and the median of the pairs' ratios, then runs `hpstudy sync` on each study of the second kind and compares
MLflow with the database. It exits with 1 if the ratio is above 1.05 or the two differ.

What is timed is the study, from the first claim to the last result as the database has it, and beside it the whole
command: after the study, that waits some seconds for a server that is away, as its end says.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from checker import mirror_violations
from hpstudy import Choice, Grid, Study
from hpstudy.settings import Settings
from hpstudy.storage import Store
from mlflow_server import MlflowServer
from postgres import Postgres, free_port

GOAL = 1.05
FILE = """
from hpstudy import Study
study = Study.from_json({declaration!r})
"""


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--dataset", default="fashion_mnist")
    options = parser.parse_args()
    postgres = Postgres()
    with tempfile.TemporaryDirectory() as folder:
        server = MlflowServer(Path(folder), postgres)
        try:
            server.await_health()
            return compare(Bench(Path(folder), postgres.new_database(), server, options), options.pairs)
        finally:
            server.kill()
            postgres.close()


class Bench:
    """One database, one server, and a new study for each run."""

    def __init__(self, folder: Path, url: str, server: MlflowServer, options: argparse.Namespace) -> None:
        self._folder, self._server, self._options, self._url = folder, server, options, url
        self._nobody = f"http://127.0.0.1:{free_port()}"

    def run(self, name: str, *, away: bool) -> tuple[float, float]:
        """Seconds of the study, and of the whole command."""
        file = self._folder / f"{name}.py"
        file.write_text(FILE.format(declaration=self._study(name).to_json()))
        begun = time.monotonic()
        self._hpstudy("run", str(file), uri=self._nobody if away else self._server.uri)
        command_s = time.monotonic() - begun
        store = Store(self._url)
        records = store.open(name).trials.records()
        store.close()
        starts = [record.started for record in records if record.started]
        ends = [record.ended for record in records if record.ended]
        return (max(ends) - min(starts)).total_seconds(), command_s

    def synced(self, name: str) -> list[str]:
        """What differs between MLflow and the database after `hpstudy sync`."""
        self._hpstudy("sync", name, uri=self._server.uri)
        os.environ.update(self._server.login)
        store = Store(self._url)
        settings = Settings.load({"home": str(self._folder / "home"), "tracking_uri": self._server.uri})
        found = mirror_violations(settings, store.open(name))
        store.close()
        return found

    def _study(self, name: str) -> Study:
        count = self._options.trials
        return Study(
            name=name,
            dataset=self._options.dataset,
            base={"units": 100, "batch_size": 32, "epochs": self._options.epochs},
            vary={"learning_rate": Choice(*(0.001 * (number + 1) for number in range(count)))},
            design=Grid(),
        )

    def _hpstudy(self, *arguments: str, uri: str) -> None:
        environment: Mapping[str, str] = {
            **os.environ,
            **self._server.login,
            "HPSTUDY_HOME": str(self._folder / "home"),
            "HPSTUDY_STORAGE": self._url,
            "HPSTUDY_TRACKING_URI": uri,
        }
        command = [sys.executable, "-m", "hpstudy", *arguments]
        subprocess.run(command, env=environment, cwd=self._folder, stdout=subprocess.DEVNULL, check=True)


def compare(bench: Bench, pairs: int) -> int:
    times: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    bench.run("warm-up", away=False)
    for pair in range(pairs):
        for away in (False, True) if pair % 2 == 0 else (True, False):
            name = f"{'away' if away else 'there'}-{pair}"
            times[away].append(bench.run(name, away=away))
            print(f"{name}: study {times[away][-1][0]:.1f} s, command {times[away][-1][1]:.1f} s", flush=True)
    ratio = statistics.median(away[0] / there[0] for there, away in zip(times[False], times[True], strict=True))
    for away, words in ((False, "with the server"), (True, "without it")):
        study_s, command_s = (statistics.median(run[place] for run in times[away]) for place in (0, 1))
        print(f"{words}: study {study_s:.1f} s, command {command_s:.1f} s (medians of {pairs})")
    differences = [text for pair in range(pairs) for text in bench.synced(f"away-{pair}")]
    print(f"without / with: {ratio:.3f} (goal: at most {GOAL})")
    print("\n".join(differences) or f"After `hpstudy sync` MLflow equals the database in all {pairs} studies.")
    return int(ratio > GOAL or bool(differences))


if __name__ == "__main__":
    sys.exit(main())
