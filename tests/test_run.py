"""`hpstudy run` with real processes: to the end, killed, interrupted, gone on, edited, started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import psutil
import pytest

from commands import call, end_of, start, wait_for
from data_factories import write_kaggle_titanic
from waiting import wait_until

STUDY = """
from hpstudy import Choice, Grid, Study

study = Study(
    name="small",
    dataset="digits",
    base=dict(units=16, epochs={epochs}),
    vary=dict(optimizer=Choice("sgd", "adam"), learning_rate=Choice(0.001, 0.01)),
    design=Grid(replicates={replicates}),
)
"""


class Project:
    """A folder with a study file, in which hpstudy's commands are run as a user runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, epochs: int = 2, replicates: int = 2, text: str = STUDY) -> None:
        (self.folder / "small.py").write_text(text.format(epochs=epochs, replicates=replicates))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return start(*arguments, folder=self.folder)

    def run(self, *arguments: str, code: int = 0) -> str:
        """`hpstudy run` to its end."""
        return end_of(self.start("run", *arguments), code=code)

    def ask(self, *arguments: str, code: int = 0) -> str:
        """A command that trains nothing."""
        return call(*arguments, code=code, folder=self.folder)

    def status(self) -> dict[str, Any]:
        return json.loads(self.ask("status", "small", "--json"))  # type: ignore[no-any-return]

    def export(self) -> list[dict[str, Any]]:
        return json.loads(self.ask("export", "small", "--format", "json"))  # type: ignore[no-any-return]

    def assert_exact(self, replicates: int) -> None:
        """Every cell and replicate has ended exactly once, not counting what was lost."""
        rows = [row for row in self.export() if row["state"] != "lost"]
        pairs = Counter((tuple(row["params"].items()), row["replicate"]) for row in rows)
        assert len(rows) == len(pairs) == 4 * replicates
        assert {row["state"] for row in rows} == {"complete"}

    def mlflow_runs(self) -> list[Any]:
        """Every run of the study's experiment, the parent first."""
        client = mlflow.MlflowClient(f"sqlite:///{self.folder / 'home' / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("small")
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id], max_results=1000)
        return sorted(runs, key=lambda run: "mlflow.parentRunId" in run.data.tags)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("HPSTUDY_HOME", str(tmp_path / "home"))
    project = Project(tmp_path)
    project.write()
    before = {child.pid for child in psutil.Process().children()}
    yield project
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    for child in left:
        child.kill()
    assert not left, "a command left processes behind"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Project]:
    """A finished study, for the tests that only look at it."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSTUDY_HOME", str(folder / "home"))
        patch.setenv("HPSTUDY_CACHE_DIR", str(cache_dir))
        project = Project(folder)
        project.write(text=STUDY.replace("design=", "diagnostics=True,\n    design="))
        output = project.run("small.py", "--processes", "2")
        assert "Finished: 8 of 8 trials" in output
        assert re.search(r"Test split: accuracy 0\.\d+ \(.*; 360 rows\)", output)
        assert "hpstudy ui" in output
        yield project


@pytest.fixture
def looked_at(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("HPSTUDY_HOME", str(finished.folder / "home"))
    return finished


def test_a_finished_study_has_every_trial_once(looked_at: Project) -> None:
    looked_at.assert_exact(replicates=2)
    status = looked_at.status()
    assert status["state"] == "finished"
    assert status["budget"] == 8
    assert status["trials"] == {"complete": 8, "pruned": 0, "failed": 0, "running": 0, "waiting": 0, "lost": 0}
    assert set(status["best"]) == {"trial", "value", "params"}


def test_an_exported_row_says_all_that_scripts_need(looked_at: Project) -> None:
    row = looked_at.export()[0]
    assert {"number", "state", "params", "replicate", "seed", "value", "metrics", "history"} <= set(row)
    assert {"started", "duration_s", "host", "error"} <= set(row)
    assert row["metrics"]["val_accuracy"] == row["value"] == row["history"][-1]["val_accuracy"]
    assert [epoch["epoch"] for epoch in row["history"]] == [1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(row["history"][0])
    assert (row["seed"], row["error"]) == (42, None)


def test_csv_has_the_same_rows(looked_at: Project) -> None:
    lines = looked_at.ask("export", "small", "--format", "csv").splitlines()
    assert len(lines) == 9
    assert "params.optimizer" in lines[0]
    assert "metrics.val_accuracy" in lines[0]


def test_mlflow_has_a_parent_and_a_finished_child_for_each_trial(looked_at: Project) -> None:
    parent, *children = looked_at.mlflow_runs()
    assert parent.info.status == "FINISHED"
    assert [child.info.status for child in children] == ["FINISHED"] * 8
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    rows = {str(row["number"]): row for row in looked_at.export()}
    for child in children:
        row = rows[child.data.tags["hpstudy.trial"]]
        assert child.data.metrics["val_accuracy"] == row["value"]
        assert child.data.params["optimizer"] == row["params"]["optimizer"]
        assert child.data.metrics["gradient_norm/output"] > 0


def test_the_evaluated_model_can_be_loaded_from_mlflow(looked_at: Project) -> None:
    """By a process that knows nothing of hpstudy, in another folder; and it can be registered."""
    found = json.loads(looked_at.ask("evaluate", "small", "--json", "--register", "numbers").split("\n")[1])
    parent = looked_at.mlflow_runs()[0]
    code = (
        "import sys; sys.modules['hpstudy'] = None\n"
        "import mlflow; from sklearn.datasets import load_digits\n"
        "mlflow.set_tracking_uri(sys.argv[1]); model = mlflow.pyfunc.load_model(sys.argv[2])\n"
        "guesses = model.predict(load_digits().images.astype('uint8')).to_numpy().argmax(axis=1)\n"
        "print('accuracy', (guesses == load_digits().target).mean())"
    )
    address = f"sqlite:///{looked_at.folder / 'home' / 'mlflow.db'}"
    arguments = [sys.executable, "-c", code, address, "models:/numbers/1"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    printed = subprocess.run(
        arguments, cwd="/", env=environment, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    accuracy = float(printed.split("accuracy ")[1])
    assert parent.data.tags["hpstudy.model"].startswith("models:/m-")
    assert accuracy == pytest.approx(found["ensemble"]["accuracy"], abs=0.08)


def test_a_run_ends_with_the_test_split(looked_at: Project) -> None:
    """Stored with the study, in the report on the run of the study, as metrics, and only the chosen weights stay."""
    output = looked_at.ask("evaluate", "small", "--json")
    assert "Already evaluated" in output
    found = json.loads(output.split("\n")[1])
    parent = looked_at.mlflow_runs()[0]
    assert (found["seeds"], found["rows"], len(found["trials"])) == ([42, 43], 360, 2)
    best = {row["number"]: row["value"] for row in looked_at.export()}
    assert found["validation"] == pytest.approx([best[number] for number in found["trials"]], abs=0.005)
    assert parent.data.metrics["test_accuracy"] == pytest.approx(sum(found["accuracy"]) / 2)
    assert parent.data.metrics["test_accuracy_ensemble"] == found["ensemble"]["accuracy"]
    assert parent.data.metrics.keys() >= {"best_val_accuracy", "mean_val_accuracy"}
    assert "Test split: accuracy" in parent.data.tags["mlflow.note.content"]
    kept = [int(file.parent.name) for file in (looked_at.folder / "home" / "runs").rglob("weights.npz")]
    assert sorted(kept) == sorted(found["trials"])


def test_a_report_is_on_the_run_of_the_study(looked_at: Project) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{looked_at.folder / 'home' / 'mlflow.db'}")
    parent = looked_at.mlflow_runs()[0].info.run_id
    assert {file.path for file in client.list_artifacts(parent)} >= {"report.html", "report.md", "study.py", "figures"}
    assert len(client.list_artifacts(parent, "figures")) > 5
    assert "Written: " in looked_at.ask("report", "small")
    away = looked_at.ask("report", "small", "--tracking-uri", "http://127.0.0.1:9")
    assert "The report is not in MLflow: MLflow at http://127.0.0.1:9 did not take" in away


def test_the_same_command_on_a_finished_study_changes_nothing(looked_at: Project) -> None:
    before = looked_at.export()
    output = looked_at.ask("run", "small.py")
    assert "is finished: 8 of 8 trials. Nothing was changed" in output
    assert looked_at.export() == before


def test_an_edited_study_is_refused_with_what_changed_and_the_ways_out(looked_at: Project) -> None:
    before = looked_at.export()
    output = looked_at.ask("run", "small.py", "--epochs", "3", code=2)
    assert "base.epochs: 2 → 3" in output
    assert "--fresh" in output
    assert "another name" in output
    assert looked_at.export() == before


def test_tables_show_the_study(looked_at: Project) -> None:
    best = json.loads(looked_at.ask("best", "small", "--json"))
    assert f"{best['value']:.4f}" in looked_at.ask("ls")
    assert "finished" in looked_at.ask("status", "small")
    assert str(best["trial"]) in looked_at.ask("best", "small")
    shown = looked_at.ask("show", "small", str(best["trial"]))
    assert "dataset_digest" in shown
    assert "learning_rate" in shown


def test_a_second_sync_finds_nothing_to_do(looked_at: Project) -> None:
    assert "0 runs created, 0 updated" in looked_at.ask("sync", "small")


def test_processes_that_die_over_the_test_split_cost_no_trial(project: Project) -> None:
    """One is replaced; then it is told, and the command that is named makes up for it."""
    (project.folder / "small.py").write_text(DEADLY)
    deaths = project.folder / "deaths"
    deaths.write_text("2")
    output = project.run("small.py", "--processes", "1")
    assert deaths.read_text() == "0", "the first one was replaced"
    assert "Finished: 1 of 1 trials" in output
    assert "The test split was not scored: the process scoring it died. `hpstudy evaluate small` tries" in output
    assert "rows of the test split" in project.ask("evaluate", "small", "--file", "small.py")


def test_a_wrong_dataset_file_ends_the_run_with_one_sentence_and_fails_no_trial(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_kaggle_titanic(project.folder / "data" / "titanic.csv")
    path.write_text(path.read_text().replace(",7.25,", ",1e39,"))
    project.write(text=STUDY.replace('"digits"', '"titanic"'))
    monkeypatch.setenv("HPSTUDY_DATA_DIR", str(path.parent))
    output = project.run("small.py", "--processes", "1", code=1)
    assert f"Error: {path} has '1e39' as fare in line 9. Expected: " in output
    assert not {row["state"] for row in project.export()} & {"failed", "complete"}


def test_a_study_goes_on_after_ctrl_c_the_death_of_its_run_and_that_of_a_trainer(project: Project) -> None:
    """One after another: what was complete stays, what was lost is tried again, and no process outlives its run."""
    project.write(epochs=500)  # long trials: whoever dies does so in one, not between two
    interrupted = project.start("run", "small.py", "--processes", "2")
    wait_for(interrupted, "trial 0 complete")
    interrupted.send_signal(signal.SIGINT)
    output = end_of(interrupted, code=130)
    assert "The same command resumes with the rest" in output
    assert "interrupted and tried again" in output
    assert "lost" not in output
    assert "test split" not in output
    assert (project.status()["state"], project.status()["trials"]["running"]) == ("stopped", 0)
    assert not [run for run in project.mlflow_runs() if run.info.status == "RUNNING"]
    done = [row for row in project.export() if row["state"] == "complete"]
    given_back = project.status()["trials"]["lost"]

    killed = project.start("run", "small.py", "--processes", "2")
    wait_for(killed, "complete: ")
    server, *trainers = psutil.Process(killed.pid).children(recursive=True)
    assert len(trainers) == 2
    killed.kill()
    killed.communicate()
    _, alive = psutil.wait_procs([server, *trainers], timeout=60)
    assert not alive
    assert (project.status()["state"], project.status()["trials"]["running"]) == ("stopped", 0)

    process = project.start("run", "small.py", "--processes", "2")
    wait_until(lambda: project.status()["trials"]["running"] == 2)
    victim = psutil.Process(process.pid).children(recursive=True)[-1]
    victim.kill()
    assert "8 complete, 0 pruned, 0 failed" in end_of(process)
    project.assert_exact(replicates=2)
    rows = project.export()
    assert done
    assert [rows[row["number"]] for row in done] == done
    errors = [row["error"] for row in rows if row["state"] == "lost"]
    assert len(errors) > given_back + 1
    assert [f"process {victim.pid}" in error for error in errors].count(True) == 1
    states = Counter(run.info.status for run in project.mlflow_runs())
    assert states == {"FINISHED": 9, "KILLED": len(errors)}


OWN = """
from __future__ import annotations
import os
import random
from dataclasses import dataclass
import keras
from hpstudy import Choice, Grid, Study

