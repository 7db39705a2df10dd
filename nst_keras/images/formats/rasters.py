"""The form in which every picture is read: rows of pixels on demand, and how they are turned upright."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import PIL.ExifTags
import PIL.Image

__all__ = ["Raster", "orientation_of", "turned"]

# Turns pixels upright, by their EXIF orientation; 1 is upright.
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: np.asarray,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


class Raster(NamedTuple):
    """The pixels of a picture, decoded when `rows` is called.

    Attributes:
        size: Height and width of the pixels that `rows` returns.
        own_size: Height and width of the upright picture, before the decoder reduced it.
        rows: `rows(top, bottom)` returns the rows from `top` to before `bottom`: float32 [bottom - top, width,
            1 | 3 | 4], grey, RGB or RGBA, in sRGB, 0..255, with fractions if the file has 16 bits. Call it from top to
            bottom.
        orientation: EXIF's number for these rows, 1 to 8; 1 is upright.
    """

    size: tuple[int, int]
    own_size: tuple[int, int]
    rows: Callable[[int, int], np.ndarray]
    orientation: int = 1

    @property
    def is_turned(self) -> bool:
        """Whether its rows become columns when it is made upright."""
        return self.orientation in (5, 6, 7, 8)

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """Returns pixels [height, width, channels] turned upright."""
        return _UPRIGHT[self.orientation](pixels)


def orientation_of(picture: PIL.Image.Image) -> int:
    """Returns the orientation in a picture's EXIF, 1 to 8; 1 if it has none or if its EXIF is damaged."""
    try:
        orientation = picture.getexif().get(PIL.ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises anything for garbage, and the pixels are good.
        return 1
    return orientation if isinstance(orientation, int) and orientation in _UPRIGHT else 1


def turned(raster: Raster, orientation: int) -> Raster:
    """Returns the raster with the orientation of its file, by which `loading` turns it upright."""
    raster = raster._replace(orientation=orientation)
    return raster._replace(own_size=raster.own_size[::-1]) if raster.is_turned else raster
