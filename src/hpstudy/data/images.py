"""Readers of images with class numbers: MNIST's idx files, packed or not, and Keras's npz files."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.integrity import bad_file

Pixels = NDArray[np.uint8]  # (rows, height * width)
Labels = NDArray[np.int32]  # (rows,)

_UINT8_TYPE = 8  # the code for unsigned bytes in the third byte of an idx file
_UNREADABLE = (OSError, EOFError, zlib.error)  # gzip.BadGzipFile is an OSError


def read_idx_pair(images: Path, labels: Path, shape: tuple[int, ...], class_count: int) -> tuple[Pixels, Labels]:
    """Read images and their labels from two idx files (format: yann.lecun.com/exdb/mnist).

    Args:
        shape: Height and width that an image must have.

    Returns:
        uint8 (rows, height * width) and int32 (rows,) from 0 to class_count - 1.

    Raises:
        DatasetError: one of the files is truncated or wrong; the message names it.
    """
    pixels = read_idx(images, dimensions=1 + len(shape))
    if pixels.shape[1:] != shape:
        raise bad_file(images, f"holds images of {_times(pixels.shape[1:])}", f"images of {_times(shape)}")
    numbers = read_idx(labels, dimensions=1)
    return _checked(images, labels, pixels, numbers, class_count)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read one idx file of unsigned bytes, unpacking it if its name ends in .gz.

    Returns:
        uint8 of so many dimensions as asked for, the first of them the rows.

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
            data = stream.read(count + 1)  # one byte more shows that the file goes on
    except _UNREADABLE as error:
        raise bad_file(path, f"cannot be read to its end ({error})", expected) from None
    if len(data) != count:
        came = f"more than {count:,}" if len(data) > count else f"{len(data):,}"
        raise bad_file(path, f"holds {came} bytes after its header", f"{count:,} bytes, as its header says")
    return np.frombuffer(data, np.uint8).reshape(shape)


def read_npz_pair(path: Path, split: str, shape: tuple[int, ...], class_count: int) -> tuple[Pixels, Labels]:
    """Read one split of a Keras .npz file: members x_train, y_train, x_test, y_test.

    Args:
        split: "train" or "test". Only its members are opened.

    Returns:
        uint8 (rows, height * width) and int32 (rows,) from 0 to class_count - 1.

    Raises:
        DatasetError: the file is truncated or holds something else.
    """
    pixels, numbers = (read_npz_member(path, f"{part}_{split}") for part in "xy")
    if pixels.dtype != np.uint8 or pixels.shape[1:] != shape:
        raise bad_file(path, f"holds x_{split} of {pixels.dtype} {pixels.shape}", f"uint8 images of {_times(shape)}")
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise bad_file(path, f"holds y_{split} of {numbers.dtype} {numbers.shape}", "a list of class numbers")
    return _checked(path, path, pixels, numbers, class_count)


def read_npz_member(path: Path, member: str) -> NDArray[Any]:
    """Read one array of numbers from an .npz file. Nothing in it is ever executed.

    Raises:
        DatasetError: the file is truncated, its checksum (CRC) is wrong, or it has no such array.
    """
    expected = f"a Keras .npz file with the array {member}"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return np.asarray(archive[member])
    except KeyError:
        raise bad_file(path, f"has no member {member}", expected) from None
    except (*_UNREADABLE, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise bad_file(path, f"cannot be read ({error})", expected) from None


def _checked(
    images: Path, labels: Path, pixels: NDArray[np.uint8], numbers: NDArray[Any], class_count: int
) -> tuple[Pixels, Labels]:
    if len(pixels) != len(numbers) or len(pixels) == 0:
        raise bad_file(
            labels, f"holds {len(numbers):,} labels", f"one for each of the {len(pixels):,} images of {images}"
        )
    if (wrong := (numbers < 0) | (numbers >= class_count)).any():
        row = int(wrong.argmax())
        raise bad_file(
            labels, f"holds the label {numbers[row]} in row {row} (from 0)", f"labels from 0 to {class_count - 1}"
        )
    return pixels.reshape(len(pixels), -1), numbers.astype(np.int32)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "no size"
