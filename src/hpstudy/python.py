"""How to start another process with this Python."""

from __future__ import annotations

import sys

# For processes that start Python again themselves.
ENVIRONMENT = {"PYTHONSAFEPATH": "1"}


def python(*arguments: str) -> list[str]:
    """The command line of a process in which no file in the current folder can replace a library's."""
    return [sys.executable, "-P", *arguments]