@dataclass
class Plan:
    epochs: int = 3

study = Study(
    name="small", dataset="digits", base=dict(epochs=Plan().epochs), vary=dict(width=Choice(8, 9, 10, 11, 32)),
    design=Grid(replicates=1),
)

def build(config, input_shape, outputs):
    from layers import network
    if config["width"] == 9:
        raise ValueError("a kernel larger than its image")
    if config["width"] == 10:
        exit()
    if config["width"] == 11:
        os.abort()
    return network(config["width"], input_shape, outputs)
"""
LAYERS = """
import keras

def network(width, input_shape, outputs):
    return keras.Sequential([
        keras.Input(input_shape), keras.layers.Flatten(),
        keras.layers.Dense(width, activation="relu"), keras.layers.Dense(outputs, activation="softmax"),
    ])
"""


KINDS = """
import keras
from hpstudy import Choice, Grid, Study

study = Study(
    name="small", dataset="digits", base=dict(epochs=2, train_rows=300), design=Grid(replicates=1),
    vary=dict(kind=Choice("mixed", "plain", "subclass", "layer", "rotation", "zoom", "logits")),
)

class Half(keras.layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

class Network(keras.Model):
    def __init__(self, layers):
        super().__init__()
        self.first, self.rest = layers[0], layers[1:]

    def call(self, inputs):
        outputs = self.first(inputs)
        for layer in self.rest:
            outputs = layer(outputs)
        return outputs

def build(config, input_shape, outputs):
    kind = config["kind"]
    if kind == "mixed":
        keras.mixed_precision.set_global_policy("mixed_float16")
    between = {
        "layer": lambda: Half(0.5),
        "rotation": lambda: keras.layers.RandomRotation(0.05),
        "zoom": lambda: keras.layers.RandomZoom(0.1),
    }
    layers = [
        keras.layers.Reshape((*input_shape, 1)),
        keras.layers.Lambda(lambda images: images * 2.0),
        *([between[kind]()] if kind in between else []),
        keras.layers.Flatten(),
        keras.layers.Dense(outputs, activation=None if kind == "logits" else "softmax"),
    ]
    return Network(layers) if kind == "subclass" else keras.Sequential([keras.Input(input_shape), *layers])
"""


DEADLY = """
import os
import traceback
from pathlib import Path
import keras
from hpstudy import Grid, Study

study = Study(name="small", dataset="logic_gates", base=dict(epochs=2), vary=dict(), design=Grid(replicates=1))

def build(config, input_shape, outputs):
    deaths = Path(__file__).with_name("deaths")
    if "answer" in [frame.name for frame in traceback.extract_stack()] and int(deaths.read_text()):
        deaths.write_text(str(int(deaths.read_text()) - 1))
        os.abort()
    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(outputs, activation="sigmoid")])
