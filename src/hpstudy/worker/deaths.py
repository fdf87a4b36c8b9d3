"""How a trainer process died, and what it said last."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from hpstudy.worker.processes import UNKNOWN_CODE

_CHATTER = re.compile(r"[IWE]\d{4} |WARNING: All log messages before|To enable the following")  # of TensorFlow's start
_LONGEST_WORDS = 600  # characters


def death(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    if code == UNKNOWN_CODE:
        return "ended, nobody knows how"
    return f"exited with {code}"


def last_lines(log: Path, count: int = 8) -> str:
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(f"  {line}" for line in lines)


def last_words(log: Path, start: int) -> str:
    """The last line of its log. For a crash: the line before it, the crash itself, and the Python frames."""
    with log.open("rb") as file:
        file.seek(start)
        printed = file.read().decode(errors="replace").splitlines()
    lines = [line.strip() for line in printed if line.strip() and not _CHATTER.match(line)]
    crash = next((n for n, line in enumerate(lines) if line.startswith("Fatal Python error")), None)
    if crash is None:
        told = lines[-1:]
    else:
        frames = [line for line in lines[crash:] if line.startswith("File ")]
        told = [*lines[max(0, crash - 1) : crash + 1], *frames[:3]]
    return "; ".join(told)[:_LONGEST_WORDS]
