"""What a trainer process tells its supervisor: one JSON object a line, over a pipe."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from hpstudy.study.factors import Level

RECYCLE = 75  # exit code of a trainer process whose memory has grown: start another one
CORES_VARIABLE = "HPSTUDY_CORES"  # processor cores of a trainer process, separated by commas
PIPE_VARIABLE = "HPSTUDY_MESSAGE_PIPE"  # file number of the pipe's writing end


@dataclass(frozen=True, kw_only=True)
class Message:
    """`kind` decides which other fields have a meaning."""

    kind: str  # ready, claimed, epoch, ended, idle, evaluating, evaluated, warning, fatal
    study: str = ""  # claimed, ended, evaluating, evaluated
    trial: int = -1
    state: str = ""  # ended: complete, pruned, failed or lost
    value: float | None = None  # epoch, ended: the first objective
    score: float | None = None  # ended, if trained to its end: the same such that more is better
    epoch: int = 0
    cell: int | None = None  # ended: of a grid
    diverged: int | None = None  # ended: the epoch in which it diverged
    repeats: int | None = None  # ended: the trial whose result this one has taken over, instead of training
    replicate: int = 0  # claimed
    params: dict[str, Level] = field(default_factory=dict)  # claimed
    text: str = ""  # warning, fatal; ended, evaluated: the error

    @property
    def ending(self) -> str:
        """How the trial ended: `pruned`, `complete, repeats trial 3`, or `complete, diverged in epoch 2`."""
        repeats = "" if self.repeats is None else f", repeats trial {self.repeats}"
        return self.state + repeats + ("" if self.diverged is None else f", diverged in epoch {self.diverged}")

    @classmethod
    def parse(cls, line: bytes) -> Message:
        return cls(**json.loads(line))


class Inbox:
    """The reading end in the supervisor. Reads only what has come, so it never waits after a `select`."""

    def __init__(self, file_number: int) -> None:
        self._file_number = file_number
        self._rest = b""

    def fileno(self) -> int:
        return self._file_number

    def read(self) -> tuple[list[Message], bool]:
        """The messages that have come, and whether the sender has closed its end.

        An incomplete last line, of a process that was killed while it wrote, is dropped.
        """
        chunk = os.read(self._file_number, 65_536)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [Message.parse(line) for line in lines], not chunk

    def close(self) -> None:
        os.close(self._file_number)


class Pipe:
    """The writing end in a trainer process, which ends when nobody reads any more: its supervisor is gone."""

    def __init__(self) -> None:
        self._stream: TextIO = os.fdopen(int(os.environ[PIPE_VARIABLE]), "w", encoding="utf-8")

    def send(self, kind: str, **values: Any) -> None:
        try:
            self._stream.write(json.dumps(asdict(Message(kind=kind, **values))) + "\n")
            self._stream.flush()
        except BrokenPipeError:  # no failure of the trial in hand, which is found and tried again
            os._exit(1)
