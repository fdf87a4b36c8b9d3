"""What a trainer process tells its supervisor: one JSON object per line, over a pipe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TextIO, get_args

from hpstudy.study.factors import Level

RECYCLE = 75  # exit code of a trainer process whose memory has grown; it is replaced
RECOMPILE = 76  # exit code of a trainer process that could not use compiled epochs on disk; one without them follows
PIPE_VARIABLE = "HPSTUDY_MESSAGE_PIPE"  # file descriptor of the pipe's writing end


EndState = Literal["complete", "pruned", "failed", "lost"]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The libraries are loaded."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A trial was taken, and its training begins."""

    trial: int
    study: str = ""
    replicate: int = 0
    confirms: int | None = None  # the trial whose configuration is trained once more
    params: Mapping[str, Level] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    trial: int
    epoch: int
    value: float | None = None  # of the first objective, if it has a value for each epoch


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A trial has ended, or was taken away from this process."""

    trial: int
    state: EndState
    study: str = ""
    value: float | None = None  # the first objective
    score: float | None = None  # if its network may be chosen: the same such that more is better
    cell: int | None = None  # in a design that has cells
    diverged: int | None = None  # the epoch in which the training did
    repeats: int | None = None  # the trial whose result this one has taken over, instead of training
    error: str = ""

    @property
    def ending(self) -> str:
        """How the trial ended: `pruned`, `complete, repeats trial 3`, or `complete, diverged in epoch 2`."""
        repeats = "" if self.repeats is None else f", repeats trial {self.repeats}"
        return self.state + repeats + ("" if self.diverged is None else f", diverged in epoch {self.diverged}")


@dataclass(frozen=True, kw_only=True)
class Idle:
    """There is no trial to take at the moment."""


@dataclass(frozen=True, kw_only=True)
class Evaluating:
    """The chosen networks begin to predict the test split."""

    study: str


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    study: str
    error: str = ""  # empty if it succeeded


@dataclass(frozen=True, kw_only=True)
class Warned:
    """Something is wrong, but training continues."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Fatal:
    """This process ends, and a replacement would end in the same way."""

    error: str


Message = Ready | Claimed | EpochEnded | Ended | Idle | Evaluating | Evaluated | Warned | Fatal
_KINDS: Mapping[str, Callable[..., Message]] = {kind.__name__: kind for kind in get_args(Message)}


def parse(line: bytes) -> Message:
    """Turn one line of the pipe into its message."""
    values = json.loads(line)
    return _KINDS[values.pop("kind")](**values)


class Inbox:
    """The reading end in the supervisor. It reads only what has arrived, so it never blocks after a `select`."""

    def __init__(self, file_number: int) -> None:
        self._file_number = file_number
        self._rest = b""

    def fileno(self) -> int:
        return self._file_number

    def read(self) -> tuple[list[Message], bool]:
        """The messages that have arrived, and whether the sender has closed its end.

        The incomplete last line of a process that was killed while writing is dropped.
        """
        chunk = os.read(self._file_number, 65_536)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [parse(line) for line in lines], not chunk

    def close(self) -> None:
        os.close(self._file_number)


class Pipe:
    """The writing end in a trainer process. The process ends when nobody reads any more: its supervisor is gone."""

    def __init__(self) -> None:
        self._stream: TextIO = os.fdopen(int(os.environ[PIPE_VARIABLE]), "w", encoding="utf-8")

    def send(self, message: Message) -> None:
        try:
            self._stream.write(json.dumps({"kind": type(message).__name__, **asdict(message)}) + "\n")
            self._stream.flush()
        except BrokenPipeError:  # not the trial's failure: it will be found and tried again
            os._exit(1)
