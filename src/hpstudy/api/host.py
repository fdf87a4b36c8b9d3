"""Leaves the environment and the loggers of the calling program as they were before the call."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hpstudy.folders import LENT

# What libraries log about our own calls, we say in our own words. A tracker sets its level when it is loaded, Optuna
# when it is used.
_QUIET = {"optuna": logging.ERROR}
_LOUD = logging.INFO  # the level of these loggers in a program that has not set one


@dataclass(frozen=True, kw_only=True)
class _Before:
    variables: dict[str, str | None]
    levels: dict[str, int]  # of loggers


_lock = threading.Lock()
_guests = 0  # calls of the face in progress, in any thread
_before = _Before(variables={}, levels={})


@contextmanager
def unchanged() -> Iterator[None]:
    """Restore environment and loggers at the end. Calls may overlap in several threads: the last one restores."""
    global _guests, _before  # noqa: PLW0603 - the environment is the process's, too
    with _lock:
        _guests += 1
        if _guests == 1:
            _before = _look()
    try:
        yield
    finally:
        with _lock:
            _guests -= 1
            if _guests == 0:
                _restore(_before)


def _look() -> _Before:
    from hpstudy.tracking import modules  # imported late: `--help` does not need it
    from hpstudy.training.environment import for_tensorflow

    trackers, levels = modules(), {}
    quiet_ones = _QUIET | {name: logging.CRITICAL for tracker in trackers for name in tracker.LOGGERS}
    for name, quiet in quiet_ones.items():
        logger = logging.getLogger(name)
        levels[name] = logger.level if name in sys.modules and logger.level else _LOUD
        if name in sys.modules:
            logger.setLevel(quiet)
    variables = [*LENT, *for_tensorflow(), *(name for tracker in trackers for name in tracker.VARIABLES)]
    return _Before(variables={name: os.environ.get(name) for name in variables}, levels=levels)


def _restore(before: _Before) -> None:
    for name, value in before.variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    for name, level in before.levels.items():
        if name in sys.modules:
            logging.getLogger(name).setLevel(level)
