"""Trainer processes that are forked from one that has their libraries: the same bits, and no harm when it dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from factories import make_study
from hpstudy import Grid
from hpstudy.records import TrialRecord
from hpstudy.settings import Settings
from hpstudy.storage import Store
from hpstudy.worker import fork_server
from hpstudy.worker.devices import slots
from hpstudy.worker.messages import Claimed, Message, Ready
from hpstudy.worker.supervisor import Assignment, Supervisor, TrainerHandle

Hear = Callable[[TrainerHandle, Message], None]


def train(
    settings: Settings, hear: Hear, *, processes: int = 1, forked: bool = True, replicates: int = 3
) -> Sequence[TrialRecord]:
    with closing(Store(settings.storage)) as store:
        queue = store.register(make_study(vary={}, base={"epochs": 2, "units": 4}, design=Grid(replicates=replicates)))
        work = Assignment(slots=slots(processes), study=queue.study.name, idle_exit_s=0.0, forked=forked)
        with Supervisor(settings, work) as supervisor:
            supervisor.start()
            supervisor.work(lambda: [queue], hear=hear, tick=lambda: None)
        return list(queue.trials.records())


def parent_of(handle: TrainerHandle) -> psutil.Process:
    parent = psutil.Process(handle.process.pid).parent()
    assert parent
    return parent


@pytest.mark.parametrize("processes", [1, 2])
def test_forked_trainers_give_the_bits_of_those_that_load_their_own_libraries(tmp_path: Path, processes: int) -> None:
    parents: dict[bool, set[int]] = {True: set(), False: set()}
    results = []
    for forked in (True, False):

        def hear(handle: TrainerHandle, message: Message, forked: bool = forked) -> None:
            if isinstance(message, Ready):
                parents[forked].add(parent_of(handle).pid)

        settings = Settings.load({"home": str(tmp_path / str(forked))})
        records = train(settings, hear, processes=processes, forked=forked)
        results.append([(r.number, r.state, r.metrics["val_loss"], r.metrics["loss"]) for r in records])
    assert results[0] == results[1]
    assert [state for _, state, *_ in results[0]] == ["complete"] * 3
    assert parents[False] == {os.getpid()}
    assert len(parents[True]) == 1
    assert os.getpid() not in parents[True]
    (server,) = parents[True]
    assert not psutil.pid_exists(server), "it ends with its supervisor"


@pytest.mark.parametrize("without", ["nothing", "the server"])
def test_a_killed_trainer_is_replaced_with_and_without_its_fork_server(settings: Settings, without: str) -> None:
    servers: list[psutil.Process] = []
    parents: list[int] = []

    def hear(handle: TrainerHandle, message: Message) -> None:
        if isinstance(message, Ready):
            parents.append(parent_of(handle).pid)
        if isinstance(message, Claimed) and not servers:
            servers.append(parent_of(handle))
            if without == "the server":
                servers[0].kill()
                servers[0].wait(10)
            psutil.Process(handle.process.pid).kill()

    records = train(settings, hear)
    assert sorted((record.state, record.attempt) for record in records) == [
        ("complete", 1),
        ("complete", 1),
        ("complete", 2),
        ("lost", 1),
    ]
    (error,) = (record.error for record in records if record.state == "lost")
    how = "was killed by SIGKILL" if without == "nothing" else "ended, nobody knows how"
    assert error
    assert how in error
    forks = [servers[0].pid] * 2 if without == "nothing" else [servers[0].pid, os.getpid()]
    assert parents == forks


def test_processes_start_on_their_own_if_the_fork_server_has_threads(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its allocator has a thread, so nothing may be forked from it."""
    monkeypatch.setitem(fork_server.ENVIRONMENT, "JE_ARROW_MALLOC_CONF", "background_thread:true")
    parents = []

    def hear(handle: TrainerHandle, message: Message) -> None:
        if isinstance(message, Ready):
            with suppress(psutil.NoSuchProcess):
                parents.append(parent_of(handle).pid)

    records = train(settings, hear, replicates=1)
    assert [record.state for record in records] == ["complete"]
    assert parents == [os.getpid()]
