"""Arrays of pixels in levels of 0..255: checks, and compositing on a background."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.ImageColor

__all__ = ["alpha", "as_array", "checked", "of_rows", "on_background"]


def as_array(source: Any, argument: str) -> np.ndarray:
    """Returns an array, or the values of a tensor, as a NumPy array.

    Args:
        source: A NumPy array, or a tensor or variable of TensorFlow.
        argument: The argument that error messages name.

    Raises:
        ValueError: A masked array in which pixels are masked.
        TypeError: A tensor of a graph, which has no values yet.
    """
    if np.ma.is_masked(source):
        count = np.ma.count_masked(source)
        raise ValueError(f"{argument} has {count} masked values. Fill them first, such as by array.filled(255).")
    try:
        return np.asarray(source)
    except NotImplementedError as error:
        raise TypeError(
            f"{argument} is a tensor of a graph, which has no values yet. Call this outside of tf.function, in eager "
            "mode, or give an array."
        ) from error


def checked(array: np.ndarray, argument: str) -> np.ndarray:
    """Checks that an array has the shape and range of a picture.

    A float array in 0..1 is refused, since guessing its range would hide mistakes.

    Args:
        array: [height, width], [height, width, 1 | 3 | 4] or [1, height, width, 1 | 3 | 4], in 0..255 (uint16:
            0..65535).
        argument: The argument that error messages name.

    Returns:
        The same pixels, not copied, [height, width, 1 | 3 | 4].

    Raises:
        ValueError: Another shape, type or range.
    """
    pixels = array[0] if array.ndim == 4 and array.shape[0] == 1 else array
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"{argument} must have the shape [height, width, 3] (or 1 or 4 channels), "
            f"but {list(array.shape)} was given."
        )
    if _has_sixteen_bits(pixels):
        return pixels
    if pixels.dtype.kind not in "uif":
        raise ValueError(f"{argument} must hold numbers in 0..255, but an array of {pixels.dtype} was given.")
    lowest, highest = pixels.min(), pixels.max()
    if not (lowest >= 0 and highest <= 255):
        raise ValueError(f"{argument} must hold values in 0..255, but {lowest}..{highest} was given.")
    if np.issubdtype(pixels.dtype, np.floating) and 0 < highest <= 1:
        raise ValueError(f"{argument} must hold values in 0..255, but floats in 0..1 were given. Multiply by 255.")
    return pixels


def of_rows(pixels: np.ndarray) -> np.ndarray:
    """Returns rows of a `checked` array as float32 in 0..255; a level of 8 bits is 257 of uint16."""
    return pixels.astype(np.float32) / 257 if _has_sixteen_bits(pixels) else pixels.astype(np.float32, copy=False)


def _has_sixteen_bits(pixels: np.ndarray) -> bool:
    """Whether an array is uint16 of any order of bytes."""
    return pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2


def on_background(pixels: np.ndarray, background: str) -> np.ndarray:
    """Composites pixels on a colour.

    Args:
        pixels: float32 [height, width, 1 | 3 | 4], 0..255, grey, RGB or RGBA.
        background: A colour's name that Pillow knows, or `#rrggbb`.

    Returns:
        float32, 0..255: [height, width, 3], or [height, width, 4] with the alpha of `pixels`.

    Raises:
        ValueError: `background` is no colour.
    """
    if pixels.shape[-1] < 4:
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    try:
        colour = PIL.ImageColor.getrgb(background)[:3]
    except ValueError as error:
        raise ValueError(f"background={background!r} is no colour. Give a name or '#rrggbb'.") from error
    opacity = pixels[..., 3:] / 255
    return np.dstack([pixels[..., :3] * opacity + np.asarray(colour, np.float32) * (1 - opacity), pixels[..., 3:]])


def alpha(pixels: np.ndarray) -> np.ndarray | None:
    """Returns the alpha of pixels [height, width, 3 | 4] as uint8 [height, width]; None if all are opaque."""
    if pixels.shape[-1] < 4:
        return None
    levels = np.rint(pixels[..., 3]).astype(np.uint8)
    return None if levels.min() == 255 else levels
