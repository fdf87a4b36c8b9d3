"""MLflow may be away for a whole run, and its password is nobody's to see."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from commands import call, start

STUDY = """
from hpstudy import Choice, Grid, Study

study = Study(
    name="offline",
    dataset="digits",
    base=dict(units=16, epochs=3),
    vary=dict(optimizer=Choice("sgd", "adam")),
    design=Grid(replicates=2),
)
"""
CANARY = "canary-d41d8cd98f"


def test_a_study_ends_without_mlflow_and_is_copied_later_and_no_password_leaves(tmp_path: Path) -> None:
    (tmp_path / "offline.py").write_text(STUDY)
    nowhere = f"http://someone:{CANARY}@127.0.0.1:9"  # nobody listens on the discard port
    environment = {"HPSTUDY_HOME": str(tmp_path / "home")}
    away = {**environment, "HPSTUDY_TRACKING_URI": nowhere}
    run = start("run", "offline.py", "--processes", "1", folder=tmp_path, env=away)
    seen: set[str] = set()
    lines: list[str] = []
    assert run.stdout
    with run.stdout:
        for line in run.stdout:
            lines.append(line)
            if "complete:" in line:
                supervisor = psutil.Process(run.pid)
                for process in (supervisor, *supervisor.children(recursive=True)):
                    seen |= set(process.cmdline())
    assert run.wait(timeout=120) == 0
    output = "".join(lines)
    assert "Finished: 4 of 4 trials (4 complete" in output
    assert "MLflow does not have everything yet. MLflow at http://127.0.0.1:9" in output
    assert lines[-1] == "MLflow does not have everything yet: `hpstudy sync offline` sends the rest.\n"
    assert "Browse it" not in output
    assert any("fork_server" in argument for argument in seen)
    assert not [argument for argument in (*seen, output) if CANARY in argument]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(file.name == "hpstudy.db" for file in files)
    assert not [file for file in files if CANARY.encode() in file.read_bytes()]

    embedded = call("sync", "offline", folder=tmp_path, env=environment)
    assert "4 runs created" in embedded


def test_whoever_watches_a_long_study_is_told_while_it_trains_that_mlflow_is_away(tmp_path: Path) -> None:
    (tmp_path / "offline.py").write_text(STUDY.replace("replicates=2", "replicates=1000"))
    away = {"HPSTUDY_HOME": str(tmp_path / "home"), "HPSTUDY_TRACKING_URI": "http://127.0.0.1:9"}
    run = start("run", "offline.py", "--processes", "1", folder=tmp_path, env=away)
    told = "Warning: MLflow gets nothing for now, but training continues: MLflow at http://127.0.0.1:9"
    assert run.stdout
    with run.stdout:
        assert any(told in line for line in run.stdout)  # of 2,000 trials most are still to come
        run.send_signal(signal.SIGINT)
        assert "Stopped after " in run.stdout.read()
    assert run.wait(timeout=60) == 130
