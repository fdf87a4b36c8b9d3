"""`hpstudy submit`, `worker` and the orders of a study, with real processes on a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from factories import make_study
from hpstudy import Grid, Table, data
from hpstudy.api.workers import places, worker_slots
from hpstudy.errors import FatalError, TrialFailed, UserError
from hpstudy.owner import Owner
from hpstudy.settings import Settings
from hpstudy.storage import Store, StudyQueue
from hpstudy.storage.conversion import START
from hpstudy.worker import devices, gpus, limits
from hpstudy.worker.limits import Limits
from hpstudy.worker.messages import Message, Warned
from hpstudy.worker.studies import ServedStudies
from hpstudy.worker.supervisor import Assignment, Supervisor
from hpstudy.worker.system import SystemMetrics
from hpstudy.worker.timeout import network_within
from postgres import Postgres
from team import CANARY, STUDY, Team
from waiting import wait_until

OWN = (
    STUDY
    + """
def build(config, input_shape, outputs):
    import keras
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(outputs)])
"""
)


@pytest.fixture
def team(tmp_path: Path, postgres: Postgres) -> Iterator[Team]:
    url = postgres.new_database().replace("postgres@", f"postgres:{CANARY}@", 1)
    yield Team(tmp_path, url, postgres.dump_command())
    for child in psutil.Process().children(recursive=True):
        if "hpstudy.worker" in " ".join(child.cmdline()):
            child.kill()
            pytest.fail("a worker left a trainer process behind")


def test_a_worker_serves_every_open_study_and_exits_when_nothing_is_left(team: Team) -> None:
    """Its process makes way to another when its memory has grown, here by a byte from its first trial to its second."""
    team.environment["HPSTUDY_RECYCLE_GB"] = "1e-9"
    for name in ("first", "second"):
        assert "0 of 2 trials are done" in team.run("submit", team.write(name))
    assert "0 of 2 trials are done" in team.run("submit", "first.py"), "submitting twice changes nothing"
    output = team.work("--processes", "1", "--idle-exit", "0.5")
    assert "Nothing is left to do" in output
    assert output.count("begins in process 1") == output.count("complete") == 4
    store = Store(team.url)
    starts = [trial.user_attrs[START] for study in (1, 2) for trial in store.database.optuna.get_all_trials(study)]
    assert len({start["owner"]["pid"] for start in starts}) == 2
    store.close()
    for name in ("first", "second"):
        status = team.json("status", name)
        assert (status["state"], status["trials"]["complete"], status["trials"]["lost"]) == ("finished", 2, 0)
    assert "0 runs created, 0 updated" in team.run("sync", "first")
    team.assert_no_canary(output)
    assert team.json("workers") == []
    assert team.json("extend", "first", "--replicates", "2")["trials"]["waiting"] == 2


def test_open_studies_share_processes_equally_and_a_higher_priority_goes_first(settings: Settings) -> None:
    with closing(Store(settings.storage)) as store:
        queues = {name: store.register(make_study(name=name)) for name in ("first", "second", "third")}
        processes = [ServedStudies(store, None, None, settings) for _ in range(4)]

        def take(process: ServedStudies) -> str:
            queue = process.open_queues()[0]
            assert queue.claims.claim(Owner.of_process())
            process.took(queue)
            return queue.study.name

        assert sorted(take(process) for process in processes[:3]) == ["first", "second", "third"]
        queues["third"].entry.prioritise(1)
        assert [take(process) for process in processes] == ["third"] * 4
        queues["third"].entry.prioritise(-1)
        assert sorted(take(processes[0]) for _ in range(4)) == ["first"] * 2 + ["second"] * 2


def test_sigterm_gives_the_trials_back_at_once(team: Team) -> None:
    team.url = team.url.replace(f":{CANARY}@", "@") + f"?password={CANARY}"
    team.run("submit", team.write("long", epochs=100_000))
    worker = team.start("worker", "long", "--processes", "1")
    assert worker.stdout
    for line in worker.stdout:
        if "trial 0 of long begins" in line:
            break
    wait_for_notice(team, worker.pid)
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


def test_a_second_signal_ends_the_worker_now(team: Team) -> None:
    worker = team.start("worker", "--processes", "1")
    wait_for_notice(team, worker.pid)
    trainers = psutil.Process(worker.pid).children(recursive=True)
    worker.send_signal(signal.SIGINT)
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=5)
    assert worker.returncode in (128 + signal.SIGTERM, -signal.SIGTERM)
    assert not [trainer for trainer in trainers if trainer.is_running() and trainer.status() != psutil.STATUS_ZOMBIE]


def wait_for_notice(team: Team, pid: int) -> None:
    """The worker is at work: it has told the others."""
    wait_until(lambda: any(notice["pid"] == pid for notice in team.json("workers")))


def test_orders_are_given_from_anywhere(team: Team) -> None:
    team.run("submit", team.write("study"))
    assert "is stopped" in team.run("stop", "study")
    assert team.json("status", "study")["state"] == "stopped"
    assert team.json("resume", "study")["trials"]["waiting"] == 2
    assert "No trial of study study has failed" in team.run("retry", "study", "--failed")
    assert "--failed" in team.run("retry", "study", code=2)
    assert "--trials is for a Search" in team.run("extend", "study", "--trials", "5", code=2)


def test_a_study_with_its_own_network_needs_its_file(team: Team, settings: Settings) -> None:
    from hpstudy.study import studyfile

    store = Store(team.url)
    file = team.folder / team.write("own", text=OWN)
    store.register(studyfile.load(file).study)
    assert ServedStudies(store, None, None, settings).queues() == []
    with pytest.raises(UserError, match=r"`hpstudy worker FILE.py`"):
        ServedStudies(store, "own", None, settings).queues()
    assert len(ServedStudies(store, "own", file, settings).queues()) == 1
    file.write_text(file.read_text().replace("Flatten()", "Flatten(), keras.layers.Dense(9)"))
    with pytest.raises(UserError, match="does not build the network"):
        ServedStudies(store, "own", file, settings).queues()
    store.close()


OWN_DATA = """
from hpstudy import Choice, Grid, Study, Table
study = Study(
    name="{name}",
    dataset=Table("{name}.csv", target="y"),
    base=dict(units=4, epochs={epochs}),
    vary=dict(optimizer=Choice("sgd", "adam")),
    design=Grid(),
)
"""


def test_a_dataset_of_ones_own_must_be_the_same_on_the_machine_of_a_worker(team: Team) -> None:
    file = team.folder / "mine.csv"
    rows = [f"{row * 37 % 50},{row % 2}" for row in range(50)]
    file.write_text("\n".join(["x,y", *rows]))
    team.run("submit", team.write("mine", text=OWN_DATA))
    elsewhere = team.folder / "elsewhere"  # a machine with a home and a cache of its own
    team.environment |= {f"HPSTUDY_{name}": str(elsewhere / name) for name in ("HOME", "CACHE_DIR", "DATA_DIR")}
    elsewhere.mkdir()
    content = file.read_text()

    file.write_text(content + "\n1,1")
    refusal = team.run("worker", "mine", code=2)
    assert f"{file} is not what the study was begun with" in refusal
    file.unlink()
    refusal = " ".join(team.run("worker", "mine.py", code=1).split())
    assert f"The table mine.csv is not on this machine. Tried: - {file} - {elsewhere}/DATA_DIR/mine.csv" in refusal

    (elsewhere / "DATA_DIR").mkdir()
    (elsewhere / "DATA_DIR" / "mine.csv").write_text(content)
    assert team.work("mine", "--processes", "1", "--idle-exit", "0.5").count("complete") == 2
    trials = team.json("status", "mine")["trials"]
    assert (trials["complete"], trials["failed"], trials["lost"]) == (2, 0, 0)


def test_a_worker_of_all_studies_leaves_those_out_whose_own_data_it_lacks(settings: Settings, tmp_path: Path) -> None:
    rows = [f"{row * 37 % 50},{row % 2}" for row in range(50)]
    (tmp_path / "mine.csv").write_text("\n".join(["x,y", *rows]))
    table = data.resolved(Table("mine.csv", target="y", folder=tmp_path), replace(settings, cache_dir=tmp_path / "c"))
    with closing(Store(settings.storage)) as store:
        store.register(make_study(name="mine", dataset=table, base={}))
        store.register(make_study(name="theirs"))
        served = ServedStudies(store, None, None, replace(settings, cache_dir=tmp_path / "other"))
        assert [queue.study.name for queue in served.queues()] == ["theirs"]
        (sentence,) = served.lacking
    assert "Study mine is left to other workers" in sentence
    assert "The table mine.csv is not on this machine" in sentence


@dataclass(frozen=True, kw_only=True)
class CodeAssignment(Assignment):
    """Processes run some Python instead of training."""

    code: str

    def command(self) -> list[str]:
        return [sys.executable, "-c", self.code]


def supervise(settings: Settings, code: str, queues: Callable[[], list[StudyQueue]] = list) -> None:
    supervisor = Supervisor(settings, CodeAssignment(slots=devices.slots(1), code=code, forked=False))
    try:
        supervisor.start()
        supervisor.work(queues, hear=lambda *_: None, tick=lambda: None)
    finally:
        supervisor.stop()


def test_a_process_that_crashes_again_and_again_stops_the_worker_with_the_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpstudy.worker.supervisor.CRASH_PAUSE_S", 0.1)
    begun = time.monotonic()
    with pytest.raises(FatalError, match=r"3 trainer processes died outside of any trial.*SIGABRT(.|\n)*cannot start"):
        supervise(settings, "import os; os.write(2, b'cannot start'); os.abort()")
    assert time.monotonic() - begun > 0.5, "it paused before each new one, the second time longer"


def test_compiled_epochs_that_cannot_be_read_cost_a_process_but_no_trial_an_attempt(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={tmp_path / 'file'}")
    heard: list[Message] = []
    with closing(Store(settings.storage)) as store:
        queue = store.register(make_study(vary={}, base=dict(epochs=2, units=4), design=Grid(replicates=1)))
        work = Assignment(slots=devices.slots(1), study=queue.study.name, idle_exit_s=0.0)
        with Supervisor(settings, work) as supervisor:
            supervisor.start()
            supervisor.work(lambda: [queue], hear=lambda _, message: heard.append(message), tick=lambda: None)
        records = queue.trials.records()
    assert [(record.state, record.attempt) for record in records] == [("lost", 1), ("complete", 1)]
    (warning,) = (message.text for message in heard if isinstance(message, Warned))
    assert warning.startswith("Compiled epochs on disk cannot be used")


def test_what_ends_the_worker_costs_no_trial_an_attempt_and_is_kept(settings: Settings) -> None:
    store = Store(settings.storage)
    queue = store.register(make_study())
    claims = (
        "import sys; from hpstudy.owner import Owner; from hpstudy.storage import Store\n"
        "from hpstudy.worker.messages import Claimed, Fatal, Pipe\n"
        f"claim, pipe = Store({settings.storage!r}).open('optimizers').claims.claim(Owner.of_process()), Pipe()\n"
        "pipe.send(Claimed(trial=claim.number)); pipe.send(Fatal(error='The disk is full.')); sys.exit(1)"
    )
    with pytest.raises(FatalError, match=r"The disk is full\."):
        supervise(settings, claims, lambda: [queue])
    assert (queue.trials.record(0).state, queue.trials.record(0).error) == ("lost", "The disk is full.")
    again = queue.claims.claim(Owner.of_process())
    assert again is not None
    assert (again.start.retry_of, again.start.attempt) == (0, 1)
    store.close()


@pytest.mark.parametrize("code", [0, 75], ids=["done", "grown"])
def test_a_process_that_ends_with_a_trial_in_hands_has_died_whatever_its_exit_code(
    settings: Settings, tmp_path: Path, code: int
) -> None:
    counter = tmp_path / "starts"
    dies = (
        "import os; from hpstudy.worker.messages import Claimed, Pipe\n"
        f"file = open({str(counter)!r}, 'a'); pipe = Pipe()\n"
        f"file.write('x'); file.flush(); pipe.send(Claimed(trial=file.tell())) if file.tell() < 3 else os._exit(0)\n"
        f"os._exit({code})"
    )
    supervise(settings, dies)
    assert counter.read_text() == "xxx"


def test_a_trainer_whose_supervisor_is_gone_does_not_take_that_for_a_failure_of_its_trial() -> None:
    code = (
        "import os; reading, writing = os.pipe(); os.close(reading)\n"
        "os.environ['HPSTUDY_MESSAGE_PIPE'] = str(writing)\n"
        "from hpstudy.worker.messages import Idle, Pipe\n"
        "try:\n    Pipe().send(Idle())\nexcept Exception:\n    print('told the trial')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_network_that_is_never_made_fails_its_trial_although_the_studys_code_catches_every_exception() -> None:
    def build() -> None:
        while True:
            with suppress(Exception):
                signal.pause()

    with (
        pytest.raises(TrialFailed, match=r"longer than --timeout 0.01 s: its network was not built after 0.06 s"),
        network_within(0.01, start_s=0.05),
    ):
        build()


def test_a_process_whose_memory_has_grown_is_replaced_without_being_counted_as_a_crash(
    settings: Settings, tmp_path: Path
) -> None:
    counter = tmp_path / "starts"
    code = f"import os, sys; f = open({str(counter)!r}, 'a+'); f.write('x'); sys.exit(75 if f.tell() < 6 else 0)"
    supervise(settings, code)
    assert counter.read_text() == "xxxxxx"


def test_a_worker_says_where_it_trains(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs that are not there are refused before anything is started."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if not devices.visible_gpus():
        assert "GPUs found: none" in team.run("worker", "--gpus", "0,1", code=2)
        assert places(devices.slots(2)) == "2 processes on the processor; no GPU was found"
    assert places(devices.slots(1, [""])) == "1 process on the processor, without its GPUs"
    assert places(worker_slots(None, ["0", "1"], 2)) == "4 processes on GPUs 0, 1"


def test_a_trial_is_sampled_at_its_first_epoch_and_then_once_in_a_while() -> None:
    """At most once a second, and in the long run less and less often."""
    now = 100.0
    system = SystemMetrics(clock=lambda: now)
    system.begin()
    counts = []
    for epochs in (5, 3600):  # epochs of a fifth of a second, then of one
        taken = 0
        for _ in range(epochs):
            now += 0.2 if epochs == 5 else 1.0
            taken += bool(system.sample())
        counts.append(taken)
    assert counts[0] == 1
    assert 50 < counts[1] < 150


def test_the_gpus_of_a_process_are_sampled_under_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one: NVIDIA's library with answers of its own kind, as far as hpstudy asks it."""
    import pynvml

    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetIndex": lambda handle: handle,
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=4e9, total=16e9),
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=37),
        "nvmlDeviceGetPowerUsage": lambda _: 71_500,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    system = SystemMetrics()
    system.begin()
    sample = {name: value for name, value in system.sample().items() if name.startswith("gpu_")}
    assert sample == {
        "gpu_3_memory_usage_megabytes": 4000.0,
        "gpu_3_memory_usage_percentage": 25.0,
        "gpu_3_utilization_percentage": 37.0,
        "gpu_3_power_usage_watts": 71.5,
    }


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVIDIA's library as it answers on a machine with four GPUs."""
    import pynvml

    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 4,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetUUID": lambda handle: f"GPU-{handle}a1b-77",
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


