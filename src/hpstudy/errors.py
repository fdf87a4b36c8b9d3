"""The error tree: the class depends on who has to act.

A message says what happened, what was expected, what came, and what to do. The command line prints it
without a traceback; `exit_code` is the exit code of the process.
"""

from __future__ import annotations

import re

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 1000  # characters of a reason, because a compiler may print a whole program


class HpstudyError(Exception):
    """Base of every error that hpstudy raises on purpose."""

    exit_code = 1


class UserError(HpstudyError):
    """The user asked for something invalid: a wrong study file, level, flag or name."""

    exit_code = 2


class DatasetError(UserError):
    """A file of a dataset is truncated or wrong. No trial is at fault, and none can be trained until it is fixed."""


class NotFoundError(HpstudyError):
    """A study, trial or dataset that does not exist here."""


class StorageError(HpstudyError):
    """The study database or a run directory cannot be read or written."""


class MirrorError(HpstudyError):
    """The tracker cannot be reached, or refused something. Nothing is lost: the next sync makes up for it."""


class TrialFailed(HpstudyError):
    """This configuration cannot be trained (out of memory, no probabilities). Recorded as failed, not tried again."""


class TrialLost(HpstudyError):
    """The trial was taken away from this process. Its writes are refused; continue with the next trial."""


class FatalError(HpstudyError):
    """The worker cannot continue, for example because its trainer processes crash again and again."""


def reason(error: BaseException) -> str:
    """What happened, in one line: hpstudy's own errors are sentences; other errors start with their type."""
    try:
        text = str(error)
    except Exception:  # the error's class is the user's
        text = ""
    line = " ".join(_COLOR.sub("", text).split())
    if not isinstance(error, HpstudyError):
        line = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def closed(sentence: str) -> str:
    """The sentence with a full stop, unless it already has one."""
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
