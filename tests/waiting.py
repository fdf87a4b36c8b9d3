"""Waiting for what other processes and threads do: the one place in the tests that looks again and again."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import Any


def wait_until(
    condition: Callable[[], object],
    timeout_s: float = 120.0,
    *,
    every_s: float = 0.02,
    told: Callable[[], object] = str,
) -> None:
    """Return as soon as the condition is true.

    Args:
        timeout_s: After so long the test fails.
        every_s: The pause between two looks; longer where a look is work for those who are waited for.
        told: What to say when it fails.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"it has not happened within {timeout_s:g} s. {told()}"
        time.sleep(every_s)


def await_answer(url: str, server: subprocess.Popen[Any], timeout_s: float = 180.0) -> bytes:
    """What a server says that is being started: the body of its first answer. Fails at once when the server ends."""
    found: list[bytes] = []

    def asked() -> bool:
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=30) as answer:
            found.append(answer.read())
        return bool(found)

    wait_until(asked, timeout_s, every_s=0.1)
    return found[0]