@pytest.mark.usefixtures("four_gpus")
def test_processes_share_gpus_and_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert devices.choose_gpus("all") == ["2", "3"]
    assert devices.choose_gpus("1") == ["3"]
    environments = [slot.environment() for slot in devices.slots(4, ["2", "3"])]
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}  # as nvidia-smi counts
    assert environments == [{"CUDA_VISIBLE_DEVICES": gpu, **order} for gpu in ("2", "3", "2", "3")]
    assert devices.slots(1, devices.choose_gpus("none"))[0].environment()["CUDA_VISIBLE_DEVICES"] == ""
    assert devices.slots(1)[0].environment() == {}
    with pytest.raises(UserError, match="GPUs found: 0 to 1"):
        devices.choose_gpus("7")


GPU_VARIABLES = [
    (None, ["0", "1", "2", "3"]),
    ("1", ["1"]),
    (" 3 , 0 ", ["3", "0"]),
    ("1,7,2", ["1"]),  # CUDA goes no further than the first name that is none
    ("2,2", ["2"]),
    ("GPU-3a1b", ["GPU-3a1b"]),
    ("GPU-9", []),
    ("GPU-", []),  # that of four
    ("", []),
    ("-1", []),
    ("NoDevFiles", []),
    ("void", []),
    ("none", []),
]


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(("variable", "found"), GPU_VARIABLES)
def test_a_variable_shows_the_gpus_that_the_driver_knows(variable: str | None, found: list[str]) -> None:
    assert gpus.visible(variable) == found


