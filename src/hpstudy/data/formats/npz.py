"""Members of NumPy's .npz files. Nothing in such a file is ever executed."""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.integrity import bad_file


def read_numbers(path: Path, member: str, *, expected: str) -> NDArray[Any]:
    """Read one array of numbers.

    Args:
        expected: What the file should be, a noun phrase for the error message.

    Raises:
        DatasetError: the file is truncated, its checksum (CRC) is wrong, or it has no such array.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return np.asarray(archive[member])
    except KeyError:
        raise bad_file(path, f"has no member {member}", expected) from None
    except (OSError, EOFError, ValueError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise bad_file(path, f"cannot be read ({error})", expected) from None


def read_lists(path: Path, member: str, *, expected: str) -> NDArray[Any]:
    """Read one array of Python lists, which may differ in length.

    Returns:
        (rows,) of dtype object.

    Raises:
        DatasetError: the file is truncated, its checksum (CRC) is wrong, or it has no such array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            stream = io.BytesIO(archive.read(f"{member}.npy"))  # reading the whole member checks its CRC
        major, _ = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype != np.dtype(object) or len(shape) != 1:
            raise bad_file(path, f"holds {member} of {dtype} {shape}", expected)
        lists = _ListUnpickler(stream).load()
    except KeyError:
        raise bad_file(path, f"has no member {member}", expected) from None
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise bad_file(path, f"cannot be read ({error})", expected) from None
    if not isinstance(lists, np.ndarray) or lists.shape != shape:
        raise bad_file(path, f"holds a {member} that differs from its header", expected)
    return lists


class _ListUnpickler(pickle.Unpickler):
    """Rebuilds arrays of Python lists, and nothing else.

    Lists of different lengths can be kept in an .npz file only as a pickle, and a pickle may name any function
    to be called. The three names below are all that such an array needs (as in Keras's npz_utils.py), so a
    file from anywhere can be opened, whatever its checksum.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return super().find_class("numpy._core.multiarray", name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
