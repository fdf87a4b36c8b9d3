"""The places of one machine where trainer processes may run: GPUs, or processor cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from hpstudy.errors import UserError
from hpstudy.worker.limits import Limits, read_limits

MEMORY_OF_PROCESS_GB = 1.0  # what a trainer process takes with TensorFlow, a small network and Fashion-MNIST
MEMORY_OF_SUPERVISOR_GB = 0.5  # with the libraries of mirror and report; only counted if a container has a limit
CORES_VARIABLE = "HPSTUDY_CORES"  # processor cores of a trainer process, separated by commas
NO_GPU = ""
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
ORDER_VARIABLE = "CUDA_DEVICE_ORDER"
AS_NVIDIA_SMI = "PCI_BUS_ID"  # CUDA's own order puts the fastest GPU first


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for one trainer process."""

    number: int  # from 0
    cores: tuple[int, ...]  # processor cores it is pinned to
    gpu: str | None = None  # the GPU that TensorFlow may see: a number, a UUID, or "" for no GPU; None: any

    def environment(self) -> dict[str, str]:
        """The variables to set before TensorFlow starts, because it takes every GPU that it sees."""
        if self.gpu is None:
            return {}
        return {GPU_VARIABLE: self.gpu, ORDER_VARIABLE: os.environ.get(ORDER_VARIABLE, AS_NVIDIA_SMI)}

    def of_cores(self) -> dict[str, str]:
        """Those that decide on which cores a process computes, with a thread on each."""
        threads = str(len(self.cores))
        return {
            CORES_VARIABLE: ",".join(map(str, self.cores)),
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": "1",
        }


def pin_to_cores() -> None:
    """Stay on the cores of this process's slot; before TensorFlow counts cores.

    Two processes with a core each train faster than two that share both.
    """
    taken = os.environ.get(CORES_VARIABLE)
    if taken:
        os.sched_setaffinity(0, map(int, taken.split(",")))


def cores() -> list[int]:
    """The processor cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def default_processes(budget: int, limits: Limits | None = None) -> int:
    """One process per usable core, if memory and container allow, and no more than there are trials.

    Args:
        limits: The container's limits; None: the limits of this process.
    """
    return _tightest(budget, limits or read_limits())[0]


def why_so_few(budget: int, limits: Limits | None = None) -> str | None:
    """Why `default_processes` is lower than both cores and trials, as a clause; None if it is not."""
    return _tightest(budget, limits or read_limits())[1]


def _tightest(budget: int, limits: Limits) -> tuple[int, str | None]:
    free_gb = psutil.virtual_memory().available / 1e9
    bounds: list[tuple[int, str | None]] = [
        (min(len(cores()), budget), None),
        (int(free_gb / MEMORY_OF_PROCESS_GB), f"only {free_gb:.1f} GB of memory is free"),
    ]
    if limits.cores is not None:
        bounds.append((int(limits.cores), f"the container's quota is {limits.cores:g} cores"))
    if limits.memory_gb is not None:
        rest_gb = limits.memory_gb - MEMORY_OF_SUPERVISOR_GB
        reason = f"the container may only take another {limits.memory_gb:.1f} GB of memory"
        bounds.append((int(rest_gb / MEMORY_OF_PROCESS_GB), reason))
    number, why = min(bounds, key=lambda bound: max(1, bound[0]))  # on a tie, the first one
    return max(1, number), why


def slots(processes: int, gpus: Sequence[str] = ()) -> list[Slot]:
    """One slot for each of `processes`. They share the cores out among them and take the GPUs in turn."""
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
    """`all`, `none` or numbers separated by commas → the value of CUDA_VISIBLE_DEVICES for each GPU.

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
    """Every GPU that this process may use, as a value of CUDA_VISIBLE_DEVICES. Empty without NVIDIA's driver."""
    from hpstudy.worker import gpus

    return gpus.visible(os.environ.get(GPU_VARIABLE))
