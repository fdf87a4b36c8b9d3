"""Greyscale images, each of one class. This file is copied into models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hpstudy.data.cache import Matrix
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config


@dataclass(frozen=True, kw_only=True)
class Image:
    """Images of one size: uint8 (rows, height * width)."""

    shape: tuple[int, ...]  # height and width
    largest: float  # largest value of a pixel
    class_count: int

    is_fitted = False

    @property
    def decisive(self) -> Mapping[str, object]:
        return {}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Image:
        del levels
        return cls(shape=dataset.input_shape, largest=dataset.largest, class_count=len(dataset.classes))

    def read(self, source: Source, *, test: bool) -> Raw:
        """Read MNIST's four idx files, Keras's .npz file, or scikit-learn's digits (without an official test split)."""
        from hpstudy.data.kind import Raw

        match source.files:
            case (images, labels, test_images, test_labels):
                files = (test_images, test_labels) if test else (images, labels)
                pixels, numbers = self._read_idx(*files)
            case (archive,) if archive.suffix == ".npz":
                pixels, numbers = self._read_npz(archive, "test" if test else "train")
            case _:
                pixels, numbers = _digits()
        return Raw(rows=pixels.reshape(len(pixels), -1), labels=numbers.astype(np.int32))

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        del training
        return Matrix.of(raw.rows, raw.labels, "dense", raw.rows.shape[1])

    def description(self, training: Raw | None) -> dict[str, Any]:
        del training
        return {"shape": list(self.shape)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del source
        return {"array": rows.reshape(-1, *self.shape).tolist(), "dtype": "uint8"}

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode images, uint8 (rows, height, width)."""
        return np.asarray(rows, np.float32).reshape(-1, *description["shape"])

    def _read_idx(self, images: Path, labels: Path) -> tuple[NDArray[Any], NDArray[Any]]:
        from hpstudy.data.formats.idx import read_idx
        from hpstudy.data.integrity import bad_file

        pixels = read_idx(images, dimensions=1 + len(self.shape))
        if pixels.shape[1:] != self.shape:
            raise bad_file(images, f"holds images of {_times(pixels.shape[1:])}", f"images of {_times(self.shape)}")
        numbers = read_idx(labels, dimensions=1)
        self._check(images, labels, pixels, numbers)
        return pixels, numbers

    def _read_npz(self, path: Path, part: Literal["train", "test"]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Read Keras's file with the members x_train, y_train, x_test, y_test. Only those of one part are opened."""
        from hpstudy.data.formats.npz import read_numbers
        from hpstudy.data.integrity import bad_file

        x, y = f"x_{part}", f"y_{part}"
        pixels, numbers = (
            read_numbers(path, member, expected=f"a Keras .npz file with the array {member}") for member in (x, y)
        )
        if pixels.dtype != np.uint8 or pixels.shape[1:] != self.shape:
            raise bad_file(path, f"holds {x} of {pixels.dtype} {pixels.shape}", f"uint8 images of {_times(self.shape)}")
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise bad_file(path, f"holds {y} of {numbers.dtype} {numbers.shape}", "a list of class numbers")
        self._check(path, path, pixels, numbers)
        return pixels, numbers

    def _check(self, images: Path, labels: Path, pixels: NDArray[Any], numbers: NDArray[Any]) -> None:
        from hpstudy.data.integrity import bad_file

        if len(pixels) != len(numbers) or len(pixels) == 0:
            came, expected = f"{len(numbers):,} labels", f"one for each of the {len(pixels):,} images of {images}"
            raise bad_file(labels, f"holds {came}", expected)
        if (wrong := (numbers < 0) | (numbers >= self.class_count)).any():
            row = int(wrong.argmax())
            came, expected = (
                f"the label {numbers[row]} in row {row} (from 0)",
                f"labels from 0 to {self.class_count - 1}",
            )
            raise bad_file(labels, f"holds {came}", expected)


def _digits() -> tuple[NDArray[Any], NDArray[Any]]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.data.astype(np.uint8), digits.target


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "no size"


KIND: type[Kind] = Image
