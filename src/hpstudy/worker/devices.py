"""The places of one machine where trainer processes may run: GPUs, or processor cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from hpstudy.errors import UserError

MEMORY_OF_PROCESS_GB = 1.0  # of a trainer with TensorFlow, a small network and Fashion-MNIST
NO_GPU = ""
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
ORDER_VARIABLE = "CUDA_DEVICE_ORDER"
AS_NVIDIA_SMI = "PCI_BUS_ID"  # CUDA's own order puts the fastest GPU first


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for one trainer process."""

    number: int  # from 0
    cores: tuple[int, ...]  # processor cores it is pinned to
    gpu: str | None = None  # what TensorFlow may see: a number, a UUID, or "" for none; None: whatever there is

    def environment(self) -> dict[str, str]:
        """Set before TensorFlow starts, which then takes every GPU that it sees."""
        if self.gpu is None:
            return {}
        return {GPU_VARIABLE: self.gpu, ORDER_VARIABLE: os.environ.get(ORDER_VARIABLE, AS_NVIDIA_SMI)}


def cores() -> list[int]:
    """The processor cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def default_processes(budget: int) -> int:
    """One per core that this process may use, as memory allows, and no more than there are trials."""
    by_memory = int(psutil.virtual_memory().available / (MEMORY_OF_PROCESS_GB * 1e9))
    return max(1, min(len(cores()), by_memory, budget))


def slots(processes: int, gpus: Sequence[str] = ()) -> list[Slot]:
    """So many places, which share the cores, and the GPUs in turn."""
    mine = cores()
    return [
        Slot(
            number=number,
            cores=tuple(mine[number::processes] or mine),
            gpu=gpus[number % len(gpus)] if gpus else None,
        )
        for number in range(processes)
    ]


def choose_gpus(wanted: str) -> list[str]:
    """`all`, `none` or numbers separated by commas → what CUDA_VISIBLE_DEVICES may say of each one.

    Raises:
        UserError: there is no such GPU.
    """
    found = visible_gpus()
    if wanted == "all":
        return found
    if wanted == "none":
        return [NO_GPU] if found else []
    numbers = [part.strip() for part in wanted.split(",")]
    if not all(number.isdecimal() and int(number) < len(found) for number in numbers):
        names = f"0 to {len(found) - 1}" if found else "none"
        raise UserError(f"--gpus must be all, none, or numbers such as 0,1; it is {wanted!r}. GPUs found: {names}.")
    return [found[int(number)] for number in numbers]


def visible_gpus() -> list[str]:
    """Every GPU that this process may use. Empty without NVIDIA's driver."""
    allowed = os.environ.get(GPU_VARIABLE)
    if allowed is not None:
        return [part.strip() for part in allowed.split(",") if part.strip() and part.strip() != "-1"]
    return [str(number) for number in range(_count_gpus())]


def _count_gpus() -> int:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver
        return 0
    try:
        return int(pynvml.nvmlDeviceGetCount())
    finally:
        pynvml.nvmlShutdown()
