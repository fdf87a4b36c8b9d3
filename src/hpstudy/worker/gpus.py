"""Which GPUs CUDA will show to this process. Variables may name GPUs that do not exist, so NVIDIA's driver is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

_OF_A_GPU, _OF_AN_INSTANCE = "GPU-", "MIG-"


def visible(variable: str | None) -> list[str]:
    """The GPUs as CUDA_VISIBLE_DEVICES names them: numbers, or UUIDs as they were given. Empty without a driver.

    Args:
        variable: CUDA_VISIBLE_DEVICES. Like CUDA, we stop at the first name that is not a GPU; None: all GPUs.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver
        return []
    try:
        count = int(pynvml.nvmlDeviceGetCount())
        if variable is None:
            return [str(number) for number in range(count)]
        return list(dict.fromkeys(_confirmed(variable, count)))  # a GPU that is named twice counts once
    except pynvml.NVMLError:  # a driver that does not answer has no GPU for us
        return []
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _confirmed(variable: str, count: int) -> Iterator[str]:
    for name in map(str.strip, variable.split(",")):
        if name.isdecimal():
            known = int(name) < count
        elif name.startswith((_OF_A_GPU, _OF_AN_INSTANCE)):
            known = _is_one(name, count)
        else:
            known = False
        if not known:
            return
        yield name


def _is_one(name: str, count: int) -> bool:
    """Whether a UUID, or its beginning, identifies exactly one GPU or one GPU instance."""
    import pynvml

    handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(count)]
    if name.startswith(_OF_AN_INSTANCE):
        if name.startswith(_OF_AN_INSTANCE + _OF_A_GPU):  # as drivers before 470 write it: MIG-GPU-…/1/0
            name = name.removeprefix(_OF_AN_INSTANCE).partition("/")[0]
        else:
            handles = [instance for handle in handles for instance in _instances(handle)]
    return sum(str(pynvml.nvmlDeviceGetUUID(handle)).startswith(name) for handle in handles) == 1


def _instances(handle: Any) -> Iterator[Any]:
    import pynvml

    for number in range(_or_none(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        if (instance := _or_none(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)) is not None:
            yield instance


def _or_none(ask: Callable[..., Any], *arguments: Any) -> Any:
    """The driver's answer; None if this GPU does not support the query."""
    import pynvml

    try:
        return ask(*arguments)
    except pynvml.NVMLError:
        return None
