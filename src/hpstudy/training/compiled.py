"""Compiled epochs on disk: TensorFlow keeps them between processes and runs, and they can never do harm.

TensorFlow looks for the program of a structure in a folder before XLA compiles it, and the bits are the same. But a
file that is cut off or a full disk would fail the trial. So the folder is looked through before a process gets it, and
an error that it causes all the same replaces the process by one that compiles for itself. The graphs that programs
belong to (`traced`) are in the same folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hpstudy.errors import HpstudyError
from hpstudy.folders import write_whole
from hpstudy.training.environment import TRIED_VERSION, for_tensorflow, processor, version

LIMIT_BYTES = 128_000_000  # of all files; a program of a small network has half a megabyte
_FREE_BYTES = 500_000_000  # that the disk must have left
_UNSEALED_S = 600.0  # how long a file may be without its checksum: its writer may still be in training
_VARIABLE = "TF_XLA_FLAGS"
_FLAG = "--tf_xla_persistent_cache_directory"
_SEAL = ".crc32"


class CompiledUnusable(HpstudyError):
    """A compiled epoch could not be read or written. Nothing was computed; a process without the folder trains."""


def for_compiled(cache_dir: Path) -> dict[str, str]:
    """The environment variables of a process that may use the folder; empty where that is not safe.

    A program belongs to a version of TensorFlow, its flags and the processor, so each combination has its own folder.
    What the user has set is kept.
    """
    given = os.environ.get(_VARIABLE, "")
    folder = cache_dir.absolute() / "compiled" / _key()
    known = (version("tensorflow") or "").startswith(TRIED_VERSION)
    if not known or _FLAG in given or " " in str(folder):
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{os.getpid()}"
        probe.write_bytes(b"hpstudy")
        probe.unlink()
        _look_through(folder.parent)
        if shutil.disk_usage(folder).free < _FREE_BYTES:
            return {}
    except OSError:
        return {}
    return {_VARIABLE: f"{given} {_FLAG}={folder}".strip()}


def without_compiled() -> dict[str, str]:
    """The same for a process that must not use any such folder, not even one that the user has set."""
    flags = os.environ.get(_VARIABLE, "").split()
    return {_VARIABLE: " ".join(flag for flag in flags if not flag.startswith(_FLAG))}


def seal(environ: Mapping[str, str] = os.environ) -> None:
    """Write the checksums of files that have none, after a program was compiled."""
    folder = _folder_of(environ)
    if folder is None:
        return
    with suppress(OSError):
        for file in folder.glob("*.pb"):
            sealed = file.with_name(file.name + _SEAL)
            if not sealed.exists():
                write_whole(sealed, _checksum(file.read_bytes()).encode())


def kept_graph(name: str, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """What `keep_graph` was given under this name; None if nobody has kept it, or not all of it."""
    folder = _folder_of(environ)
    if folder is None:
        return None
    try:
        content = (folder / f"{name}.pb").read_bytes()
        is_whole = (folder / f"{name}.pb{_SEAL}").read_text() == _checksum(content)
    except OSError:
        return None
    return content if is_whole else None


def keep_graph(name: str, content: bytes, environ: Mapping[str, str] = os.environ) -> None:
    """Keep the graph that a compiled epoch belongs to beside it, if that is possible."""
    folder = _folder_of(environ)
    if folder is not None:
        with suppress(OSError):
            write_whole(folder / f"{name}.pb", content)
            write_whole(folder / f"{name}.pb{_SEAL}", _checksum(content).encode())


def is_unusable(error: BaseException | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether it is the folder that this error of TensorFlow comes from."""
    import tensorflow as tf

    folder = _folder_of(environ)
    if folder is None or not isinstance(error, tf.errors.OpError):
        return False
    return str(folder) in str(error) or isinstance(error, tf.errors.OutOfRangeError | tf.errors.DataLossError)


def _folder_of(environ: Mapping[str, str]) -> Path | None:
    flags = environ.get(_VARIABLE, "").split()
    found = [flag.removeprefix(f"{_FLAG}=") for flag in flags if flag.startswith(f"{_FLAG}=")]
    return Path(found[-1]) if found else None


def _key() -> str:
    decisive = (version("tensorflow"), for_tensorflow()["XLA_FLAGS"], processor())
    return hashlib.sha256(repr(decisive).encode()).hexdigest()[:16]


def _look_through(folder: Path) -> None:
    """Remove what is damaged, and the oldest files beyond the limit. Others may do the same at this moment."""
    files = {file: file.stat() for file in folder.glob("*/*.pb")}
    left, now = LIMIT_BYTES, time.time()
    for leftover in {*folder.glob("*/*")} - files.keys() - {file.with_name(file.name + _SEAL) for file in files}:
        if now - leftover.stat().st_mtime > _UNSEALED_S:  # of a writer that was killed
            leftover.unlink(missing_ok=True)
    for file, status in sorted(files.items(), key=lambda item: -item[1].st_mtime):
        left -= status.st_size
        sealed = file.with_name(file.name + _SEAL)
        is_new = now - status.st_mtime < _UNSEALED_S
        is_whole = sealed.read_text() == _checksum(file.read_bytes()) if sealed.exists() else is_new
        if left < 0 or not is_whole:
            file.unlink(missing_ok=True)
            sealed.unlink(missing_ok=True)


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(content):08x}"