@pytest.mark.parametrize("variable", ["0", "0,1", "NoDevFiles", "void", "GPU-3a1b", "MIG-1", "all"])
def test_without_a_driver_no_variable_makes_a_gpu(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if devices.visible_gpus():
        pytest.skip("this machine has a GPU")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert devices.visible_gpus() == []
    assert devices.choose_gpus("all") == []


MOUNT_2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw"
MOUNT_1 = "33 25 0:29 {top} /sys/fs/cgroup/{name} rw,nosuid - cgroup cgroup rw,{name}"
MANY_CORES = Limits(cores=64.0)


def container(folder: Path, groups: str, mounts: list[str], **files: str) -> Path:
    """A root folder with what the kernel shows of control groups; `files` by their paths below sys/fs/cgroup."""
    for place, text in {
        "proc/self/cgroup": groups,
        "proc/self/mountinfo": "\n".join(mounts) + "\n",
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    return folder


def test_the_limits_of_a_container_are_those_of_the_tightest_group_around_it(tmp_path: Path) -> None:
    """Of version 2, where 1.5 GB of 2 GB are taken, a third of which are copies of files that make way."""
    files = {
        "work/cpu.max": "max 100000\n",
        "cpu.max": "50000 100000\n",
        "work/memory.max": "2000000000\n",
        "work/memory.current": "1500000000\n",
        "work/memory.stat": "anon 1000000000\ninactive_file 400000000\nactive_file 100000000\n",
        "memory.max": "max\n",
    }
    root = container(tmp_path, "0::/work\n", [MOUNT_2], **files)
    assert limits.read_limits(root) == Limits(cores=0.5, memory_gb=1.0)


def test_the_limits_of_a_container_of_the_older_kind(tmp_path: Path) -> None:
    """Which is mounted at its own group, and says the largest number for no limit."""
    mounts = [MOUNT_1.format(top="/docker/7", name=name) for name in ("cpu", "memory")]
    files = {
        "cpu/cpu.cfs_quota_us": "250000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.usage_in_bytes": "1500000000\n",
    }
    root = container(tmp_path, "4:memory:/docker/7\n3:cpu:/docker/7\n", mounts, **files)
    assert limits.read_limits(root) == Limits(cores=2.5)
    (root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us").write_text("-1\n")
    (root / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("2000000000\n")
    assert limits.read_limits(root) == Limits(memory_gb=0.5)


@pytest.mark.parametrize("text", ["", "max", "max 100000", "much\n", "-5 100000", "100000 0"])
def test_what_is_no_limit_limits_nothing(tmp_path: Path, text: str) -> None:
    root = container(tmp_path, "0::/\n", [MOUNT_2], **{"cpu.max": text, "memory.max": text})
    assert limits.read_limits(root) == Limits()
    assert limits.read_limits(tmp_path / "nothing") == Limits()


def test_a_container_has_as_many_processes_as_its_limits_allow_and_says_why() -> None:
    many = 10**6  # trials
    unlimited = devices.default_processes(many, Limits())
    assert (devices.default_processes(many, MANY_CORES), devices.why_so_few(many, MANY_CORES)) == (unlimited, None)
    for tight, why in (
        (Limits(cores=0.5), "the container's quota is 0.5 cores"),
        (Limits(memory_gb=2.0), "the container may only take another 2.0 GB of memory"),
    ):
        if unlimited == 1:
            pytest.skip("this machine has one core, or memory for one process")
        assert devices.default_processes(many, tight) == 1
        assert devices.why_so_few(many, tight) == why
    assert places(devices.slots(1), "the container's quota is 0.5 cores") == (
        "1 process on the processor, because the container's quota is 0.5 cores; no GPU was found"
    )
