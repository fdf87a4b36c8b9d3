"""hpstudy's commands as a person types them: in this process, or in one of their own where that matters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from hpstudy.cli import main


def call(*arguments: str, code: int = 0, folder: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """A command in this process, which saves the seconds that its libraries take to load; returns what it printed.

    Args:
        code: The exit code that it must have.
        folder: Where it is typed; None: the current folder.
        env: Set besides the environment of this process.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder or Path.cwd())
        result = CliRunner().invoke(main, arguments, env=env)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def start(*arguments: str, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """A command in a process of its own, whose output and errors come line by line over one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "hpstudy", *arguments],
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the output until `text` comes."""
    assert process.stdout
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"{text!r} never came")


def end_of(process: subprocess.Popen[str], *, code: int = 0, timeout_s: float = 200.0) -> str:
    """Wait until a process ends; returns what it has printed since."""
    output, _ = process.communicate(timeout=timeout_s)
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output
