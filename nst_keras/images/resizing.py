"""Sizes of images, float32 [1, height, width, 3], 0..255: resized with antialiasing, or cut to a rectangle."""

from __future__ import annotations

import tensorflow as tf

from nst_keras import checks
from nst_keras.images import bands

__all__ = ["cover", "resize", "resize_to", "scaled_size"]


def resize(image: tf.Tensor, longest_side: int, *, enlarge: bool = False) -> tf.Tensor:
    """Resizes to a longest side, keeping the aspect, with antialiasing (Lanczos).

    Args:
        image: float32 [1, height, width, 3], 0..255.
        longest_side: Pixels of the longer of height and width, afterwards.
        enlarge: Whether an image that is smaller already is enlarged; otherwise it comes back as it is.

    Returns:
        float32 [1, new height, new width, 3], 0..255.

    Raises:
        ValueError: `longest_side` is not a whole number, 1 or more.
    """
    checks.integer("longest_side", longest_side)
    height, width = image.shape[1:3]
    scale = longest_side / max(height, width)
    if scale == 1 or (scale > 1 and not enlarge):
        return image
    return resize_to(image, *scaled_size(height, width, scale))


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width of a picture in whole pixels, 1 or more, once it is scaled."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_to(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resizes to exactly this size, whatever the aspect, with antialiasing (Lanczos).

    Args:
        image: float32 [1, image's height, image's width, 3], 0..255.
        height: Pixels.
        width: Pixels.

    Returns:
        float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: A side is not a whole number, 1 or more.
    """
    size = checks.integer("height", height), checks.integer("width", width)
    if size == tuple(image.shape[1:3]):
        return image
    return bands.resized(lambda top, bottom: image[0, top:bottom], (image.shape[1], image.shape[2]), size)


def cover(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Fills a rectangle with an image: scaled with its aspect kept, what overhangs cut off equally on both sides.

    Args:
        image: float32 [1, image's height, image's width, 3], 0..255.
        height: Pixels of the rectangle.
        width: Likewise.

    Returns:
        float32 [1, height, width, 3], 0..255.
    """
    scale = max(height / image.shape[1], width / image.shape[2])
    size = max(height, round(image.shape[1] * scale)), max(width, round(image.shape[2] * scale))
    scaled = resize_to(image, *size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return scaled[:, top : top + height, left : left + width]
