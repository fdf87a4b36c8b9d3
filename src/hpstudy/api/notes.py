"""The sentences that accompany a result, for whoever reads a terminal, a notebook or a log."""

from __future__ import annotations

import sys
from typing import Protocol


class Notifier(Protocol):
    """Hears sentences."""

    def say(self, sentence: str) -> None:
        """How things stand."""

    def remark(self, sentence: str) -> None:
        """A remark that is not part of a command's output."""

    def warn(self, sentence: str) -> None:
        """Something went wrong that can be put right, and how."""

    def fail(self, sentence: str) -> None:
        """Something has no result, and why."""


class Printer:
    """Prints `say` to standard output and the rest to standard error, in colour if that is a terminal."""

    def say(self, sentence: str) -> None:
        from hpstudy.api.tables import console

        console().print(sentence, soft_wrap=not sys.stdout.isatty())

    def remark(self, sentence: str) -> None:
        _to_stderr(sentence, None)

    def warn(self, sentence: str) -> None:
        _to_stderr(sentence, "yellow")

    def fail(self, sentence: str) -> None:
        _to_stderr(sentence, "red")


def _to_stderr(sentence: str, style: str | None) -> None:
    from hpstudy.api.tables import console

    console(stderr=True).print(sentence, style=style or "", soft_wrap=True)
