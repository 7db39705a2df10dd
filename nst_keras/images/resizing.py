"""Resizes images, float32 [1, height, width, 3], 0..255, with antialiasing, or cuts them to a rectangle."""

from __future__ import annotations

import tensorflow as tf

from nst_keras import checks
from nst_keras.images import bands

__all__ = ["cover", "resize", "resize_to", "scaled_size", "size_of"]


def size_of(image: tf.Tensor) -> tuple[int, int]:
    """Returns height and width of an image [1, height, width, channels]."""
    return int(image.shape[1]), int(image.shape[2])  # pyright: ignore[reportArgumentType]  Never None once computed.


def resize(image: tf.Tensor, longest_side: int, *, enlarge: bool = False) -> tf.Tensor:
    """Resizes an image to a longest side, keeping the aspect, with antialiasing (Lanczos).

    Args:
        image: float32 [1, height, width, 3], 0..255.
        longest_side: Pixels of the longer of the new height and width.
        enlarge: True also enlarges a smaller image. Default: False, which returns it unchanged.

    Returns:
        float32 [1, new height, new width, 3], 0..255.

    Raises:
        ValueError: `longest_side` is not a whole number, 1 or more.
    """
    checks.integer("longest_side", longest_side)
    height, width = size_of(image)
    scale = longest_side / max(height, width)
    if scale == 1 or (scale > 1 and not enlarge):
        return image
    return resize_to(image, *scaled_size(height, width, scale))


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Returns height and width after scaling, in whole pixels, each 1 or more."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_to(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resizes an image to exactly this size, whatever the aspect, with antialiasing (Lanczos).

    Args:
        image: float32 [1, image's height, image's width, 3], 0..255.
        height: New height in pixels.
        width: New width in pixels.

    Returns:
        float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: A side is not a whole number, 1 or more.
    """
    size = checks.integer("height", height), checks.integer("width", width)
    if size == size_of(image):
        return image
    return bands.resized(lambda top, bottom: image[0, top:bottom], size_of(image), size)


def cover(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Fills a rectangle with an image: scales it with its aspect kept, and cuts both overhanging sides equally.

    Args:
        image: float32 [1, image's height, image's width, 3], 0..255.
        height: Height of the rectangle in pixels.
        width: Width of the rectangle in pixels.

    Returns:
        float32 [1, height, width, 3], 0..255.
    """
    own_height, own_width = size_of(image)
    scale = max(height / own_height, width / own_width)
    size = max(height, round(own_height * scale)), max(width, round(own_width * scale))
    scaled = resize_to(image, *size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return scaled[:, top : top + height, left : left + width]
