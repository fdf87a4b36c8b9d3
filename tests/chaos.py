"""A seeded random mixture of kills, pauses, restarts and outages, also of MLflow, for minutes: `make chaos`.

Prints its seed, what it did, and each violation; exits with 1 at the first one. `python tests/chaos.py --seconds 60
--seed 7` repeats a mixture; what the machine makes of it still varies from run to run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from checker import mirror_violations, violations
from hpstudy import Choice, Float, Grid, Search, Study
from hpstudy.settings import Settings
from hpstudy.storage import Store, StudyQueue
from hpstudy.worker.mirroring import Mirrors
from mlflow_server import MlflowServer
from nursery import Nursery, Order
from postgres import ADDRESS_VARIABLE, Postgres
from proxy import HttpProxy, Proxy

WORKERS = 4
GRACE_S = 2.0
MLFLOW_PATHS = ("runs/create", "runs/log-batch", "runs/log-inputs", "runs/update", "runs/search")
MLFLOW_WEIGHTS = {"MLflow outages": 2, "answers lost by MLflow": 4, "kills of MLflow": 0.1}  # it takes long to start
MLFLOW_S = 60.0  # how long the mirror may take to make MLflow equal, once it is back
ROUND_S = 90.0  # a study that takes longer is a violation: something runs for ever


class Chaos:
    """Studies one after the other, disturbed until they are finished, then looked at."""

    def __init__(self, seed: int, postgres: Postgres, nursery: Nursery, mlflow: MlflowServer, home: Path) -> None:
        self.done: Counter[str] = Counter()
        self._random, self._postgres, self._nursery = random.Random(seed), postgres, nursery
        self._mlflow, self._home = mlflow, home
        self._paused: dict[int, float] = {}  # process → when it goes on

    def run(self, seconds: float) -> list[str]:
        """The violations of the first study that has any."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self._round():
                return found
        return []

    def _round(self) -> list[str]:
        url = self._postgres.new_database()
        store = Store(url, grace_s=GRACE_S)
        queue = store.register(self._study())
        with Proxy.before(url) as proxy, HttpProxy(self._mlflow.uri) as http:
            settings = Settings.load({"home": str(self._home), "tracking_uri": http.uri})
            mirrors = Mirrors(settings)
            mirrors.poke(queue)
            self._disturb(queue, proxy, http, proxy.address(url), lambda: mirrors.poke(queue))
            http.is_away, http.faults = False, {}
            self._mlflow.await_health()
            behind = mirrors.finish(MLFLOW_S)
            found = violations(queue) + mirror_violations(settings, queue) + [str(behind)] * bool(behind)
        self.done["studies"] += 1
        self.done["trials"] += len(queue.trials.records())
        self.done["lost trials"] += queue.trials.progress().lost
        store.close()
        return found

    def _study(self) -> Study:
        number = self.done["studies"]
        name = f"chaos-{os.getpid()}-{number}"
        if self._random.random() < 0.5:
            vary = dict(units=Choice(*range(1, self._random.randint(5, 15))))
            return Study(name=name, dataset="digits", vary=vary, design=Grid(replicates=2), seed=number)
        search = Search(finalists=0, trials=self._random.randint(10, 40), sampler="tpe", seed=number)
        return Study(name=name, dataset="digits", vary=dict(dropout=Float(0.0, 0.5)), design=search)

    def _disturb(
        self, queue: StudyQueue, proxy: Proxy, http: HttpProxy, address: str, mirror: Callable[[], None]
    ) -> None:
        order = Order(
            url=address,
            study=queue.study.name,
            epochs=4,
            epoch_s=0.05,
            heartbeat_s=0.5,
            grace_s=GRACE_S,
            patience_s=30,
        )
        deadline = time.monotonic() + ROUND_S
        while queue.trials.progress().state != "finished" and time.monotonic() < deadline:
            self._go_on()
            missing = WORKERS - len(self._nursery.alive())
            self._nursery.start(order, max(0, missing))
            time.sleep(self._random.uniform(0.1, 1.0))
            mirror()
            self._fault(proxy, http)
        self._go_on(everyone=True)
        self._nursery.wait(timeout_s=60)

    def _fault(self, proxy: Proxy, http: HttpProxy) -> None:
        faults: dict[str, Callable[[], object]] = {
            "kills": lambda: self._signal(signal.SIGKILL),
            "pauses": self._pause,
            "broken connections": proxy.drop,
            "lost answers": lambda: proxy.swallow_answer_to(b"COMMIT", after=self._random.randint(0, 5)),
            "outages": lambda: self._outage(proxy),
            "restarts": lambda: self._postgres.restart(crash=self._random.random() < 0.5),
            "kills of everyone": self._kill_all,
            "MLflow outages": lambda: self._turn_mlflow(http),
            "answers lost by MLflow": lambda: http.faults.update({self._random.choice(MLFLOW_PATHS): 1}),
            "kills of MLflow": self._kill_mlflow,
        }
        if not self._postgres.can_restart:
            del faults["restarts"]
        weights = {"kills": 6, "pauses": 3, "broken connections": 3, "lost answers": 4, **MLFLOW_WEIGHTS}
        (name,) = self._random.choices(list(faults), [weights.get(name, 1) for name in faults])
        faults[name]()
        self.done[name] += 1

    def _signal(self, number: int) -> int | None:
        with contextlib.suppress(ProcessLookupError, IndexError):
            pid = self._random.choice(self._nursery.alive())
            os.kill(pid, number)
            return pid
        return None

    def _pause(self) -> None:
        """Often past the grace period, so that a zombie comes back."""
        if pid := self._signal(signal.SIGSTOP):
            self._paused[pid] = time.monotonic() + self._random.uniform(0.5, 2.5 * GRACE_S)

    def _go_on(self, *, everyone: bool = False) -> None:
        for pid in [pid for pid, until in self._paused.items() if everyone or until < time.monotonic()]:
            del self._paused[pid]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _kill_all(self) -> None:
        for pid in self._nursery.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _outage(self, proxy: Proxy) -> None:
        with proxy.outage():
            time.sleep(self._random.uniform(0.2, GRACE_S))

    def _turn_mlflow(self, http: HttpProxy) -> None:
        """Away until the next such fault, or the end of the study."""
        http.is_away = not http.is_away

    def _kill_mlflow(self) -> None:
        self._mlflow.kill()
        self._mlflow.start()


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"Chaos with seed {options.seed} for {options.seconds:.0f} s", flush=True)
    postgres = Postgres(os.environ.get(ADDRESS_VARIABLE))
    with tempfile.TemporaryDirectory() as folder, Nursery(Path(folder)) as nursery:
        mlflow = MlflowServer(Path(folder), postgres)
        os.environ.update(mlflow.login)
        mlflow.await_health()
        chaos = Chaos(options.seed, postgres, nursery, mlflow, Path(folder) / "home")
        try:
            found = chaos.run(options.seconds)
        finally:
            print(", ".join(f"{count} {name}" for name, count in chaos.done.items()), flush=True)
            mlflow.kill()
            postgres.close()
    for violation in found:
        print(f"Violation: {violation}")
    print(f"{'VIOLATED' if found else 'No violation'} (seed {options.seed})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
