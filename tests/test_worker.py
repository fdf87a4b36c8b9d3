"""`hpstudy submit`, `worker` and the orders of a study, with real processes on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from hpstudy.cli import main
from hpstudy.errors import FatalError, UserError
from hpstudy.settings import Settings
from hpstudy.storage import Store
from hpstudy.worker import devices
from hpstudy.worker.studies import ServedStudies
from hpstudy.worker.supervisor import Supervisor, WorkOrder
from postgres import Postgres

CANARY = "canary-6f1d"  # the password, which must be seen nowhere
STUDY = """
from hpstudy import Choice, Grid, Study
study = Study(
    name="{name}",
    dataset="digits",
    base=dict(units=8, epochs={epochs}),
    vary=dict(optimizer=Choice("sgd", "adam")),
    design=Grid(),
)
"""
OWN = (
    STUDY
    + """
def build(config, input_shape, outputs):
    import keras
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(outputs)])
"""
)


class Team:
    """A shared database, and hpstudy's commands as people of a team type them."""

    def __init__(self, folder: Path, url: str, dump: list[str]) -> None:
        self.folder, self.url, self.dump = folder, url, dump

    def write(self, name: str, epochs: int = 2, text: str = STUDY) -> str:
        (self.folder / f"{name}.py").write_text(text.format(name=name, epochs=epochs))
        return f"{name}.py"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hpstudy", *arguments],
            cwd=self.folder,
            env={**os.environ, "HPSTUDY_STORAGE": self.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """A command that only asks or orders, in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            result = CliRunner().invoke(main, arguments, env={"HPSTUDY_STORAGE": self.url})
        assert result.exit_code == code, result.output
        return result.output

    def work(self, *arguments: str) -> str:
        """`hpstudy worker` until it exits by itself."""
        worker = self.start("worker", *arguments)
        output, _ = worker.communicate(timeout=200)
        assert worker.returncode == 0, output
        assert "Traceback" not in output
        return output

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def assert_no_canary(self, *texts: str) -> None:
        """In no file that hpstudy wrote, no database row, no process title, no line of `ps`."""
        rows = subprocess.run([*self.dump, self.url], capture_output=True, check=True).stdout
        titles = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
        files = [file.read_bytes() for file in self.folder.rglob("*") if file.is_file()]
        everything = [*files, rows, *(text.encode() for text in (*texts, *titles))]
        assert len(rows) > 1000
        assert not [text[:200] for text in everything if CANARY.encode() in text]


@pytest.fixture
def team(tmp_path: Path, postgres: Postgres) -> Iterator[Team]:
    url = postgres.new_database().replace("postgres@", f"postgres:{CANARY}@", 1)
    yield Team(tmp_path, url, postgres.dump_command())
    for child in psutil.Process().children(recursive=True):
        if "hpstudy.worker" in " ".join(child.cmdline()):
            child.kill()
            pytest.fail("a worker left a trainer process behind")


def test_a_worker_serves_every_open_study_and_exits_when_nothing_is_left(team: Team) -> None:
    for name in ("first", "second"):
        assert "0 of 2 trials are done" in team.run("submit", team.write(name))
    assert "0 of 2 trials are done" in team.run("submit", "first.py"), "submitting twice changes nothing"
    output = team.work("--processes", "2", "--idle-exit", "0.5")
    assert "Nothing is left to do" in output
    for name in ("first", "second"):
        status = team.json("status", name)
        assert (status["state"], status["trials"]["complete"], status["trials"]["lost"]) == ("finished", 2, 0)
    assert "0 runs created, 0 updated" in team.run("sync", "first")
    team.assert_no_canary(output)
    assert team.json("workers") == []
    assert team.json("extend", "first", "--replicates", "2")["trials"]["waiting"] == 2


def test_sigterm_gives_the_trials_back_at_once(team: Team) -> None:
    team.url = team.url.replace(f":{CANARY}@", "@") + f"?password={CANARY}"
    team.run("submit", team.write("long", epochs=100_000))
    worker = team.start("worker", "long", "--processes", "1")
    assert worker.stdout
    for line in worker.stdout:
        if "trial 0 of long begins" in line:
            break
    time.sleep(0.5)
    team.assert_no_canary()
    (notice,) = team.json("workers")
    assert (notice["pid"], len(notice["processes"])) == (worker.pid, 1)
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert worker.returncode == 0, output
    trials = team.json("status", "long")["trials"]
    assert (trials["running"], trials["waiting"], trials["lost"]) == (0, 2, 1)
    assert team.json("show", "long", "0")["error"] == "the worker was stopped"


def test_orders_are_given_from_anywhere(team: Team) -> None:
    team.run("submit", team.write("study"))
    assert "is stopped" in team.run("stop", "study")
    assert team.json("status", "study")["state"] == "stopped"
    assert team.json("resume", "study")["trials"]["waiting"] == 2
    assert "No trial of study study has failed" in team.run("retry", "study", "--failed")
    assert "--failed" in team.run("retry", "study", code=2)
    assert "--trials is for a Search" in team.run("extend", "study", "--trials", "5", code=2)


def test_a_study_with_its_own_network_needs_its_file(team: Team) -> None:
    from hpstudy import studyfile

    store = Store(team.url)
    file = team.folder / team.write("own", text=OWN)
    store.register(studyfile.load(file).study)
    assert ServedStudies(store, None, None).queues() == []
    with pytest.raises(UserError, match=r"`hpstudy worker FILE.py`"):
        ServedStudies(store, "own", None).queues()
    assert len(ServedStudies(store, "own", file).queues()) == 1
    file.write_text(file.read_text().replace("Flatten()", "Flatten(), keras.layers.Dense(9)"))
    with pytest.raises(UserError, match="builds another network"):
        ServedStudies(store, "own", file).queues()
    store.close()


def supervise(settings: Settings, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Supervise processes that run a line of Python instead of training."""
    monkeypatch.setattr(Supervisor, "_command", lambda _: [sys.executable, "-c", code])
    supervisor = Supervisor(settings, WorkOrder(slots=devices.slots(1)))
    try:
        supervisor.start()
        supervisor.work(list, hear=lambda *_: None, tick=lambda: None)
    finally:
        supervisor.stop()


def test_a_process_that_crashes_again_and_again_stops_the_worker_with_the_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    with pytest.raises(FatalError, match=r"3 trainer processes died outside of any trial.*SIGABRT(.|\n)*cannot start"):
        supervise(settings, "import os; os.write(2, b'cannot start'); os.abort()", monkeypatch)
    assert time.monotonic() - begun > 2, "it paused before each new one"


def test_a_process_whose_memory_has_grown_is_replaced_without_being_counted_as_a_crash(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = tmp_path / "starts"
    code = f"import os, sys; f = open({str(counter)!r}, 'a+'); f.write('x'); sys.exit(75 if f.tell() < 6 else 0)"
    supervise(settings, code, monkeypatch)
    assert counter.read_text() == "xxxxxx"


def test_processes_share_gpus_and_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert devices.choose_gpus("all") == ["2", "3"]
    assert devices.choose_gpus("1") == ["3"]
    environments = [slot.environment() for slot in devices.slots(4, ["2", "3"])]
    assert environments == [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in ("2", "3", "2", "3")]
    assert devices.slots(1, devices.choose_gpus("none"))[0].environment() == {"CUDA_VISIBLE_DEVICES": ""}
    assert devices.slots(1)[0].environment() == {}
    with pytest.raises(UserError, match="GPUs found: 0 to 1"):
        devices.choose_gpus("7")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert devices.visible_gpus() == [] or all(gpu.isdecimal() for gpu in devices.visible_gpus())
