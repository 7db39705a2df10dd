"""Arrays of pixels in levels of 0..255: checks, and compositing on a background."""

from __future__ import annotations

import numpy as np
import PIL.ImageColor

__all__ = ["alpha", "checked", "of_rows", "on_background"]


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
    if pixels.dtype == np.uint16:
        return pixels
    if pixels.dtype == bool or not np.issubdtype(pixels.dtype, np.number) or np.iscomplexobj(pixels):
        raise ValueError(f"{argument} must hold numbers in 0..255, but an array of {pixels.dtype} was given.")
    lowest, highest = pixels.min(), pixels.max()
    if not (lowest >= 0 and highest <= 255):
        raise ValueError(f"{argument} must hold values in 0..255, but {lowest}..{highest} was given.")
    if np.issubdtype(pixels.dtype, np.floating) and 0 < highest <= 1:
        raise ValueError(f"{argument} must hold values in 0..255, but floats in 0..1 were given. Multiply by 255.")
    return pixels


def of_rows(pixels: np.ndarray) -> np.ndarray:
    """Returns rows of a `checked` array as float32 in 0..255; a level of 8 bits is 257 of uint16."""
    return pixels.astype(np.float32) / 257 if pixels.dtype == np.uint16 else pixels.astype(np.float32, copy=False)


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
