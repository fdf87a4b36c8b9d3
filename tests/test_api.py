"""`hpstudy.run` and its neighbours as a program calls them: from a script, a thread, a service, a notebook."""

from __future__ import annotations

import csv
import gc
import io
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import psutil
import pytest
from click.testing import CliRunner

import hpstudy
from factories import make_mlflow_settings, make_study
from hpstudy import Choice, Grid, Objective, Result, Search, Study
from hpstudy.api.view import SilentView
from hpstudy.cli import main
from hpstudy.errors import HpstudyError, NotFoundError, UserError
from hpstudy.settings import Settings
from hpstudy.storage import Outcome, Owner, Store
from hpstudy.worker.messages import Claimed, Message
from hpstudy.worker.supervisor import TrainerHandle

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text()
STUDY = Study(
    name="widths",
    dataset="digits",
    base=dict(epochs=5),
    vary=dict(units=Choice(16, 64)),
    design=Grid(replicates=3),
    question="Is a wider network better?",
)
LONG = Study(name="long", dataset="digits", base=dict(epochs=100_000), vary=dict(units=Choice(8, 16)), design=Grid())
OWN = '''
"""Is a network of one's own better?"""
import hpstudy
from hpstudy import Choice, Grid, Study

study = Study(name="own", dataset="logic_gates", base=dict(epochs=1), vary=dict(width=Choice(4)), design=Grid())

def build(config, input_shape, outputs):
    import keras
    return keras.Sequential([
        keras.Input(input_shape), keras.layers.Dense(config["width"]), keras.layers.Dense(outputs, activation="sigmoid")
    ])
'''


def surroundings() -> dict[str, Any]:
    """What a program has set for itself, and what hpstudy sets while it is at work."""
    import matplotlib as mpl

    run = mlflow.active_run()
    return {
        "environment": {name: text for name, text in os.environ.items() if not name.startswith(("KMP_", "PYTEST_"))},
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "collector": (gc.get_threshold(), gc.isenabled()),
        "levels": [logging.getLogger(name).level for name in ("", "mlflow", "optuna")],
        "mlflow": (mlflow.get_tracking_uri(), run and run.info.run_id),
        "backend": mpl.get_backend(auto_select=False),
        "children": [child.pid for child in psutil.Process().children()],
    }


class Recorded:
    """A study that this process has trained to its end, and what was before and after."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.before: dict[str, Any] = surroundings()
        self.result = hpstudy.run(STUDY, processes=1, home=home)
        self.after = surroundings()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Recorded]:
    """Trained beside a run of the program's own in another MLflow store."""
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSTUDY_CACHE_DIR", str(cache_dir))
        patch.setenv("HPSTUDY_CONFIG", str(folder / "config.toml"))
        patch.setenv("COLUMNS", "200")
        before = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(make_mlflow_settings(folder / "own").tracking_uri)
        with mlflow.start_run():
            found = Recorded(folder / "home")
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        assert before is None
    yield found
    found.result.close()


def test_the_program_is_afterwards_as_it_was_before(recorded: Recorded) -> None:
    """Environment, signal handlers, collector, loggers, its own MLflow run, matplotlib; no process is left."""
    assert recorded.after == recorded.before
    assert recorded.before["mlflow"][1] is not None


def test_a_result_says_how_far_the_study_is_and_which_trial_is_best(recorded: Recorded) -> None:
    with hpstudy.open("widths", home=recorded.home) as result:
        progress = result.progress()
        assert (progress.state, progress.budget, progress.complete, progress.running) == ("finished", 6, 6, 0)
        assert result.study == STUDY
        best = result.best()
        assert best is not None
        assert [best] == result.front()
        assert best.params == {"units": 64}
        assert best.value == max(record.value or 0.0 for record in result.records())
        assert list(result.watch()) == [progress]
        assert [one.name for one in hpstudy.studies(home=recorded.home)] == ["widths"]


