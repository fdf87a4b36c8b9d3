"""A shared database, and hpstudy's commands as people of a team type them on their machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from hpstudy.cli import main

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


class Team:
    """A shared database, and hpstudy's commands as people of a team type them."""

    def __init__(self, folder: Path, url: str, dump: list[str], **environment: str) -> None:
        self.folder, self.url, self.dump, self.environment = folder, url, dump, environment

    def write(self, name: str, epochs: int = 2, text: str = STUDY) -> str:
        (self.folder / f"{name}.py").write_text(text.format(name=name, epochs=epochs))
        return f"{name}.py"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hpstudy", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, "HPSTUDY_STORAGE": self.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """A command that only asks or orders, in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            result = CliRunner().invoke(main, arguments, env={**self.environment, "HPSTUDY_STORAGE": self.url})
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

    def assert_no_canary(self, *texts: str, canary: str = CANARY) -> None:
        """In no file that hpstudy wrote, no database row, no process title, no line of `ps`."""
        rows = subprocess.run([*self.dump, self.url], capture_output=True, check=True).stdout
        titles = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
        files = [file.read_bytes() for file in self.folder.rglob("*") if file.is_file()]
        everything = [*files, rows, *(text.encode() for text in (*texts, *titles))]
        assert len(rows) > 1000
        assert not [text[:200] for text in everything if canary.encode() in text]
