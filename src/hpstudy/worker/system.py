"""What a trial uses of its machine: processor, memory and GPU, under the names that trackers give them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import psutil

from hpstudy.worker.devices import GPU_VARIABLE, NO_GPU

EVERY_S = 1.0  # at most one sample in this time …
EVERY_SHARE = 0.05  # … or in this share of the trial's time, so that even the longest trial has a few hundred


class SystemMetrics:
    """Samples for one trial after another. Each is taken when an epoch ends, and costs about half a millisecond.

    It watches every GPU that this process may use, and no other GPU.

    Args:
        clock: Returns seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._process = clock, psutil.Process()
        self._gpus = _gpus()
        self._began_s = self._due_s = 0.0

    def begin(self) -> None:
        """A trial begins. Its first sample is due and will cover the time from now on."""
        self._began_s = self._due_s = self._clock()
        psutil.cpu_percent()

    def sample(self) -> dict[str, float]:
        """Values by their name without `system/`: percentages, megabytes (10⁶ bytes), watts. Empty if not due."""
        now = self._clock()
        if now < self._due_s:
            return {}
        self._due_s = now + max(EVERY_S, EVERY_SHARE * (now - self._began_s))
        memory = psutil.virtual_memory()
        values = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / 1e6,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
            "process_memory_usage_megabytes": self._process.memory_info().rss / 1e6,
        }
        for number, handle in self._gpus.items():
            values |= {f"gpu_{number}_{name}": value for name, value in _of_gpu(handle).items()}
        return {name: round(value, 1) for name, value in values.items()}


def _gpus() -> dict[int, Any]:
    """Number in `nvidia-smi` → handle, of the GPUs that this process may use. Empty without NVIDIA's driver."""
    import pynvml

    allowed = os.environ.get(GPU_VARIABLE)
    try:
        if allowed == NO_GPU:
            return {}
        pynvml.nvmlInit()
        if allowed is None:
            return {number: pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())}
        handles = [_handle(name.strip()) for name in allowed.split(",")]
        return {int(pynvml.nvmlDeviceGetIndex(handle)): handle for handle in handles}
    except pynvml.NVMLError:  # no driver, or a name that only CUDA knows; training does not need this
        return {}


def _handle(name: str) -> Any:
    """The handle of a GPU that CUDA_VISIBLE_DEVICES names, by number or UUID."""
    import pynvml

    return pynvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdecimal() else pynvml.nvmlDeviceGetHandleByUUID(name)


def _of_gpu(handle: Any) -> dict[str, float]:
    """What the driver reports about a GPU; some GPUs do not report everything."""
    import pynvml

    values: dict[str, float] = {}
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        values["memory_usage_megabytes"] = memory.used / 1e6
        values["memory_usage_percentage"] = 100 * memory.used / memory.total
        values["utilization_percentage"] = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        values["power_usage_watts"] = pynvml.nvmlDeviceGetPowerUsage(handle) / 1000
    except pynvml.NVMLError:
        pass
    return values