def test_trials_and_history_are_data_frames(recorded: Recorded) -> None:
    """Trials with the columns and numbers of the CSV that the command line exports."""
    trials = recorded.result.trials()
    exported = CliRunner().invoke(main, ["export", "widths", "--format", "csv", "--home", str(recorded.home)])
    rows = list(csv.DictReader(io.StringIO(exported.output)))
    assert list(trials.columns) == list(rows[0])
    assert trials["metrics.val_accuracy"].to_list() == [float(row["metrics.val_accuracy"]) for row in rows]
    assert trials["params.units"].to_list() == [16, 64] * 3
    assert trials["retry_of"].isna().all()
    history = recorded.result.history()
    assert history["epoch"].to_list() == [1, 2, 3, 4, 5] * 6
    last = history.groupby("number")["val_accuracy"].last()
    assert last.to_list() == trials["value"].to_list()
    assert history["at"].dt.tz is not None


def test_data_frames_of_a_study_without_trials_have_their_columns(settings: Settings) -> None:
    with hpstudy.submit(STUDY, home=settings.home) as result:
        assert {"number", "state", "value", "params.units"} <= set(result.trials().columns)
        assert len(result.trials()) == len(result.history()) == 0
        assert result.best() is None
        assert "0 of 6 trials" in result._repr_html_()


def test_a_result_shows_itself_in_a_notebook(recorded: Recorded) -> None:
    page = recorded.result._repr_html_()
    assert "Finished: 6 of 6 trials" in page
    assert "units=64" in page
    assert recorded.result.findings()[0] in page
    assert "experimentSearchFilter=widths" in page


