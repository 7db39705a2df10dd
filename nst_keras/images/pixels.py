"""Rounds the pixels of an image to integers of 8 or 16 bits, without stretching their range."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nst_keras.images import bands

__all__ = ["to_uint8", "to_uint16"]


def to_uint8(image: tf.Tensor) -> np.ndarray:
    """Returns the pixels of an image, rounded, without stretching their range.

    Args:
        image: float32 [1, height, width, 3]. Values outside 0..255 are clipped.

    Returns:
        uint8 [height, width, 3].
    """
    return _whole_levels(image, 1, np.uint8)


def to_uint16(image: tf.Tensor) -> np.ndarray:
    """Returns the pixels of an image at 16 bits a channel, rounded, without stretching their range.

    Args:
        image: float32 [1, height, width, 3]. Values outside 0..255 are clipped. Each level becomes 257 levels.

    Returns:
        uint16 [height, width, 3].
    """
    return _whole_levels(image, 257, np.uint16)


def _whole_levels(image: tf.Tensor, levels_each: int, dtype: type) -> np.ndarray:
    """Rounds in bands. NumPy takes a quarter of the time of TensorFlow's operations."""
    source = np.asarray(image)[0]  # On a CPU this is the tensor's own memory.
    pixels = np.empty(source.shape, dtype)
    with np.errstate(invalid="ignore"):  # NaN becomes any level.
        for top, bottom in bands.of_rows(*source.shape[:2]):
            band = np.clip(source[top:bottom], 0, 255)
            if levels_each != 1:
                band *= levels_each
            pixels[top:bottom] = np.rint(band, out=band)
    return pixels
