"""Loads masks from any source to one form: float32 [1, height, width, 1], 0..1, of a picture's size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nst_keras.images import colour, loading, resizing
from nst_keras.images.formats import levels

__all__ = ["check_painted", "load"]

_NOTHING = 1e-4  # Far below one level of a mask of 8 bits.


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


def check_painted(style_masks: Sequence[tf.Tensor], content_mask: tf.Tensor | None) -> None:
    """Checks that masks leave something to paint in each style.

    Args:
        style_masks: float32 [1, height, width, 1] in 0..1, one for each style; none if all styles go everywhere.
        content_mask: Of the same form: where the content image is kept. None for nowhere.

    Raises:
        ValueError: Nothing is left.
    """
    if content_mask is None:
        return
    painted = 1.0 - content_mask
    if not tf.reduce_any(painted > _NOTHING):
        raise ValueError(
            "content_mask is white everywhere, so nothing is painted. Paint black what takes on the style."
        )
    for place, mask in enumerate(style_masks):
        if not tf.reduce_any(mask * painted > _NOTHING):
            raise ValueError(
                f"style_mask[{place}] lies inside of what content_mask keeps, so it selects nothing. Change one of "
                "them."
            )


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
