"""Where a trial is trained: environment variables of TensorFlow, versions, commit, device."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

_PACKAGES = ("hpstudy", "keras", "numpy", "optuna", "tensorflow")

# XLA compiles for vectors of 256 bits even if the processor has 512. Its compiler ends the process on an unknown flag,
# so the flag is set only for the version with which it was tried.
_WIDE_VECTORS = "--xla_cpu_prefer_vector_width"
TRIED_VERSION = "2.21."


def for_tensorflow() -> dict[str, str]:
    """Environment variables of every process that trains; set them before TensorFlow starts.

    The last bits of all numbers depend on them, so a trial must be trained again with the same ones. What the user has
    set is kept.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if (version("tensorflow") or "").startswith(TRIED_VERSION) and _WIDE_VECTORS not in flags:
        flags = f"{flags} {_WIDE_VECTORS}=512".strip()
    return {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"), "XLA_FLAGS": flags}


def provenance() -> dict[str, str]:
    """What a result may depend on: versions, the number of cores, the commit of the current folder, if any."""
    found = {f"version_{name}": number for name in _PACKAGES if (number := version(name))}
    found["cores"] = str(len(os.sched_getaffinity(0)))
    found["version_python"] = platform.python_version()
    if commit := git_commit():
        found["git_commit"] = commit
    return found


def git_commit() -> str | None:
    """The commit that is checked out here, followed by "-dirty" if files have changed since."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def describe_device() -> str:
    """The GPU that TensorFlow uses, else the processor."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
    return processor()


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