"""


SEARCH = """
from hpstudy import Choice, Search, Study

study = Study(
    name="small", dataset="logic_gates", base=dict(epochs=1), vary=dict(units=Choice(4, 8), optimizer=Choice("sgd")),
    design=Search(
        finalists=0, trials=12, sampler="random", pruner="median", first=[dict(units=8), dict(units=8, optimizer="sgd")]
    ),
)
"""


def test_a_search_trains_a_configuration_once_and_prunes_no_trial_after_its_last_epoch(project: Project) -> None:
    """Of two configurations, the second of which it is given first, twice over."""
    (project.folder / "small.py").write_text(SEARCH)
    output = " ".join(project.run("small.py", "--processes", "1").split())
    rows = project.export()
    trained = {row["params"]["units"]: row["number"] for row in rows if row["repeats"] is None}
    assert (len(trained), trained[8]) == (2, 0)
    assert [row["params"]["units"] for row in rows[:2]] == [8, 8]
    for row in rows:
        original = rows[trained[row["params"]["units"]]]
        assert row["repeats"] in (None, original["number"])
        assert (row["state"], row["metrics"]) == ("complete", original["metrics"])
    assert "trial 1 complete, repeats trial 0: units=8, optimizer=sgd: 0." in output
    assert "12 of 12 trials (12 complete, 0 pruned, 0 failed)" in output
    report = " ".join(project.ask("report", "small").split())
    assert "10 of 12 trials repeat an earlier configuration" in report
    assert "12 trials with 2 epochs took" in report
    assert "repeats trial" in project.ask("show", "small", "1")
    assert [run.data.tags.get("hpstudy.repeats") for run in project.mlflow_runs()].count("0") >= 1
    assert "0 runs created, 0 updated" in project.ask("sync", "small")


FINALISTS = """
from hpstudy import Float, Search, Study

