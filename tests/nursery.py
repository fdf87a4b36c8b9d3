"""Worker processes with an instant trainer, forked from one process that has loaded the libraries already.

Run as a script this is that process: it reads an order a line, forks, and prints the process number.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from waiting import wait_until


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a forked process is to do."""

    url: str
    study: str = "study"
    declaration: str = ""  # as JSON, of a study that the process registers; else it opens the one of that name
    epochs: int = 1
    epoch_s: float = 0.0
    heartbeat_s: float = 10.0
    grace_s: float = 30.0
    patience_s: float = 60.0
    trials: int | None = None  # ends after so many; None: when the study is finished
    die_at: int | None = None  # kills itself before the statement or commit of this number, once it works
    clock_s: float = 0.0  # how far its clock is off
    optuna: str = ""  # "budget" or "grid": work as Optuna's own optimize does, for contrast
    budget: int = 0  # of Optuna's MaxTrialsCallback
    seed: int = 0


class Nursery:
    """Forks workers; at its end kills those that are left."""

    def __init__(self, folder: Path) -> None:
        self.errors = folder / "worker-errors.txt"
        self.pids: list[int] = []
        with self.errors.open("a") as errors:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def start(self, order: Order, count: int = 1, environment: dict[str, str] | None = None) -> list[int]:
        """Start workers, and return their process numbers."""
        assert self._process.stdin
        assert self._process.stdout
        started = []
        for _ in range(count):
            print(json.dumps([asdict(order), environment or {}]), file=self._process.stdin, flush=True)
            started.append(int(self._process.stdout.readline()))
        self.pids += started
        return started

    def alive(self) -> list[int]:
        return [pid for pid in self.pids if psutil.pid_exists(pid)]

    def wait(self, pids: Sequence[int] | None = None, timeout_s: float = 60.0) -> None:
        """Until these workers, or all, have ended; raises what one of them raised."""
        waited_for = set(self.pids if pids is None else pids)
        wait_until(lambda: not waited_for & set(self.alive()), timeout_s, told=self._errors)
        assert not self._errors(), self._errors()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)
        self._process.communicate()

    def _errors(self) -> str:
        return self.errors.read_text()


def main() -> None:
    """Fork for every line, until the input ends. The children are reaped by the system."""
    import optuna

    _load_libraries()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.disable()  # of outages, which are made on purpose: what is printed is an error
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order, environment = json.loads(line)
        pid = os.fork()
        if not pid:
            _child(Order(**order), environment)
        print(pid, flush=True)


def _load_libraries() -> None:
    """All that a worker imports on its way, so that the children need not: one trial of a passing study."""
    import psycopg  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401

    from hpstudy import Choice, Grid, Study
    from hpstudy.storage import Store

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        store = Store(url)
        store.register(Study(name="study", dataset="digits", vary={"depth": Choice(1)}, design=Grid()))
        work(Order(url=url))
        store.close()


def _child(order: Order, environment: dict[str, str]) -> None:
    code = 1
    try:
        os.environ.update(environment)
        time.tzset()
        (optimize if order.optuna else work)(order)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def work(order: Order) -> None:
    """Claim, train in no time, finish; until the study is finished."""
    from hpstudy import Study
    from hpstudy.owner import Owner
    from hpstudy.storage import Store

    if order.clock_s:
        _shift_clock(order.clock_s)
    store = Store(order.url, grace_s=order.grace_s, patience_s=order.patience_s)
    queue = store.register(Study.from_json(order.declaration)) if order.declaration else store.open(order.study)
    owner, done = Owner.of_process(), 0
    if order.die_at is not None:
        _die_at(store.database.rdb.engine, order.die_at)
    while order.trials is None or done < order.trials:
        claim = queue.claims.claim(owner)
        if claim:
            done += _train(claim, order)
        elif queue.trials.progress().state == "finished":
            return
        else:
            time.sleep(0.05)
    store.close()


def optimize(order: Order) -> None:
    """What many people write: Optuna's own budget and grid, with eight processes on one study."""
    import optuna

    grid = {"x": [0, 1, 2], "y": [0, 1, 2, 3]}
    is_grid = order.optuna == "grid"
    sampler = optuna.samplers.GridSampler(grid) if is_grid else optuna.samplers.RandomSampler(seed=order.seed)
    storage = optuna.storages.RDBStorage(order.url)
    study = optuna.load_study(study_name=order.study, storage=storage, sampler=sampler)
    callbacks = [] if is_grid else [optuna.study.MaxTrialsCallback(order.budget)]
    study.optimize(lambda trial: trial.suggest_int("x", 0, 2) + trial.suggest_int("y", 0, 3), callbacks=callbacks)
    storage.engine.dispose()


def _train(claim: Any, order: Order) -> bool:
    """Returns whether the trial was still ours at its end."""
    from hpstudy.errors import TrialLost
    from hpstudy.records import Epoch, TrialState
    from hpstudy.storage import Heartbeat, Outcome

    history = []
    with Heartbeat(claim, order.heartbeat_s):
        try:
            original = claim.original()
            if original and claim.repeat(original) != TrialState.RUNNING:
                return True
            for number in range(1, order.epochs + 1):
                time.sleep(order.epoch_s)
                metrics = {"val_accuracy": 0.5 + claim.number % 7 / 100, "loss": 1.0 / number}
                history.append(Epoch(number=number, at=time.time(), metrics=metrics))
                claim.report(history[-1])
            claim.complete(Outcome(metrics=history[-1].metrics, history=history))
        except TrialLost:
            return False
    return True


def _die_at(engine: Any, number: int) -> None:
    """SIGKILL, which nobody can catch, before the statement or commit of this number."""
    import sqlalchemy as sa

    count = -1

    def step(*_: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(engine, "before_cursor_execute", step)
    sa.event.listen(engine, "commit", step)


def _shift_clock(seconds: float) -> None:
    """A wrong clock, in whatever module has got hold of Python's."""
    import datetime as module

    real_time, real_datetime = time.time, module.datetime

    class Shifted(real_datetime):  # type: ignore[valid-type, misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real_datetime.now(tz) + module.timedelta(seconds=seconds)

    for name, real, wrong in (
        ("datetime", real_datetime, Shifted),
        ("time", real_time, lambda: real_time() + seconds),
    ):
        for loaded in list(sys.modules.values()):
            if getattr(loaded, "__dict__", {}).get(name) is real:
                setattr(loaded, name, wrong)


if __name__ == "__main__":
    main()
