"""How another process of this Python is started."""

from __future__ import annotations

import sys

# For processes that start Python again by themselves.
ENVIRONMENT = {"PYTHONSAFEPATH": "1"}


def python(*arguments: str) -> list[str]:
    """The command line of a process in which no file of the current folder takes the place of a library's."""
    return [sys.executable, "-P", *arguments]
