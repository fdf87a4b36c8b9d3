"""Who has a trial: a process, identified so that others on the same machine can see whether it is still alive."""

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
    machine: str  # distinguishes machines, reboots and process namespaces
    pid: int
    created: float  # Unix time when the process started; process ids are reused

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
        """Whether this process is on another machine. A container on this machine is not."""
        return self.host != socket.gethostname() and self.machine.split(" ")[0] != _machine().split(" ")[0]

    def is_known_dead(self) -> bool:
        """Whether this process has certainly ended; False for processes on other machines."""
        if self.machine != _machine():
            return False
        try:
            process = psutil.Process(self.pid)
            return process.create_time() != self.created or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


@functools.cache
def _machine() -> str:
    """Boot id and process namespace, within which process ids can be compared."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - not a path, but pid:[number]
    except OSError:
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"
    return f"{boot} {namespace}"