def test_a_result_lets_no_markup_of_users_through(settings: Settings) -> None:
    study = make_study(question="Is <script>alert(1)</script> better?")
    page = hpstudy.submit(study, home=settings.home)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_page_on_python_does_what_it_says(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every block of it, one after another; its study is the one that these tests look at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPSTUDY_HOME", str(recorded.home))
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["study"] == STUDY
    printed = capsys.readouterr().out
    assert "finished 6 of 6" in printed
    assert "There is no study 'heights'" in printed
    assert (tmp_path / "widths.html").exists()


def test_the_link_to_a_tracking_server_has_no_password(recorded: Recorded) -> None:
    """Given by environment, as passwords in arguments are refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSTUDY_TRACKING_URI", "https://me:canary-secret@mlflow.example/")
        page = hpstudy.open("widths", home=recorded.home)._repr_html_()
    assert 'href="https://mlflow.example/#/experiments' in page
    assert "canary-secret" not in page


def test_a_report_shows_itself_and_is_saved(recorded: Recorded, tmp_path: Path) -> None:
    report = recorded.result.report()
    assert [*report.findings, *report.details] == recorded.result.findings()
    shown = report._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert "<html" not in shown, "the page is a text of the frame"
    saved = report.save(tmp_path / "x.html")
    assert "<svg" in saved.read_text()
    assert report.save(tmp_path / "x.md").read_text().startswith("# Report on widths")
    with pytest.raises(UserError, match=r"saved as .html, .md or .json"):
        report.save(tmp_path / "x.pdf")


def test_the_evaluated_model_predicts(recorded: Recorded) -> None:
    """A second call of `evaluate` touches the test split no more."""
    from sklearn.datasets import load_digits

    before = surroundings()
    evaluation = recorded.result.evaluate()
    assert evaluation == recorded.result.evaluation
    assert (evaluation.rows, len(evaluation.accuracy), evaluation.params) == (360, 3, {"units": 64})
    model = recorded.result.model()
    digits = load_digits()
    guesses = model.predict(digits.images.astype(np.uint8)).to_numpy().argmax(axis=1)
    assert (guesses == digits.target).mean() == pytest.approx(evaluation.ensemble.accuracy, abs=0.08)
    assert {key: surroundings()[key] for key in ("mlflow", "levels", "signals")} == {
        key: before[key] for key in ("mlflow", "levels", "signals")
    }


def test_a_finished_study_is_left_as_it_is_also_from_a_thread_and_after_an_error(recorded: Recorded) -> None:
    before = recorded.result.records()
    with pytest.raises(UserError, match=r"base\.epochs: 5 → 4"):
        hpstudy.run(STUDY, epochs=4, home=recorded.home)
    found: list[Result] = []
    thread = threading.Thread(target=lambda: found.append(hpstudy.run(STUDY, home=recorded.home, show=False)))
    thread.start()
    thread.join()
    assert found[0].records() == before


def test_a_study_with_its_own_network_is_run_from_its_file_in_a_thread_and_in_silence(
    tmp_path: Path, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    found: list[Result] = []
    run = threading.Thread(target=lambda: found.append(hpstudy.run(file, processes=1, show=False, home=settings.home)))
    run.start()
    run.join()
    assert capfd.readouterr() == ("", "")
    (result,) = found
    assert result.study.question == "Is a network of one's own better?"
    assert (result.progress().complete, result.evaluation is not None) == (1, True)
    with pytest.raises(UserError, match="pass its file instead"):
        hpstudy.run(result.study, home=settings.home)


class _Signalled(SilentView):
    """Sends signals to this process as soon as a trial is in training."""

    def __init__(self, *signals: signal.Signals) -> None:
        self._signals, self.said = list(signals), ""

    def hear(self, handle: TrainerHandle, message: Message) -> None:
        if isinstance(message, Claimed):
            while self._signals:
                os.kill(os.getpid(), self._signals.pop(0))

    def say(self, sentence: str) -> None:
        self.said += sentence


def test_an_interrupted_run_gives_its_trials_back_and_the_second_signal_ends_it_at_once(settings: Settings) -> None:
    """Both leave this program alive, without a process and with its own handlers."""
    before = surroundings()
    view = _Signalled(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        hpstudy.run(LONG, processes=1, show=view, home=settings.home)
    assert "Stopped after 0 of 2 trials" in view.said
    with hpstudy.open("long", home=settings.home) as result:
        assert (result.progress().running, result.progress().waiting, result.progress().lost) == (0, 2, 1)
        assert result.trial(0).error == "the worker was stopped"
    view = _Signalled(signal.SIGINT, signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        hpstudy.run(LONG, processes=1, show=view, home=settings.home)
    assert "Stopped" not in view.said
    after = surroundings()
    assert {key: after[key] for key in ("signals", "children", "environment")} == {
        key: before[key] for key in ("signals", "children", "environment")
    }


def test_studies_are_submitted_stopped_extended_and_deleted(settings: Settings) -> None:
    home = settings.home
    with hpstudy.submit(STUDY, replicates=1, home=home) as result:
        assert result.progress().budget == 2
        result.stop()
        assert hpstudy.run(STUDY, replicates=1, home=home, show=False, processes=1).progress().stopped
        result.resume()
        result.extend(replicates=2)
        assert result.progress().waiting == 4
        assert result.retry_failed() == []
        with pytest.raises(UserError, match="Give the new total"):
            result.extend()
        claim = Store(settings.storage).open("widths").claims.claim(Owner.of_process())
        assert claim is not None
        with pytest.raises(UserError, match="1 trials are in training"):
            hpstudy.delete("widths", home=home)
        claim.fail(Outcome(error="no reason"))
        assert result.retry_failed() == [0]
    hpstudy.delete("widths", home=home)
    assert hpstudy.studies(home=home) == []
    with pytest.raises(NotFoundError, match="There is no study 'widths'"):
        hpstudy.open("widths", home=home)
    with pytest.raises(NotFoundError, match="There is no study 'widths'"):
        result.study  # noqa: B018
    assert "There is no study" in result._repr_html_()


def test_several_objectives_have_a_front_and_no_best_trial(settings: Settings) -> None:
    study = make_study(
        name="both",
        vary={"units": Choice(8, 16)},
        base={"epochs": 1},
        design=Search(finalists=0, trials=2, sampler="random"),
        objective=("val_accuracy", Objective("parameters")),
    )
    with hpstudy.submit(study, home=settings.home) as result:
        assert result.front() == []
        with pytest.raises(UserError, match=r"`front\(\)` gives the Pareto front"):
            result.best()


def in_a_program(code: str, home: Path) -> None:
    """Run code as a cell or a script, whose variables are those of the caller."""
    exec(compile(code, "cell", "exec"), {"__name__": "__main__", "study": STUDY, "home": home, "hpstudy": hpstudy})


@pytest.mark.parametrize("function", ["run", "submit"])
def test_a_build_function_beside_the_call_is_refused_with_the_way_out(function: str, settings: Settings) -> None:
    code = f"def build(config, input_shape, outputs): ...\nhpstudy.{function}(study, home=home)"
    with pytest.raises(UserError, match=r"defined where study 'widths' is run.*%%writefile NAME.py"):
        in_a_program(code, settings.home)
    in_a_program("def build(x): ...\nhpstudy.submit(study, home=home)", settings.home)


def test_a_factor_that_needs_a_build_function_is_refused_with_the_way_out(settings: Settings) -> None:
    study = Study(name="own", dataset="digits", vary=dict(width=Choice(8, 16)), design=Grid())
    with pytest.raises(UserError, match=r"no factor 'width'.*%%writefile NAME.py|'width'.*%%writefile NAME.py"):
        hpstudy.run(study, home=settings.home)


def test_a_study_file_that_runs_studies_is_refused(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN + f"\nhpstudy.run({str(file)!r})\n")
    with pytest.raises(UserError, match=re.escape('if __name__ == "__main__"')):
        hpstudy.run(file, home=settings.home)


def test_a_file_of_several_studies_has_functions_of_its_own(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "both.py"
    declared = "Study(name={!r}, dataset='digits', base=dict(epochs=1), vary=dict(units=Choice(8)), design=Grid())"
    names = ("a", "b")
    studies = ", ".join(declared.format(name) for name in names)
    file.write_text(f"from hpstudy import Choice, Grid, Study\nstudies = ({studies})\n")
    with pytest.raises(UserError, match=r"2 studies \(a, b\).*`hpstudy.run_all` takes them one after another"):
        hpstudy.run(file, home=settings.home)
    with pytest.raises(UserError, match=r"`hpstudy\.submit_all`"):
        hpstudy.submit(file, home=settings.home)
    assert [result.name for result in hpstudy.submit_all(file, home=settings.home)] == ["a", "b"]


def test_a_study_whose_dataset_nobody_has_is_left_out_of_several(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone it is an error."""
    for variable in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    for variable in ("HPSTUDY_CACHE_DIR", "KERAS_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "empty"))
    monkeypatch.setenv("HPSTUDY_DATA_DIR", "")
    file = tmp_path / "both.py"
    declared = "Study(name={!r}, dataset='mnist', vary=dict(units=Choice(8)), design=Grid())"
    studies = ", ".join(declared.format(name) for name in ("a", "b"))
    file.write_text(f"from hpstudy import Choice, Grid, Study\nstudies = ({studies})\n")
    results = hpstudy.run_all(file, home=settings.home, processes=1)
    assert [(result.name, result.progress().waiting) for result in results] == [("a", 1), ("b", 1)]
    assert "Study b was not run: The dataset mnist is not on this machine" in capsys.readouterr().err
    with pytest.raises(NotFoundError, match="not on this machine"):
        hpstudy.run(replace(LONG, dataset="mnist"), home=settings.home, processes=1)


WRONG: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "processes": (lambda home: hpstudy.run(STUDY, processes=0, home=home), UserError, "at least 1; it is 0"),
    "timeout": (lambda home: hpstudy.run(STUDY, timeout=-1, home=home), UserError, "above 0; it is -1"),
    "trials": (lambda home: hpstudy.run(STUDY, trials=3, home=home), UserError, "--trials is for a Search"),
    "keyword": (lambda home: hpstudy.run(STUDY, proceses=2, home=home), TypeError, "'proceses'"),  # type: ignore[call-arg]
    "file": (lambda home: hpstudy.run("nothing.py", home=home), UserError, "There is no study file nothing.py"),
    "study": (lambda home: hpstudy.open("nothing", home=home), NotFoundError, "There is no study 'nothing'"),
    "storage": (lambda home: hpstudy.studies(storage="mysql://x/y", home=home), UserError, "sqlite and postgresql"),
    "home": (lambda home: hpstudy.run(STUDY, home="/dev/null/x"), HpstudyError, "cannot be written"),
    "secret": (lambda home: hpstudy.studies(tracking_uri="http://a:b@c", home=home), UserError, "password"),
}


@pytest.mark.parametrize(("call", "error", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_an_exception_with_the_sentence_of_the_command_line(
    call: Callable[[Path], object], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        call(tmp_path / "home")


def test_the_environment_counts_and_keywords_go_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSTUDY_HOME", str(tmp_path / "a"))
    hpstudy.submit(STUDY)
    hpstudy.submit(LONG, home=tmp_path / "b")
    assert [result.name for result in hpstudy.studies()] == ["widths"]
    assert [result.name for result in hpstudy.studies(home=str(tmp_path / "b"))] == ["long"]


def test_a_star_import_leaves_the_open_of_python() -> None:
    names: dict[str, object] = {}
    exec("from hpstudy import *", names)
    assert "open" not in names
    assert {"run", "Study", "Result"} <= names.keys()


CELLS = (
    """import hpstudy, os, signal
from pathlib import Path
from hpstudy import Choice, Grid, Study
hpstudy.open("widths")""",
    """from contextlib import contextmanager
from hpstudy.api.view import NotebookView, default_view
print(type(default_view()).__name__)

class Deadly(NotebookView):
    @contextmanager
    def training(self, study, records):
        with super().training(study, records) as training:
            yield _Deadly(training)

class _Deadly:
    def __init__(self, training):
        self.training = training
    def hear(self, handle, message):
        self.training.hear(handle, message)
    def tick(self, progress, handles, best, problem):
        self.training.tick(progress, handles, best, problem)
        if handles[0].doing == "training":
            Path("trainer").write_text(str(handles[0].process.pid))
            os.kill(os.getpid(), signal.SIGKILL)
""",
    """study = Study(name="long", dataset="digits", base=dict(epochs=100_000), vary={}, design=Grid())
hpstudy.run(study, processes=1, show=Deadly())""",
)


def test_a_notebook_shows_results_and_draws_and_its_death_leaves_no_trainer(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a real kernel, and no widgets are needed."""
    pytest.importorskip("ipykernel", reason="ipykernel and nbclient are not installed")
    nbclient = pytest.importorskip("nbclient", reason="ipykernel and nbclient are not installed")
    import nbformat

    monkeypatch.setenv("HPSTUDY_HOME", str(recorded.home))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    client = nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        client.execute()
    shown, kind, picture = (cell.outputs for cell in notebook.cells)
    assert "Finished: 6 of 6 trials" in shown[-1].data["text/html"]
    assert kind[0].text == "NotebookView\n"
    assert "Study long: 1 trials" in picture[0].text
    assert "0 of 1 trials" in picture[-1].data["text/html"]
    trainer = int((tmp_path / "trainer").read_text())
    if psutil.pid_exists(trainer):
        psutil.wait_procs([psutil.Process(trainer)], timeout=30)
    assert not psutil.pid_exists(trainer)
