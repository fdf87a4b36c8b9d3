"""A user's own pictures become one file of arrays: each is opened once, and brought to one size and colour."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.kinds.pictures import fitted
from hpstudy.errors import DatasetError
from hpstudy.study.arrays import Images
from hpstudy.study.table import Table

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
_FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One file, and what it shows."""

    path: Path
    name: str  # below the folder, or as the table has it
    label: str


def digest_of(images: Images, path: Path) -> str:
    """SHA-256 over the names, labels and contents of all pictures, in hexadecimal. Raises as `pictures_in`."""
    digest = hashlib.sha256()
    for picture in pictures_in(images, path):
        digest.update(f"{picture.name}\0{picture.label}\0".encode())
        digest.update(hashlib.sha256(_bytes(picture)).digest())
    return digest.hexdigest()


def write_arrays(images: Images, path: Path, target: Path) -> None:
    """Write the pixels as `x`, uint8 (images, *shape), and the labels as `y`, in an .npz file.

    Raises:
        DatasetError: a picture cannot be read; the message names it.
    """
    pictures = list(pictures_in(images, path))
    x = np.empty((len(pictures), *images.shape), np.uint8)
    for number, picture in enumerate(pictures):
        x[number] = _pixels(picture, images)
    with target.open("wb") as stream:
        np.savez(stream, x=x, y=np.array([picture.label for picture in pictures]))


def pictures_in(images: Images, path: Path) -> Iterator[Picture]:
    """The pictures of a folder in the order of their names, or of a table in its own.

    Raises:
        DatasetError: there are none, or the table names a file that does not exist.
    """
    found = list(_in_table(images, path) if images.target else _in_folder(path))
    if not found:
        raise DatasetError(
            f"{path} has no pictures. Expected: a folder for each class with files {', '.join(_ENDINGS)} in it, or a "
            "table with image= and target=, its columns of paths and labels."
        )
    yield from found


def _in_folder(path: Path) -> Iterator[Picture]:
    if not path.is_dir():
        raise DatasetError(f"{path} is no folder. Of a table, image= and target= name the columns of paths and labels.")
    folders = sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))
    found = [
        Picture(path=file, name=file.relative_to(path).as_posix(), label=folder.name)
        for folder in folders
        for file in folder.rglob("*")
        if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
    ]
    yield from sorted(found, key=lambda picture: (picture.path.name, picture.name))


def _in_table(images: Images, path: Path) -> Iterator[Picture]:
    from hpstudy.data.kinds.columns import MISSING, texts_of
    from hpstudy.data.own_rows import read_rows

    assert images.image
    assert images.target
    table = Table(path.name, target=images.target, categorical=(images.image,))
    rows = read_rows(path, table, MISSING, texts_of)
    for number, name, label in zip(rows.numbers, texts_of(rows.frame[images.image]), rows.labels, strict=True):
        file = path.parent / str(name)
        if not name or not file.is_file():
            raise DatasetError(
                f"{path} names in row {number + 1} the picture {str(name)!r}, which does not exist as {file}."
            )
        yield Picture(path=file, name=str(name), label=str(label))


def _bytes(picture: Picture) -> bytes:
    try:
        return picture.path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{picture.path} cannot be read: {error.strerror}. Grant read permission.") from None


def _pixels(picture: Picture, images: Images) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(picture.path, formats=_FORMATS) as image:
            if image.mode.startswith(("I", "F")):
                raise DatasetError(f"{picture.path} has more than 8 bits a pixel. Save it with 8 bits.")
            return fitted(image, images.shape)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(
            f"{picture.path} cannot be read as a PNG, JPEG or WebP picture ({error}). Replace it, or take it away."
        ) from None
