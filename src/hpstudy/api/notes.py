"""The sentences that are said beside a result: to whoever sits in front of a terminal, a notebook or a log."""

from __future__ import annotations

import sys
from typing import Protocol


class Notifier(Protocol):
    """Hears sentences."""

    def say(self, sentence: str) -> None:
        """How things stand."""

    def remark(self, sentence: str) -> None:
        """Something by the way, which is no part of what a command puts out."""

    def warn(self, sentence: str) -> None:
        """Something went wrong that can be made up for, and how."""

    def fail(self, sentence: str) -> None:
        """Something has no result, and why."""


class Printer:
    """Prints what is said, and on the standard error stream what else there is, in colour if that is a terminal."""

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
