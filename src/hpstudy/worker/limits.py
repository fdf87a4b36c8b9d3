"""What a container may use of its machine: the limits of control groups, of either version.

A process sees every core and all memory of the machine, even if it may use only a part. The limits are in files of the
process's own group and of every enclosing group; the tightest one counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_RECLAIMED = ("inactive_file", "active_file")  # page cache, which the kernel gives up when memory is short
_UNLIMITED = 2.0**62  # bytes; version 1 writes "no limit" as its largest number


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a process. None means: as much as the machine has."""

    cores: float | None = None  # processor seconds per second
    memory_gb: float | None = None  # memory that may still be taken; 10⁹ bytes


def read_limits(root: Path = Path("/")) -> Limits:
    """The limits of this process. A file that is missing or cannot be understood sets no limit.

    Args:
        root: The folder that contains `proc` and `sys`.
    """
    groups = list(_groups(root))
    cores = [limit for group in groups if (limit := _cores(group)) is not None]
    left_gb = [left / 1e9 for group in groups if (left := _memory(group)) is not None]
    return Limits(cores=min(cores, default=None), memory_gb=min(left_gb, default=None))


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's groups, from its own up to the outermost visible one."""
    places = [line.split(":", 2) for line in _lines(root / "proc/self/cgroup") if line.count(":") >= 2]
    for line in _lines(root / "proc/self/mountinfo"):
        mount, _, system = line.partition(" - ")
        if not system.startswith(("cgroup ", "cgroup2 ")):
            continue
        top, point = mount.split()[3:5]
        options = set(system.split()[-1].split(","))
        for _, controllers, place in places:
            if set(controllers.split(",")) <= options or (system.startswith("cgroup2 ") and not controllers):
                yield from _upwards(root / point.lstrip("/"), PurePosixPath(place), top)


def _upwards(point: Path, place: PurePosixPath, top: str) -> Iterator[Path]:
    """A container often sees its own group as the outermost one: `top`, which is mounted at `point`."""
    inside = place.relative_to(top) if place.is_relative_to(top) and ".." not in place.parts else PurePosixPath()
    yield from (point / part for part in (inside, *inside.parents))


def _cores(group: Path) -> float | None:
    quota = _numbers(group / "cpu.max") or [
        *_numbers(group / "cpu.cfs_quota_us"),  # -1: no limit
        *_numbers(group / "cpu.cfs_period_us"),
    ]
    return quota[0] / quota[1] if len(quota) == 2 and min(quota) > 0 else None


def _memory(group: Path) -> float | None:
    """The bytes that are left. Version 1 has separate names for figures that include subgroups."""
    for limit, usage, prefix in (
        ("memory.max", "memory.current", ""),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ):
        numbers = [*_numbers(group / limit)[:1], *_numbers(group / usage)[:1]]
        if len(numbers) == 2 and numbers[0] < _UNLIMITED:
            facts = dict(line.split() for line in _lines(group / "memory.stat") if len(line.split()) == 2)
            reclaimed = sum(float(facts.get(f"{prefix}{name}", 0)) for name in _RECLAIMED)
            return max(0.0, numbers[0] - max(0.0, numbers[1] - reclaimed))
    return None


def _numbers(file: Path) -> list[float]:
    """The numbers in the first line. Empty if it holds anything else, such as `max`, which means no limit."""
    words = next(iter(_lines(file)), "").split()
    return [float(word) for word in words] if all(word.lstrip("-").isdecimal() for word in words) else []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except OSError:
        return []
