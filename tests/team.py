"""A shared database, and hpstudy's commands as people of a team type them on their machines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil

from commands import call, end_of, start

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
        return start(*arguments, folder=self.folder, env=self._environment())

    def run(self, *arguments: str, code: int = 0) -> str:
        """A command that only asks or orders, in this process."""
        return call(*arguments, code=code, folder=self.folder, env=self._environment())

    def work(self, *arguments: str) -> str:
        """`hpstudy worker` until it exits by itself."""
        return end_of(self.start("worker", *arguments))

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

    def _environment(self) -> dict[str, str]:
        return {**self.environment, "HPSTUDY_STORAGE": self.url}
