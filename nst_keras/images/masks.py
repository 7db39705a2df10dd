"""Loads masks from any source to one form: float32 [1, height, width, 1], 0..1, of a picture's size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nst_keras.images import colour, loading, resizing
from nst_keras.images.formats import levels

__all__ = ["check_painted", "load"]

_NOTHING = 1e-5  # Below the product of the darkest levels of two masks of 8 bits.


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
        ValueError: A mask of another aspect than the picture's, integers in 0..1, not an image, or a damaged one.
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
    return tf.clip_by_value(tf.image.resize(luminance, size, antialias=True), 0.0, 1.0)


def check_painted(style_masks: Sequence[tf.Tensor], content_mask: tf.Tensor | None) -> None:
    """Checks that masks leave something to paint, and that a content mask keeps something.

    A style mask may be black if another one is not: that style goes nowhere.

    Args:
        style_masks: float32 [1, height, width, 1] in 0..1, one for each style; none if all styles go everywhere.
        content_mask: Of the same form: where the content image is kept. None for nowhere.

    Raises:
        ValueError: Nothing is painted or kept.
    """
    painted = tf.ones([1, 1, 1, 1]) if content_mask is None else 1.0 - content_mask
    if content_mask is not None and not _selects(content_mask):
        raise ValueError("content_mask is black everywhere, so it keeps nothing. Leave it out, or paint white in it.")
    if not _selects(painted):
        raise ValueError("content_mask is white everywhere, so nothing is painted. Paint black where a style goes.")
    if style_masks and not any(_selects(mask * painted) for mask in style_masks):
        where = "everywhere" if content_mask is None else "wherever content_mask lets the picture be painted"
        raise ValueError(f"style_mask is black {where}, so nothing is painted. Paint white where a style goes.")


def _selects(mask: tf.Tensor) -> bool:
    return bool(tf.reduce_any(mask > _NOTHING))


def _in_levels(source: loading.ImageSource, argument: str) -> loading.ImageSource:
    """Brings arrays of booleans or of floats in 0..1 to 0..255, and returns other sources unchanged."""
    if not isinstance(source, (np.ndarray, tf.Tensor, tf.Variable)):
        return source
    values = levels.as_array(source, argument)
    is_float = values.dtype.kind == "f"
    if values.dtype == bool or (is_float and values.size and values.min() >= 0 and values.max() <= 1):
        return values.astype(np.float32) * 255.0
    if values.dtype.kind in "ui" and values.size and values.max() == 1:
        raise ValueError(f"{argument} holds integers in 0..1, where white is 255. Give booleans, or floats in 0..1.")
    return values
