"""What a process that trains finds set."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hpstudy.training.compiled import LIMIT_BYTES, for_compiled, seal, without_compiled
from hpstudy.training.environment import for_tensorflow

WIDE = "--xla_cpu_prefer_vector_width=512"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", WIDE),
        ("--xla_dump_to=/tmp/dump", f"--xla_dump_to=/tmp/dump {WIDE}"),
        ("--xla_cpu_prefer_vector_width=256", "--xla_cpu_prefer_vector_width=256"),
    ],
    ids=["none", "others are kept", "the user's width"],
)
def test_the_compiler_may_use_wide_vectors(monkeypatch: pytest.MonkeyPatch, given: str, found: str) -> None:
    monkeypatch.setenv("XLA_FLAGS", given)
    assert for_tensorflow()["XLA_FLAGS"] == found


def test_no_flag_for_a_version_that_may_not_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setattr("importlib.metadata.version", lambda package: "2.99.0")
    assert for_tensorflow()["XLA_FLAGS"] == ""


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of compiled epochs."""
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    return Path(for_compiled(tmp_path)["TF_XLA_FLAGS"].partition("=")[2])


def test_a_damaged_compiled_epoch_is_removed_before_a_process_could_read_it(compiled: Path, tmp_path: Path) -> None:
    whole, cut, altered, forgotten = (compiled / f"{name}.pb" for name in ("whole", "cut", "altered", "forgotten"))
    for file in (whole, cut, altered):
        file.write_bytes(b"program" * 100)
    seal(for_compiled(tmp_path))
    cut.write_bytes(b"program")
    altered.write_bytes(b"Program" + b"program" * 99)
    forgotten.write_bytes(b"its writer died before it wrote the checksum")
    os.utime(forgotten, (time.time() - 3600,) * 2)
    for_compiled(tmp_path)
    assert [file.name for file in compiled.glob("*.pb")] == ["whole.pb"]


def test_several_processes_may_write_compiled_epochs_and_look_through_them_at_once(
    compiled: Path, tmp_path: Path
) -> None:
    def write(writer: int) -> None:
        for number in range(40):
            partial = compiled / f"{writer}-{number}.pb.tmp"
            partial.write_bytes(b"program" * number)
            partial.replace(compiled / f"{number}.pb")  # as TensorFlow writes: the others write the same
            seal(for_compiled(tmp_path) or {})

    with ThreadPoolExecutor() as writers:
        list(writers.map(write, range(3)))
    abandoned = compiled / "of a killed writer.pb.tmp"
    abandoned.touch()
    os.utime(abandoned, (time.time() - 3600,) * 2)
    assert for_compiled(tmp_path)
    assert sorted(compiled.glob("*.pb")) == sorted(compiled / f"{number}.pb" for number in range(40))
    assert not abandoned.exists()


def test_compiled_epochs_are_bounded_in_size_and_the_oldest_go_first(compiled: Path, tmp_path: Path) -> None:
    for age in range(4):
        file = compiled / f"{age}.pb"
        with file.open("wb") as opened:
            opened.truncate(LIMIT_BYTES // 3)
        os.utime(file, (time.time() - age,) * 2)
    for_compiled(tmp_path)
    assert sorted(file.name for file in compiled.glob("*.pb")) == ["0.pb", "1.pb", "2.pb"]


def test_another_version_of_tensorflow_has_its_own_compiled_epochs_or_none(
    compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda package: "2.21.99")
    other = Path(for_compiled(tmp_path)["TF_XLA_FLAGS"].partition("=")[2])
    assert (other.parent, other.name != compiled.name) == (compiled.parent, True)
    monkeypatch.setattr("importlib.metadata.version", lambda package: "2.99.0")
    assert for_compiled(tmp_path) == {}


def test_where_compiled_epochs_cannot_be_written_a_process_compiles_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compiled").write_text("a file")
    assert for_compiled(tmp_path) == {}
    assert for_compiled(tmp_path / "with a space") == {}, "TensorFlow separates its flags by spaces"
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_clustering_debug --tf_xla_persistent_cache_directory=/mine")
    assert for_compiled(tmp_path / "other") == {}, "the user's folder is kept"
    assert without_compiled() == {"TF_XLA_FLAGS": "--tf_xla_clustering_debug"}


ON_A_DEVICE = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from hpstudy import data
from hpstudy.settings import Settings
from hpstudy.study.factors import dataset_info, default_config
from hpstudy.training.trainer import Trainer
few = {"learning_rate": 0.01, "epochs": 3, "dropout": 0.2, "augmentation": "shift"}
config = {**default_config(dataset_info("digits")), **few}
arrays = data.prepare("digits", config, 42, Settings.load({"home": sys.argv[1]}))
trainer = Trainer()
with tf.device("CPU:1"):
    training = trainer.start(config, 42, arrays, block_s=1.0)
    print(*{epoch.number for epoch in training})
    (program,) = trainer.programs
    rows = program.rows(arrays, program.store(arrays))
variables = [variable.value for variable in program.network.variables]
print(*{tensor.device[-6:] for tensor in (*variables, rows.x, rows.y, rows.scale, rows.offset, rows.validation)})
"""


def test_a_program_has_everything_on_the_device_that_it_is_given(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_DEVICE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["1 2 3", ":CPU:1"], done.stderr


IN_TURN = """
import functools, os, sys
from pathlib import Path
from hpstudy import data
from hpstudy.settings import Settings
from hpstudy.study.factors import dataset_info, default_config
from hpstudy.training.trainer import Trainer
import keras
import tensorflow as tf

calls, call = [], keras.layers.Dense.call


@functools.wraps(call)  # Keras reads the signature
def called(*given, **named):
    calls.append(tf.executing_eagerly())
    return call(*given, **named)

keras.layers.Dense.call = called

def train():
    levels = {"epochs": 3, "units": 11, "dropout": 0.2, "optimizer": "nadam", "learning_rate": 0.01}
    config = {**default_config(dataset_info("digits")), **levels}
    trainer, arrays = Trainer(), data.prepare("digits", config, 42, Settings.load({"home": sys.argv[1]}))
    losses = [epoch.metrics["loss"] for epoch in trainer.start(config, 42, arrays, block_s=1.0)]
    print(*losses, "traced" if False in calls else "read", flush=True)

def of_another_process():
    process = os.fork()
    if not process:
        train()
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0

of_another_process()
of_another_process()
(graph,) = Path(sys.argv[2]).glob("hpstudy_*.pb")
whole = graph.read_bytes()
for content in (whole[:-1], b"", whole.replace(b"while", b"White", 1)):
    graph.write_bytes(content)
    of_another_process()
of_another_process()
graph.unlink()
graph.mkdir()
of_another_process()
"""


def test_a_process_reads_the_graph_that_another_one_traced_unless_it_is_damaged(compiled: Path, tmp_path: Path) -> None:
    """With the same bits. Where it was damaged, it is written again; where it cannot be, every process traces."""
    environment = {**os.environ, **for_tensorflow(), "TF_XLA_FLAGS": for_compiled(tmp_path)["TF_XLA_FLAGS"]}
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, str(tmp_path), str(compiled)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    found = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]
    assert [how for _, how in found] == ["traced", "read", "traced", "traced", "traced", "read", "traced"], done.stderr
    assert len({losses for losses, _ in found}) == 1
