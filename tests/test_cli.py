"""Bad input gets a sentence that says what is wrong and how to mend it, never a traceback, and loses nothing."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from commands import call
from hpstudy.cli import COMMANDS

GOOD = """
from hpstudy import Choice, Grid, Study
study = Study(name="good", dataset="digits", base=dict(epochs=1), vary=dict(optimizer=Choice("sgd")), design=Grid())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


STUDY_FILES = {
    "no Python": ("study = Study(", "line 1: this is not Python"),
    "binary": (b"\xff\xfe\x00study", "not a text file in UTF-8"),
    "no study": ("x = 1", "must define one Study, or several as studies = (Study(…), …); it has 0"),
    "two studies": (GOOD + "import dataclasses\nother = dataclasses.replace(study, name='b')", "it has 2 (good, b)"),
    "raises": ("\n1 / 0", "line 2: the study file raised ZeroDivisionError"),
    "exits": ("import sys\nsys.exit(3)", "the study file raised SystemExit"),
    "imports what is not there": ("import nowhere_to_be_found", "ModuleNotFoundError"),
    "unknown level": (GOOD.replace("sgd", "sdg"), "Did you mean 'sgd'"),
    "unknown factor": (GOOD.replace("optimizer=", "optimiser="), "Did you mean 'optimizer'"),
    "wrong type": (GOOD.replace("epochs=1", "epochs='ten'"), "'ten' is not a whole number of at least 1"),
    "negative budget": (GOOD.replace("Grid()", "Grid(replicates=-1)"), "at least 1; it is -1"),
    "name with a space": (GOOD.replace('"good"', '"my study"'), "Try 'my-study'"),
    "name with a slash": (GOOD.replace('"good"', '"../etc"'), "Try 'etc'"),
    "Korean name": (GOOD.replace('"good"', '"연구"'), "A study's name is 1 to 100 letters"),
    "build is no function": (GOOD + "build = 3", "`build` must be a function"),
}


@pytest.mark.parametrize(("content", "sentence"), STUDY_FILES.values(), ids=STUDY_FILES)
def test_a_wrong_study_file_is_refused(folder: Path, content: str | bytes, sentence: str) -> None:
    file = folder / "wrong.py"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    output = call("run", "wrong.py", code=2)
    assert sentence in output
    assert "wrong.py" in output
    assert not (folder / "home").exists()


def test_a_missing_study_file_is_named_with_its_neighbours(folder: Path) -> None:
    (folder / "good.py").write_text(GOOD)
    output = call("run", "god.py", code=2)
    assert "There is no study file god.py" in output
    assert "good.py" in output


def test_a_folder_is_no_study_file(folder: Path) -> None:
    assert "is a folder" in call("run", str(folder), code=2)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--trials", "5"), "--trials is for a Search"),
        (("--replicates", "0"), "0 is not in the range"),
        (("--processes", "many"), "not a valid integer"),
        (("--timeout", "-1"), "not in the range"),
        (("--tracking", "x"), "No such option"),
    ],
)
def test_a_wrong_flag_is_refused(folder: Path, flags: tuple[str, ...], sentence: str) -> None:
    (folder / "good.py").write_text(GOOD)
    assert sentence in call("run", "good.py", *flags, code=2)


def test_a_home_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "good.py").write_text(GOOD)
    (folder / "file").write_text("not a folder")
    output = call("run", "good.py", "--home", str(folder / "file" / "home"), code=1)
    assert "cannot be written" in output
    assert "--home" in output


def test_a_corrupt_database_is_named_and_left_as_it_is(folder: Path) -> None:
    (folder / "good.py").write_text(GOOD)
    (folder / "home").mkdir()
    database = folder / "home" / "hpstudy.db"
    database.write_bytes(b"garbage" * 1000)
    for command in (("run", "good.py"), ("ls",), ("status", "good"), ("export", "good")):
        assert "is damaged or not an SQLite file" in call(*command, code=1)
    assert database.read_bytes() == b"garbage" * 1000


