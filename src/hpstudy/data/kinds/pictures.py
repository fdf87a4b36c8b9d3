"""Pictures of a user's own, brought to one size and colour: uint8 (rows, height * width * channels).

It is copied into models, which so take images of any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

    from hpstudy.data.cache import Matrix
    from hpstudy.data.kind import Kind, Raw
    from hpstudy.data.places import Source
    from hpstudy.study.catalog import DatasetInfo
    from hpstudy.study.factors import Config

_RGB = 3
_MODES = {1: "L", _RGB: "RGB"}  # channels → Pillow's mode


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Images of one size."""

    shape: tuple[int, ...]  # height, width, and channels if they are in a dimension of their own
    classes: tuple[str, ...]
    pixel: float  # the largest value of one in the files

    is_fitted = False

    @property
    def largest(self) -> float:
        return self.pixel

    @property
    def decisive(self) -> Mapping[str, object]:
        return {"classes": list(self.classes)}

    @classmethod
    def of(cls, dataset: DatasetInfo, levels: Config) -> Pictures:
        del levels
        return cls(shape=dataset.input_shape, classes=dataset.classes, pixel=dataset.largest)

    def read(self, source: Source, *, test: bool) -> Raw:
        from hpstudy.data.own_contents import read_labelled

        return read_labelled(source, self.classes, test=test)

    def encode(self, raw: Raw, training: Raw | None) -> Matrix:
        from hpstudy.data.cache import Matrix

        del training
        x = raw.rows.reshape(len(raw.rows), -1)
        return Matrix.of(x, raw.labels, "dense", x.shape[1])

    def description(self, training: Raw | None) -> dict[str, Any]:
        del training
        return {"shape": list(self.shape)}

    def example(self, rows: NDArray[Any], source: Source) -> dict[str, Any]:
        del source
        channels = self.shape[2:]
        return {
            "array": rows.astype(np.uint8).reshape(-1, *self.shape).tolist(),
            "dtype": "uint8",
            "shape": [-1, -1, -1, *channels],
        }

    @staticmethod
    def serve(rows: Any, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """Encode images of any size, uint8 (rows, height, width) or (rows, height, width, channels).

        Args:
            rows: One array, or an image after the other, which may differ in size.

        Raises:
            ValueError: an image has another type or other dimensions.
        """
        shape = description["shape"]
        rows = np.asarray(rows) if hasattr(rows, "dtype") and rows.dtype != object else rows
        if isinstance(rows, np.ndarray) and rows.dtype == np.uint8 and rows.shape[1:] == tuple(shape):
            return rows.astype(np.float32)
        images = [_pixels(_image(np.asarray(row)), shape) for row in rows]
        return np.array(images, np.float32).reshape(-1, *shape)


def fitted(image: Image, shape: Sequence[int]) -> NDArray[np.uint8]:
    """An opened picture as its pixels in this shape. Animations give their first frame."""
    from PIL import ImageOps

    return _pixels(ImageOps.exif_transpose(image), shape)  # photographs say which way is up


def _pixels(image: Image, shape: Sequence[int]) -> NDArray[np.uint8]:
    from PIL import Image as Pillow

    height, width, *channels = shape
    mode = _MODES[channels[0] if channels else 1]
    image = image if image.mode == mode else image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Pillow.Resampling.BILINEAR)
    return np.asarray(image, np.uint8).reshape(shape)


def _image(pixels: NDArray[Any]) -> Image:
    from PIL import Image as Pillow

    pixels = pixels[:, :, 0] if pixels.ndim == _RGB and pixels.shape[2] == 1 else pixels
    if (
        pixels.ndim not in (2, 3)
        or pixels.dtype.kind not in "ui"
        or pixels.min() < 0
        or pixels.max() > np.iinfo("u1").max
    ):
        raise ValueError(
            f"An image is of {pixels.dtype} {pixels.shape}. Expected: whole numbers from 0 to 255, (height, width) or "
            "(height, width, channels)."
        )
    return Pillow.fromarray(pixels.astype(np.uint8))


KIND: type[Kind] = Pictures
