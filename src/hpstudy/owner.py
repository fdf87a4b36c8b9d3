"""Who has a trial: a process, named so that others on the same machine can see whether it still lives."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One process of one machine."""

    host: str  # for people
    machine: str  # tells machines, restarts and process namespaces apart
    pid: int
    created: float  # Unix time when the process began; process numbers are used again

    @classmethod
    def of_process(cls, pid: int | None = None) -> Owner:
        """This process, or another one of this machine."""
        process = psutil.Process(pid)
        return cls(host=socket.gethostname(), machine=_machine(), pid=process.pid, created=process.create_time())

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Owner:
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def is_elsewhere(self) -> bool:
        """Whether this process is of another machine; a container of this machine is not."""
        return self.host != socket.gethostname() and self.machine.split(" ")[0] != _machine().split(" ")[0]

    def is_known_dead(self) -> bool:
        """Whether this process certainly no longer runs; False for processes of other machines."""
        if self.machine != _machine():
            return False
        try:
            process = psutil.Process(self.pid)
            return process.create_time() != self.created or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


@functools.cache
def _machine() -> str:
    """Boot and process namespace: within them process numbers can be compared."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - not a path, but pid:[number]
    except OSError:
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"
    return f"{boot} {namespace}"
