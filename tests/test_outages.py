"""MLflow away at the start, in the middle and at the end, and a machine that dies for good.

Real workers train on a real PostgreSQL; the MLflow server is that of docker-compose.yml, with passwords.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checker import assert_whole, mirror_violations
from hpstudy.settings import Settings
from hpstudy.storage import Store, StudyQueue
from hpstudy.worker.mirroring import Mirrors
from mlflow_server import SECRET, MlflowServer
from nursery import Nursery, Order
from postgres import Postgres
from proxy import HttpProxy
from team import Team
from waiting import wait_until

STUDY = """
from hpstudy import Choice, Grid, Study
study = Study(
    name="{name}",
    dataset="digits",
    base=dict(units=8, epochs={epochs}),
    vary=dict(learning_rate=Choice(0.001, 0.01, 0.1)),
    design=Grid(replicates=2),
)
"""


class Machine:
    """A home of its own and a worker with one process, whose words are read as they come."""

    def __init__(self, team: Team, name: str) -> None:
        self.home = team.folder / name
        environment = {**team.environment, "HPSTUDY_HOME": str(self.home)}
        self.process = Team(team.folder, team.url, team.dump, **environment).start("worker", "--processes", "1")
        self.said: list[str] = []
        self._ears = threading.Thread(target=self._listen, daemon=True)
        self._ears.start()

    def has_said(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in list(self.said))

    def terminate(self) -> int:
        """SIGTERM, and the exit code; raises after ten seconds."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self._ears.join()
        return code

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.said.append(line)


@pytest.fixture(scope="module")
def proxy(mlflow_server: MlflowServer) -> Iterator[HttpProxy]:
    with HttpProxy(mlflow_server.uri) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def team(
    postgres: Postgres,
    proxy: HttpProxy,
    mlflow_server: MlflowServer,
    cache_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Team:
    folder = tmp_path_factory.mktemp("team")
    return Team(
        folder,
        postgres.new_database(),
        postgres.dump_command(),
        HPSTUDY_HOME=str(folder / "home"),
        HPSTUDY_CONFIG=str(folder / "none"),
        HPSTUDY_CACHE_DIR=str(cache_dir),
        HPSTUDY_TRACKING_URI=proxy.uri,
        **mlflow_server.login,
    )


@pytest.fixture(scope="module")
def machine(team: Team) -> Iterator[Machine]:
    """Works through all tests of this module; the last one stops it."""
    machine = Machine(team, "lasting")
    yield machine
    if machine.process.poll() is None:
        machine.terminate()


@pytest.fixture
def settings(team: Team, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of the machine on which the test looks at MLflow."""
    for name, value in team.environment.items():
        monkeypatch.setenv(name, value)
    return Settings.load({"storage": team.url})


@pytest.fixture
def submit(team: Team) -> Iterator[Callable[..., StudyQueue]]:
    store = Store(team.url)

    def submit(name: str, epochs: int = 2) -> StudyQueue:
        team.run("submit", team.write(name, epochs, STUDY))
        return store.open(name)

    yield submit
    store.close()


def assert_soon_equal(settings: Settings, queue: StudyQueue) -> None:
    """Without anybody's doing, the machines' mirrors make MLflow equal."""
    found: list[str] = []

    def is_equal() -> bool:
        found[:] = mirror_violations(settings, queue)
        return not found

    wait_until(is_equal, 150, every_s=0.2, told=lambda: found)


def test_down_at_the_start_and_a_machine_that_dies_for_good(
    team: Team,
    nursery: Nursery,
    mlflow_server: MlflowServer,
    settings: Settings,
    submit: Callable[..., StudyQueue],
    machine: Machine,
) -> None:
    """What it had trained is mirrored by another one from the database alone: this one leaves no file at all."""
    mlflow_server.kill()
    queue = submit("start", epochs=5)
    (dying,) = nursery.start(Order(url=team.url, study="start", epochs=5, epoch_s=0.1))
    wait_until(lambda: queue.trials.progress().complete >= 2 and queue.trials.progress().running >= 1)
    os.kill(dying, signal.SIGKILL)
    wait_until(lambda: queue.trials.progress().state == "finished")
    assert_whole(queue)
    wait_until(lambda: machine.has_said("Warning: MLflow at", "did not take the trials"))
    mlflow_server.start()
    mlflow_server.await_health()
    assert_soon_equal(settings, queue)
    wait_until(lambda: machine.has_said("All is well again"))


def test_down_in_the_middle(
    proxy: HttpProxy, settings: Settings, submit: Callable[..., StudyQueue], machine: Machine
) -> None:
    proxy.calls.clear()
    queue = submit("middle", epochs=600)  # small trials are over before an outage can be in their middle
    wait_until(lambda: any(path.endswith("runs/create") for path in proxy.calls))
    proxy.is_away = True
    assert queue.trials.progress().ended < queue.study.budget
    wait_until(lambda: queue.trials.progress().state == "finished")
    proxy.is_away = False
    assert_whole(queue)
    assert_soon_equal(settings, queue)


def test_no_system_metric_is_missing_in_mlflow(settings: Settings) -> None:
    """Under MLflow's own names, at least one sample a trial."""
    from hpstudy.tracking.mlflow.connection import connect

    client = connect(settings)
    experiment = client.get_experiment_by_name("middle")
    for run in client.search_runs([experiment.experiment_id], "tags.`hpstudy.state` = 'complete'"):
        system = {name: value for name, value in run.data.metrics.items() if name.startswith("system/")}
        assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(system)
        assert 0 <= system["system/cpu_utilization_percentage"] <= 100
        assert 10 < system["system/process_memory_usage_megabytes"] < system["system/system_memory_usage_megabytes"]


def test_down_at_the_end(
    team: Team, proxy: HttpProxy, settings: Settings, submit: Callable[..., StudyQueue], machine: Machine
) -> None:
    """The worker ends in time and says what is missing; another machine, or `hpstudy sync`, sends it."""
    queue = submit("end", epochs=40)
    wait_until(lambda: queue.trials.progress().waiting == 0)
    proxy.is_away = True
    wait_until(lambda: queue.trials.progress().state == "finished")
    assert machine.terminate() == 0
    assert machine.has_said("MLflow does not have everything yet", "hpstudy sync end")
    proxy.is_away = False
    assert mirror_violations(settings, queue)
    other = Mirrors(settings)
    other.look_after([queue])
    assert_soon_equal(settings, queue)
    assert other.finish(5) == {}
    assert "0 runs created, 0 updated" in team.run("sync", "end")
    assert_whole(queue)
    team.assert_no_canary(*machine.said, canary=SECRET)
