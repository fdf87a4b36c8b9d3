"""MNIST's idx files (format: yann.lecun.com/exdb/mnist), packed or not."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.integrity import bad_file

_UINT8_TYPE = 8  # the code for unsigned bytes in the third byte of an idx file


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read one idx file of unsigned bytes, unpacking it if its name ends in .gz.

    Returns:
        uint8 with `dimensions` dimensions, the first of which counts the rows.

    Raises:
        DatasetError: the file cannot be unpacked, has another header, or fewer or more bytes than it announces.
    """
    expected = f"an idx file of unsigned bytes in {dimensions} dimension{'s' if dimensions > 1 else ''}"
    header_bytes = 4 + 4 * dimensions
    try:
        with cast(IO[bytes], gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as stream:
            header = stream.read(header_bytes)
            if header[:4] != bytes([0, 0, _UINT8_TYPE, dimensions]) or len(header) < header_bytes:
                raise bad_file(path, f"begins with the bytes {header[:4].hex(' ') or '(none)'}", expected)
            shape = struct.unpack(f">{dimensions}I", header[4:])
            count = int(np.prod(shape, dtype=np.uint64))
            data = stream.read(count + 1)  # one more byte reveals that the file is too long
    except (OSError, EOFError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise bad_file(path, f"cannot be read to its end ({error})", expected) from None
    if len(data) != count:
        came = f"more than {count:,}" if len(data) > count else f"{len(data):,}"
        raise bad_file(path, f"holds {came} bytes after its header", f"{count:,} bytes, as its header says")
    return np.frombuffer(data, np.uint8).reshape(shape)
