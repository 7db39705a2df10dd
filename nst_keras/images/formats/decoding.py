"""Picture files and PIL images to pixels: upright (EXIF orientation), in sRGB (embedded ICC profile), alpha kept.

Files are decoded with Pillow. Of a colour PNG or TIFF with 16 bits a channel it gives 8; these are decoded once more,
by TensorFlow or tifffile, for all 16. What is large is not decoded whole where its format allows that.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
import tensorflow as tf
import tifffile

from nst_keras.images import bands
from nst_keras.images.formats import opening, profiles, tiffs

__all__ = ["Raster", "from_pil", "opened"]

_SIXTEEN_BIT_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PHOTOMETRIC_RGB = 258, 262, 2  # Tags of a TIFF.
_TABLES = "its colour profile is not one of curves and a matrix"

# What makes a picture upright, by its EXIF orientation; 1 is upright.
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


class Raster(NamedTuple):
    """Pixels of a picture, decoded as they are asked for.

    Attributes:
        size: Height and width of what `rows` gives.
        own_size: Those of the picture, upright, which the decoder may have reduced.
        rows: Called with a row and the row behind the last, from top to bottom, gives float32 [their number, width,
            1 | 3 | 4], grey, RGB or RGBA, in sRGB, 0..255; with fractions if of 16 bits.
        orientation: EXIF's, of what `rows` gives; 1 is upright.
    """

    size: tuple[int, int]
    own_size: tuple[int, int]
    rows: Callable[[int, int], np.ndarray]
    orientation: int = 1

    @property
    def is_turned(self) -> bool:
        """Whether its rows are columns, once it is upright."""
        return self.orientation in (5, 6, 7, 8)

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """Turns pixels [height, width, channels] as they are to be seen."""
        return _UPRIGHT.get(self.orientation, np.asarray)(pixels)


@contextlib.contextmanager
def opened(
    path: str | os.PathLike, *, longest_side: int | None = None, argument: str = "image", name: str | None = None
) -> Iterator[Raster]:
    """Opens a picture for the length of a block.

    Of a large TIFF the strips or tiles are decoded as its rows are asked for. A large JPEG that is to be reduced is
    decoded at a half, a quarter or an eighth, twice as large as it is to be or larger. All others are decoded whole.

    Where the 16 bits of a file cannot be had, a warning says so, and 8 are read: a TIFF whose compression needs the
    package `imagecodecs`, or a colour profile of tables.

    Args:
        path: Of a file that Pillow reads.
        longest_side: What the picture is to be reduced to; None keeps its size.
        argument: How errors name the picture.
        name: How errors name the file, such as the URL that it came from; None for its path.

    Yields:
        The picture.

    Raises:
        OSError: The file cannot be read.
        ValueError: Not an image, damaged, too large to decode, or of an unknown range; `rows` raises it, too.
    """
    with opening.told(path, argument=argument, name=name) as found, tiffs.opened(found) as tiff:
        if tiff is not None and bands.is_large(*tiff.size):
            opening.check_size(*_reduced(tiff.size, longest_side))
            yield _from_tiff(tiff, argument)
            return
    with opening.opened(path, argument=argument, name=name) as picture:
        yield _from_pillow(picture, longest_side, argument)


def from_pil(picture: PIL.Image.Image, *, argument: str = "image") -> Raster:
    """Pixels of a PIL image.

    Args:
        picture: Of any mode but F.
        argument: How errors name the picture.

    Returns:
        Its pixels, upright.

    Raises:
        ValueError: Floats, or integers beyond 16 bits; `rows` raises it.
    """
    return _of_picture(PIL.ImageOps.exif_transpose(picture), argument)


def _reduced(size: tuple[int, int], longest_side: int | None) -> tuple[int, int]:
    """The size that remains, nearly."""
    scale = 1 if longest_side is None else min(1, longest_side / max(size))
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)


def _from_tiff(tiff: tiffs.TiffRows, argument: str) -> Raster:
    rows = functools.partial(_rows_of_tiff, tiff, argument)
    first = tiff.read(0, 1)
    if first.dtype == np.uint16 and first.shape[-1] > 1 and _from_sixteen_bits(first, tiff.profile) is None:
        _warn_of_eight_bits(argument, _TABLES)
    return _turned(Raster(tiff.size, tiff.size, rows), tiff.orientation)


def _turned(raster: Raster, orientation: int) -> Raster:
    raster = raster._replace(orientation=orientation)
    return raster._replace(own_size=raster.own_size[::-1]) if raster.is_turned else raster


def _rows_of_tiff(tiff: tiffs.TiffRows, argument: str, top: int, bottom: int) -> np.ndarray:
    levels = tiff.read(top, bottom)
    if levels.dtype == np.uint16:
        if levels.shape[-1] == 1:
            return levels.astype(np.float32) / 257
        pixels = _from_sixteen_bits(levels, tiff.profile)
        if pixels is not None:
            return pixels
        levels = (levels >> 8).astype(np.uint8)
    picture = PIL.Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    picture.info["icc_profile"] = tiff.profile
    return _pixels(picture, argument)


def _from_pillow(picture: PIL.Image.Image, longest_side: int | None, argument: str) -> Raster:
    stored_orientation = _orientation(picture)
    own_size = picture.height, picture.width
    is_draft = False
    if longest_side is not None and bands.is_large(*own_size):
        height, width = _reduced(own_size, 2 * longest_side)
        is_draft = picture.draft(None, (width, height)) is not None  # Of other formats than JPEG there are none.
    picture.load()  # Also tells whether the file is whole, so that the other decoders need not.
    levels = _sixteen_bits(picture, argument)
    if levels is not None:
        rows = functools.partial(_rows_of_levels, levels, picture.info.get("icc_profile"))
        return _turned(Raster(levels.shape[:2], levels.shape[:2], rows), stored_orientation)
    raster = _of_picture(picture, argument)
    raster = raster._replace(own_size=own_size) if is_draft else raster
    return _turned(raster, _orientation(picture))  # A TIFF is upright by now.


def _orientation(picture: PIL.Image.Image) -> int:
    return picture.getexif().get(PIL.ExifTags.Base.Orientation, 1)


def _rows_of_levels(levels: np.ndarray, profile: bytes | None, top: int, bottom: int) -> np.ndarray:
    return _from_sixteen_bits(levels[top:bottom], profile)


def _of_picture(picture: PIL.Image.Image, argument: str) -> Raster:
    width, height = picture.size

    def rows(top: int, bottom: int) -> np.ndarray:
        """The pixels of the rows from one to before another."""
        is_whole = (top, bottom) == (0, height)
        return _pixels(picture if is_whole else picture.crop((0, top, width, bottom)), argument)

    return Raster((height, width), (height, width), rows)


def _pixels(picture: PIL.Image.Image, argument: str) -> np.ndarray:
    """float32 [height, width, 1 | 3 | 4] of a PIL image, not turned."""
    if picture.mode in _SIXTEEN_BIT_GREY:
        levels = np.asarray(picture)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError(f"{argument} holds values in {levels.min()}..{levels.max()}. Give 8 or 16 bits a channel.")
        return levels[..., np.newaxis].astype(np.float32) / 257
    if picture.mode == "F":
        raise ValueError(f"{argument} holds floats of an unknown range. Load it yourself, and give an array in 0..255.")
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA", "PA") else None
    colour = profiles.picture_to_srgb(picture.convert(picture.mode[:-1]) if alpha else picture, argument=argument)
    return np.asarray(PIL.Image.merge("RGBA", (*colour.split(), alpha)) if alpha else colour, np.float32)


def _sixteen_bits(picture: PIL.Image.Image, argument: str) -> np.ndarray | None:
    """uint16 [height, width, 3 | 4] of a file; None where there are none, or, after a warning, cannot be had."""
    holds_them, decode = _SIXTEEN_BITS.get(picture.format, (None, None))
    if decode is None or not holds_them(picture):
        return None
    try:
        levels = decode(picture.filename)
    except Exception as error:  # Whatever it is, Pillow has read the picture.
        reason = str(error)
    else:
        if _from_sixteen_bits(levels[:1], picture.info.get("icc_profile")) is not None:
            return levels
        reason = _TABLES
    _warn_of_eight_bits(argument, reason)
    return None


def _warn_of_eight_bits(argument: str, reason: str) -> None:
    warnings.warn(f"{argument}: 8 of its 16 bits a channel are read ({reason}).", stacklevel=2)


def _from_sixteen_bits(levels: np.ndarray, profile: bytes | None) -> np.ndarray | None:
    """float32 of uint16 [height, width, 3 | 4]; None for a profile that only 8 bits can be converted from."""
    colour = profiles.sixteen_bits_to_srgb(levels[..., :3], profile)
    if colour is None or levels.shape[-1] == 3:
        return colour
    return np.concatenate([colour, levels[..., 3:].astype(np.float32) / 257], axis=-1)


def _is_deep_png(picture: PIL.Image.Image) -> bool:
    """Whether a PNG holds colours, or grey with alpha, at 16 bits; 16 bits of grey alone Pillow reads itself."""
    with open(picture.filename, "rb") as file:
        depth, colour_type = file.read(26)[24:]
    return depth == 16 and colour_type != 0


def _decode_png(path: str) -> np.ndarray:
    """uint16 [height, width, 4]."""
    return tf.io.decode_png(tf.io.read_file(path), channels=4, dtype=tf.uint16).numpy()


def _is_deep_tiff(picture: PIL.Image.Image) -> bool:
    """Whether a TIFF holds RGB at 16 bits."""
    bits, photometric = (picture.tag_v2.get(tag) for tag in (_BITS_PER_SAMPLE, _PHOTOMETRIC))
    return photometric == _PHOTOMETRIC_RGB and set(bits or ()) == {16}


def _decode_tiff(path: str) -> np.ndarray:
    """uint16 [height, width, 3 | 4], of the first page; what is no alpha is left out."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        planes, extra = page.asarray(squeeze=False)[:, 0], page.extrasamples  # [planes, height, width, channels]
    levels = np.moveaxis(planes, 0, -1).reshape(*planes.shape[1:3], -1)
    return tiffs.colours(levels, extra)


# By Pillow's name of the format: whether a file has 16 bits that Pillow does not give, and who gives them.
_SIXTEEN_BITS = {"PNG": (_is_deep_png, _decode_png), "TIFF": (_is_deep_tiff, _decode_tiff)}
