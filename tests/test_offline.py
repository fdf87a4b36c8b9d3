"""MLflow may be away for a whole run, and its password is nobody's to see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

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


def hpstudy(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HPSTUDY_HOME": str(folder / "home"), **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "hpstudy", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_study_ends_without_mlflow_and_is_copied_later_and_no_password_leaves(tmp_path: Path) -> None:
    (tmp_path / "offline.py").write_text(STUDY)
    nowhere = f"http://someone:{CANARY}@127.0.0.1:9"  # nobody listens on the discard port
    run = hpstudy(tmp_path, "run", "offline.py", "--processes", "1", HPSTUDY_TRACKING_URI=nowhere)
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
    assert "Warning: MLflow gets nothing for now, but training continues: MLflow at http://127.0.0.1:9" in output
    assert "MLflow does not have everything yet" in output
    assert lines[-1] == "MLflow does not have everything yet: `hpstudy sync offline` sends the rest.\n"
    assert "Browse it" not in output
    assert "127.0.0.1:9" in output
    assert any("trainer_process" in argument for argument in seen)
    assert not [argument for argument in (*seen, output) if CANARY in argument]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(file.name == "hpstudy.db" for file in files)
    assert not [file for file in files if CANARY.encode() in file.read_bytes()]

    sync = hpstudy(tmp_path, "sync", "offline")  # now with the embedded store
    printed, _ = sync.communicate(timeout=120)
    assert sync.returncode == 0, printed
    assert "runs created" in printed
