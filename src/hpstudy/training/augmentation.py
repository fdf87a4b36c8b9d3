"""Augmentation as part of a compiled epoch: each image is moved, mirrored, or both, anew in every epoch."""

from __future__ import annotations

import keras
import tensorflow as tf

from hpstudy.study import factors

_SHIFT_PIXELS = 2  # the most that an image is moved, each way


class Augment:
    """Changes a batch of images at random.

    Args:
        kind: A level of the factor `augmentation`.
        seeds: Decides how each image is changed.
    """

    def __init__(self, kind: factors.Augmentation, seeds: keras.random.SeedGenerator) -> None:
        self._kind, self._seeds = kind, seeds

    def __call__(self, inputs: tf.Tensor, input_shape: tuple[int, ...]) -> tf.Tensor:
        """The batch with its images moved by up to two pixels each way, mirrored with probability 1/2, or both.

        Args:
            inputs: float32 (rows, height * width * channels).
            input_shape: Height, width, and channels if they are in a dimension of their own.
        """
        if self._kind == "none":
            return inputs
        count = inputs.shape[0]
        height, width = input_shape[:2]
        from_row = tf.range(height)[tf.newaxis] + self._shifts(count)
        from_column = tf.range(width)[tf.newaxis] + self._shifts(count)
        inside = tf.logical_and(
            _within(from_row, height)[:, :, tf.newaxis], _within(from_column, width)[:, tf.newaxis, :]
        )
        if self._kind in ("flip", "both"):
            mirrored = keras.random.randint((count, 1), 0, 2, seed=self._seeds) == 1
            from_column = tf.where(mirrored, width - 1 - from_column, from_column)
        row = tf.clip_by_value(from_row, 0, height - 1)[:, :, tf.newaxis]
        column = tf.clip_by_value(from_column, 0, width - 1)[:, tf.newaxis, :]
        source = tf.reshape(row * width + column, (count, height * width))
        seen = tf.cast(tf.reshape(inside, (count, height * width)), tf.float32)
        if len(input_shape) == 2:
            return tf.gather(inputs, source, batch_dims=1) * seen
        colours = tf.reshape(inputs, (count, height * width, -1))
        moved = tf.gather(colours, source, batch_dims=1) * seen[:, :, tf.newaxis]
        return tf.reshape(moved, (count, -1))

    def _shifts(self, count: int) -> tf.Tensor:
        """How far each image is moved one way, int32 (count, 1)."""
        if self._kind == "flip":
            return tf.zeros((count, 1), tf.int32)
        return keras.random.randint((count, 1), -_SHIFT_PIXELS, _SHIFT_PIXELS + 1, seed=self._seeds)


def _within(numbers: tf.Tensor, size: int) -> tf.Tensor:
    return tf.logical_and(numbers >= 0, numbers < size)
