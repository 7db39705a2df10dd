"""Grey of more than 8 bits in PIL images: which value is white, and which is transparent."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import PIL.ExifTags
import PIL.Image

__all__ = ["MODES", "reader"]

MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_WHITE_IS_ZERO = 0  # A value of TIFF's tag PhotometricInterpretation.


def reader(picture: PIL.Image.Image, argument: str) -> Callable[[PIL.Image.Image], np.ndarray]:
    """Returns a function of this picture, or of a part of it, to its pixels.

    Mode `I;16` holds 0..65535, as an array of uint16 does; less if the TIFF that it comes from has fewer bits. Mode `I`
    holds 0..255, as other arrays of integers do, but 0..65535 if a value is above 255 or if it comes from a PNG.

    Args:
        picture: A decoded image of one of `MODES`.
        argument: The argument that the error names.

    Returns:
        A function to float32 [height, width, 1 | 4], grey or RGBA, 0..255.

    Raises:
        ValueError: Values below 0 or above 65535.
    """
    tags = getattr(picture, "tag_v2", {})
    white = _white(picture, tags, argument)
    is_inverted = tags.get(PIL.ExifTags.Base.PhotometricInterpretation) == _WHITE_IS_ZERO
    transparent = picture.info.get("transparency")

    def pixels(part: PIL.Image.Image) -> np.ndarray:
        """Returns the pixels of a part of the picture, float32 [height, width, 1 | 4], 0..255."""
        levels = np.asarray(part)[..., np.newaxis]
        grey = (white - levels if is_inverted else levels).astype(np.float32) / np.float32(white / 255)
        if not isinstance(transparent, int):
            return grey
        return np.concatenate([grey, grey, grey, np.where(levels == transparent, 0, 255)], axis=-1, dtype=np.float32)

    return pixels


def _white(picture: PIL.Image.Image, tags: dict, argument: str) -> int:
    """Returns the value that stands for white."""
    if picture.mode != "I":
        (bits, *_) = tags.get(PIL.ExifTags.Base.BitsPerSample, (16,))
        return 2**bits - 1
    lowest, highest = cast("tuple[float, float]", picture.getextrema())
    if lowest < 0 or highest > 65535:
        raise ValueError(f"{argument} holds values in {lowest}..{highest}. Give 8 or 16 bits a channel.")
    return 65535 if highest > 255 or picture.format == "PNG" else 255