def test_debug_shows_the_traceback(folder: Path) -> None:
    (folder / "wrong.py").write_text("1 / 0")
    command = [sys.executable, "-m", "hpstudy", "run", "wrong.py", "--debug"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert "Traceback" in printed.stderr
    assert "ZeroDivisionError" in printed.stderr


@pytest.mark.parametrize("command", ["status", "best", "export", "sync", "delete"])
def test_an_unknown_study_is_named(folder: Path, command: str) -> None:
    del folder
    assert "There is no study 'nothing'" in call(command, "nothing", code=1)


def test_init_writes_a_study_that_is_right(folder: Path) -> None:
    from hpstudy.study.studyfile import load

    assert "hpstudy run mine.py" in call("init", "mine")
    assert load(folder / "mine.py").study.budget == 27
    assert "already exists" in call("init", "mine", code=2)
    assert "Try 'a-b'" in call("init", "a b", code=2)


def test_data_list_names_every_dataset(folder: Path) -> None:
    del folder
    output = call("data", "list")
    assert all(name in output for name in ("fashion_mnist", "mnist", "imdb", "titanic", "digits", "logic_gates"))
    assert "built in" in output
    listed = {row["name"]: row["where"] for row in json.loads(call("data", "list", "--json"))}
    assert listed["digits"].startswith("built in: ")


def test_an_unknown_dataset_is_refused(folder: Path) -> None:
    del folder
    assert "Did you mean 'fashion_mnist'" in call("data", "fetch", "fashion-mnist", code=2)


def test_a_wrong_dataset_file_is_refused_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "titanic.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("HPSTUDY_DATA_DIR", str(folder / "data"))
    assert "titanic.csv" in call("data", "verify", "titanic", code=1)


def test_ui_without_a_store_says_what_fills_it(folder: Path) -> None:
    del folder
    assert "hpstudy run" in call("ui", code=1)


def test_ui_names_the_server_when_there_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del folder
    monkeypatch.setenv("HPSTUDY_TRACKING_URI", "http://me:canary-secret@127.0.0.1:5999")
    output = call("ui", code=2)
    assert "127.0.0.1:5999" in output
    assert "canary-secret" not in output


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("data", "fetch"), ("data", "list")])
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    assert "Example: hpstudy" in call(*command, "--help")


def test_the_shell_completes_the_names_of_studies(folder: Path) -> None:
    from hpstudy.settings import Settings
    from hpstudy.storage import Store
    from hpstudy.study.studyfile import load

    (folder / "good.py").write_text(GOOD)
    settings = Settings.load({})
    store = Store(settings.storage)
    store.register(load(folder / "good.py").study)
    store.close()
    environment = {
        **os.environ,
        "_HPSTUDY_COMPLETE": "bash_complete",
        "COMP_WORDS": "hpstudy status g",
        "COMP_CWORD": "2",
    }
    code = "from hpstudy.cli import main; main(prog_name='hpstudy')"
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, cwd=folder
    )
    assert "plain,good" in printed.stdout


def test_a_full_disk_in_the_run_directory_loses_no_result(folder: Path) -> None:
    """Files may grow to no more than the database needs, so that weights do not fit: results are kept all the same."""
    (folder / "good.py").write_text(GOOD.replace("epochs=1", "epochs=1, units=200_000"))
    limit = 40 * 2**20  # bytes; the weights are 60 MB

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    run = subprocess.run(
        [sys.executable, "-m", "hpstudy", "run", "good.py", "--processes", "1"],
        cwd=folder,
        capture_output=True,
        text=True,
        preexec_fn=limit_files,
        check=False,
        timeout=200,
    )
    assert "cannot be written" in run.stdout
    assert "Training continues" in run.stdout
    assert "Finished: 1 of 1 trials (1 complete" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr
    (row,) = json.loads(call("export", "good"))
    assert row["state"] == "complete"
    assert row["history"]