study = Study(
    name="small", dataset="logic_gates", base=dict(epochs=1), vary=dict(learning_rate=Float(1e-4, 1.0, log=True)),
    design=Search(trials=9999, sampler="random", finalists=2, replicates=2),
)
"""


def test_a_search_that_ran_out_of_hours_confirms_its_finalists_and_the_chosen_one_is_scored(project: Project) -> None:
    (project.folder / "small.py").write_text(FINALISTS)
    output = " ".join(project.run("small.py", "--processes", "1", "--hours", "0.0002").split())
    rows = project.export()
    confirmed = [row for row in rows if row["role"] == "confirmation"]
    assert {row["state"] for row in rows} == {"complete"}
    finalists = min(2, len(rows) - len(confirmed))  # on a slow machine the first trial may be the only one
    assert (len(confirmed), len({row["confirms"] for row in confirmed})) == (2 * finalists, finalists)
    assert f"Finished: {len(rows)} of {len(rows)} trials" in output
    assert "It might have had 10003: --hours 0.0002." in output
    status = json.loads(project.ask("status", "small", "--json"))
    assert (status["state"], status["budget"], status["most"]) == ("finished", len(rows), 10003)
    assert status["ended_early"] == "--hours 0.0002"
    said = project.ask("evaluate", "small", "--json")
    evaluation = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert sorted(rows[number]["replicate"] for number in evaluation["trials"]) == [0, 1]
    assert {rows[number]["confirms"] for number in evaluation["trials"]} == {rows[status["best"]["trial"]]["confirms"]}
    project.ask("resume", "small")
    assert json.loads(project.ask("status", "small", "--json"))["ended_early"] is None


def test_a_mistake_in_the_network_of_one_trial_fails_that_trial_and_the_others_are_trained(project: Project) -> None:
    """In another folder than the file's, with files of libraries' names in both, and a helper that `build` imports."""
    study = project.folder / "sub"
    study.mkdir()
    (study / "small.py").write_text(OWN)
    (study / "layers.py").write_text(LAYERS)
    for name in ("random", "queue", "sub/random", "sub/keras", "sub/numpy"):
        (project.folder / f"{name}.py").write_text("raise RuntimeError('taken for a library')")
    output = project.run("sub/small.py", "--processes", "1")
    assert "2 complete, 0 pruned, 3 failed; 2 lost and tried again" in output
    assert "Test split: accuracy" in output
    ended = {row["params"]["width"]: row for row in project.export() if row["state"] != "lost"}
    assert [ended[width]["state"] for width in (8, 32)] == ["complete"] * 2
    assert "raised ValueError: a kernel larger than its image" in ended[9]["error"]
    assert "raised SystemExit" in ended[10]["error"]
    assert "Lost 3 times, the last time because process" in ended[11]["error"]
    assert "was killed by SIGABRT; its last words: " in ended[11]["error"]
    assert re.search(r'sub/small.py", line \d+ in build', ended[11]["error"])
    process = project.start("show", "small", str(ended[9]["number"]))
    assert 'raise ValueError("a kernel larger than its image")' in process.communicate()[0], "the line of the file"


def test_own_networks_of_many_kinds_are_trained_scored_and_reproduced(project: Project) -> None:
    """By two processes; each has a `Lambda`, so no network can be loaded without the file, whichever is the best."""
    (project.folder / "small.py").write_text(KINDS)
    output = " ".join(project.run("small.py", "--processes", "2").split())
    assert "6 complete, 0 pruned, 1 failed" in output
    assert output.count("trained without XLA") == 1
    assert "Test split: accuracy" in output
    assert "Study 'small' has no model, because Keras cannot load its networks" in output
    assert len(list((project.folder / "home/runs/small/chosen/networks").glob("*.weights.h5"))) == 1
    ended = {row["params"]["kind"]: row for row in project.export()}
    assert [kind for kind, row in ended.items() if row["state"] == "failed"] == ["logits"]
    assert re.search("probabilities.*softmax", ended["logits"]["error"])
    said = project.ask("reproduce", "small", str(ended["rotation"]["number"]), "--file", "small.py")
    assert "The same to the last bit in 2 epochs." in said


def test_a_quick_run_leaves_the_test_split_alone_and_is_finished(project: Project) -> None:
    """Also where a network diverges; nor does the same command score it later."""
    project.write(text=STUDY.replace("0.001, 0.01", "1e20,"))
    output = " ".join(project.run("small.py", "--quick", "--processes", "1").split())
    assert "A quick run leaves the test split alone." in output
    assert "(2 complete (2 diverged), 0 pruned, 0 failed)" in output
    assert "chance 0.1" in output
    assert "Test split" not in output
    assert "Nothing was changed" in project.run("small.py", "--quick")


def test_fresh_starts_again_and_timeout_ends_slow_trials(project: Project) -> None:
    project.write(epochs=100_000, replicates=1)
    output = project.run("small.py", "--timeout", "0.5", "--processes", "1", code=1)
    assert "No trial is complete. Every trial failed, the first one for this reason: It took longer than" in output
    assert "longer than --timeout 0.5 s" in project.ask("show", "small", "0")
    project.write(epochs=1, replicates=1)
    project.ask("run", "small.py", code=2)
    project.run("small.py", "--fresh", "--processes", "1")
    project.assert_exact(replicates=1)
    project.ask("delete", "small", "--yes")
    assert "No study yet" in project.ask("ls")
    assert not (project.folder / "home" / "runs" / "small").exists()


NOBODY = ["unshare", "--user", "--map-user=54321"]  # a user of no name, with the rights of the one who asks
ODD_NAMES = ("a%2Fb", "what?#x", 'é "q" %20')


def test_a_user_without_a_home_directory_studies_in_folders_of_odd_names(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither HOME nor /etc/passwd says where the home directory is, and addresses have to be written in code."""
    if subprocess.run([*NOBODY, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a user of no name cannot be made here: `unshare --user` (util-linux) is missing or not allowed")
    folder = project.folder.joinpath(*ODD_NAMES)
    folder.mkdir(parents=True)
    (folder / "small.py").write_text(STUDY.format(epochs=1, replicates=1))
    for variable in ("HOME", "HPSTUDY_HOME", "HPSTUDY_CONFIG", "HPSTUDY_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: str) -> str:
        command = [*NOBODY, sys.executable, "-m", "hpstudy", *arguments]
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout + process.stderr
        assert "not in MLflow" not in process.stdout + process.stderr
        return process.stdout

    assert "Finished: 4 of 4 trials" in run("run", "small.py", "--processes", "1")
    assert "4 unchanged" in run("sync", "small")
    home = folder / ".hpstudy"
    assert {"hpstudy.db", "mlflow.db", "artifacts", "runs"} <= {found.name for found in home.iterdir()}
    assert any(found.name == "report.html" for found in (home / "artifacts").rglob("*"))
    places = {found.relative_to(project.folder).parts[0] for found in project.folder.rglob("*.db")}
    assert places == {ODD_NAMES[0]}, "nothing lies beside it"
