"""Loads masks from any source to one form: float32 [1, height, width, 1], 0..1, of a picture's size."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nst_keras.images import colour, loading, resizing
from nst_keras.images.formats import levels

__all__ = ["load"]


def load(source: loading.ImageSource, size: tuple[int, int], *, argument: str) -> tf.Tensor:
    """Loads a mask: white counts in full, black and transparent parts do not count.

    Args:
        source: A picture: a path, a URL, `"sample:NAME"`, a PIL image, or an array or tensor in 0..255, see
            `loading.load`. Also an array or tensor of booleans, or of floats in 0..1.
        size: Height and width of the picture to which the mask belongs.
        argument: The argument that error messages name.

    Returns:
        float32 [1, height, width, 1], 0..1: the luminance of `source`, resized to `size`.

    Raises:
        ValueError: A mask of another aspect than the picture's, one that is black everywhere, integers in 0..1, not an
            image, or a damaged one.
        TypeError: A `source` of another type.
        OSError: The file or URL cannot be read.
    """
    image = loading.load(_in_levels(source, argument), argument=argument, background="black")
    luminance = colour.grey(image)[:, :, :, :1] / 255.0
    height, width = resizing.size_of(image)
    # The picture's sides were rounded to pixels when it was reduced.
    scale = max(size) / max(height, width)
    if max(abs(height * scale - size[0]), abs(width * scale - size[1])) > 1.0 + 0.01 * min(size):
        raise ValueError(
            f"{argument} is {width}x{height} px, and the picture {size[1]}x{size[0]}: a mask must have the picture's "
            "aspect. Crop it to that."
        )
    mask = tf.clip_by_value(tf.image.resize(luminance, size, antialias=True), 0.0, 1.0)
    if not tf.reduce_any(mask > 0.0):
        raise ValueError(f"{argument} is black everywhere, so it selects nothing. Paint white what it is for.")
    return mask


def _in_levels(source: loading.ImageSource, argument: str) -> loading.ImageSource:
    """Brings arrays of booleans or of floats in 0..1 to 0..255, and returns other sources unchanged."""
    if not isinstance(source, (np.ndarray, tf.Tensor, tf.Variable)):
        return source
    values = levels.values(source, argument)
    is_float = values.dtype.kind == "f"
    if values.dtype == bool or (is_float and values.size and values.min() >= 0 and values.max() <= 1):
        return values.astype(np.float32) * 255.0
    if values.dtype.kind in "ui" and values.size and values.max() == 1:
        raise ValueError(f"{argument} holds integers in 0..1, where white is 255. Give booleans, or floats in 0..1.")
    return values
