"""Prepared arrays on disk: written once by the process that needs them first, memory-mapped by all.

A prepared folder holds x.npy, y.npy, meta.json and one small view-….npz for each split and scaling that was requested.
It appears whole, by a rename. Its name contains a digest of everything that determines its content.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.arrays import Encoding
from hpstudy.errors import StorageError

_DIGEST_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Encoded rows and their labels."""

    x: NDArray[Any]  # (rows, features), or (rows, ceil(features / 8)) for "bits"
    y: NDArray[Any]  # (rows,) int32 class numbers, or float32 targets of a regression; (rows, targets) if several
    encoding: Encoding
    features: int
    digest: str

    @classmethod
    def of(cls, x: NDArray[Any], y: NDArray[Any], encoding: Encoding, features: int) -> Matrix:
        """A matrix with its digest, in C order and little-endian, so that machines agree on the bytes."""
        x = np.ascontiguousarray(x, x.dtype.newbyteorder("<"))
        y = np.ascontiguousarray(y, "<f4" if y.dtype.kind == "f" else "<i4")
        return cls(x=x, y=y, encoding=encoding, features=features, digest=_digest(x, y))


def key_of(**parts: object) -> str:
    """A short digest of everything that determines the content of a prepared folder."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def stored(folder: Path, build: Callable[[], Matrix]) -> Matrix:
    """The matrix in `folder`, built and written first if it is missing or damaged.

    Safe in several processes at once: one builds, the others wait for it.

    Returns:
        The matrix with `x` memory-mapped read-only.

    Raises:
        StorageError: the cache cannot be written.
    """
    found = _load(folder)
    if found:
        return found
    with _exclusively(folder):
        found = _load(folder)
        if not found:
            _write(folder, build())
            found = _load(folder)
    if not found:
        raise StorageError(f"{folder} cannot be read back after it was written. Check the disk.")
    return found


def stored_vectors(folder: Path, name: str, build: Callable[[], dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The small arrays of the file `name` in a prepared folder, built and written first if it is missing.

    Raises:
        StorageError: the cache cannot be written.
    """
    path = folder / name
    found = _load_vectors(path)
    if found is None:
        with _exclusively(folder):
            found = _load_vectors(path)
            if found is None:
                found = build()
                _write_vectors(path, found)
    return found


def release(x: NDArray[Any]) -> None:
    """Give back the memory that a mapped array takes in this process. What is looked at again is read again."""
    if isinstance(x.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        x.base.madvise(mmap.MADV_DONTNEED)


def _digest(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _load(folder: Path) -> Matrix | None:
    """None if the folder is missing, or if a file in it is missing, truncated or of another shape."""
    try:
        meta = json.loads((folder / "meta.json").read_text())
        x = np.load(folder / "x.npy", mmap_mode="r")
        y = np.load(folder / "y.npy")
        if [_form(x), _form(y)] != [meta["x"], meta["y"]]:
            return None
        return Matrix(x=x, y=y, encoding=meta["encoding"], features=meta["features"], digest=meta["digest"])
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _write(folder: Path, matrix: Matrix) -> None:
    for leftover in folder.parent.glob(f".{folder.name}-*"):  # left by a process that was killed while it wrote
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    np.save(temporary / "x.npy", matrix.x)
    np.save(temporary / "y.npy", matrix.y)
    meta = {
        "x": _form(matrix.x),
        "y": _form(matrix.y),
        "encoding": matrix.encoding,
        "features": matrix.features,
        "digest": matrix.digest,
    }
    (temporary / "meta.json").write_text(json.dumps(meta))
    temporary.chmod(0o755)
    if folder.exists():  # damaged; processes that have mapped it keep their mapping
        folder.rename(temporary / "damaged")
    temporary.rename(folder)
    shutil.rmtree(folder / "damaged", ignore_errors=True)


def _form(array: NDArray[Any]) -> list[Any]:
    return [array.dtype.str, list(array.shape)]


def _load_vectors(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error, zipfile.BadZipFile):
        return None


def _write_vectors(path: Path, vectors: dict[str, NDArray[Any]]) -> None:
    partial = path.with_name(f".{path.name}.part")
    with partial.open("wb") as stream:
        np.savez(stream, **vectors)  # type: ignore[arg-type]
    partial.replace(path)


@contextmanager
def _exclusively(folder: Path) -> Iterator[None]:
    """Hold the lock for writing this folder. The system releases it when its holder dies."""
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            yield
    except OSError as error:
        raise StorageError(
            f"Prepared arrays cannot be kept in {folder.parent}: {error.strerror or error}. "
            "Free some space or grant write permission there, or set HPSTUDY_CACHE_DIR to another folder."
        ) from None
