"""Picture files and PIL images to pixels: upright (EXIF orientation), in sRGB (embedded ICC profile), with alpha.

Pillow decodes the files, but gives 8 bits a channel of a colour PNG or TIFF that has 16, or a HEIC that has 10.
TensorFlow (PNG), tifffile (TIFF) or pillow-heif (HEIC) decodes these again for all bits. A large file is not decoded
whole if its format allows that.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageFile
import PIL.ImageOps
import PIL.TiffImagePlugin
import tensorflow as tf
import tifffile

from nst_keras.images import bands
from nst_keras.images.formats import heif_levels, opening, profiles, tiffs

__all__ = ["Raster", "from_pil", "opened"]

_DEEP_GREY_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_PHOTOMETRIC_RGB = 2  # A value of TIFF's tag PhotometricInterpretation.
_UNUSABLE_PROFILE = "its colour profile is not one of curves and a matrix"
_NO_PROFILE = "it has a wide gamut or HDR, and no ICC profile"
_HIGH_BITS: dict[str | None, str] = {
    "HEIF": "10 or 12",
    "AVIF": "10 or 12",
}  # Bits a channel of a deep picture; 16 in other formats.

# Turns pixels upright, by their EXIF orientation; 1 is upright.
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
        return _UPRIGHT.get(self.orientation, np.asarray)(pixels)


@contextlib.contextmanager
def opened(
    path: str | os.PathLike[str], *, longest_side: int | None = None, argument: str = "image", name: str | None = None
) -> Iterator[Raster]:
    """Opens a picture for the length of a block.

    A large TIFF is decoded strip by strip or tile by tile as `rows` is called. A large JPEG that will be reduced is
    decoded at a half, a quarter or an eighth of its size, but no smaller than twice `longest_side`. All others are
    decoded whole.

    Some files with more than 8 bits a channel are read at 8, with a warning: a TIFF whose compression needs the package
    `imagecodecs`, a picture whose colour profile holds tables, or an AVIF.

    Args:
        path: A file that Pillow reads.
        longest_side: Pixels of the longer side to which the caller will reduce the picture. None: its own size.
        argument: The argument that error messages name.
        name: The file's name in error messages, such as the URL that it came from. Default: its path.

    Yields:
        The picture.

    Raises:
        OSError: The file cannot be read.
        ValueError: Not an image, damaged, too large to decode, or of an unknown range. `rows` may raise it too.
        ImportError: HEIC or AVIF, and the package that reads it is not installed.
    """
    with opening.translated(path, argument=argument, name=name) as found, tiffs.opened(found) as tiff:
        if tiff is not None and bands.is_large(*tiff.size):
            opening.check_size(*_reduced(tiff.size, longest_side))
            yield _raster_of_tiff(tiff, argument)
            return
    with opening.opened(path, argument=argument, name=name) as picture:
        yield _raster_of_file(picture, longest_side, argument)


def from_pil(picture: PIL.Image.Image, *, argument: str = "image") -> Raster:
    """Returns the pixels of a PIL image, upright.

    Args:
        picture: An image of any mode but F. Its `rows` raises `ValueError` for floats and for integers beyond 16 bits.
        argument: The argument that error messages name.
    """
    return _raster_of(PIL.ImageOps.exif_transpose(picture), argument)


def _reduced(size: tuple[int, int], longest_side: int | None) -> tuple[int, int]:
    """Returns about the height and width to which a picture is reduced."""
    scale = 1 if longest_side is None else min(1, longest_side / max(size))
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)


def _raster_of_tiff(tiff: tiffs.TiffRows, argument: str) -> Raster:
    """Returns the rows of a large TIFF. Its first row is read at once, for the warning to come before all others."""
    rows = functools.partial(_tiff_rows, tiff, argument)
    first = tiff.read(0, 1)
    if first.dtype == np.uint16 and first.shape[-1] > 1 and _levels_to_srgb(first, tiff.profile) is None:
        _warn_of_eight_bits(argument, _UNUSABLE_PROFILE)
    return _turned(Raster(tiff.size, tiff.size, rows), tiff.orientation)


def _turned(raster: Raster, orientation: int) -> Raster:
    """Returns the raster with the orientation of its file, by which `loading` turns it upright."""
    raster = raster._replace(orientation=orientation)
    return raster._replace(own_size=raster.own_size[::-1]) if raster.is_turned else raster


def _tiff_rows(tiff: tiffs.TiffRows, argument: str, top: int, bottom: int) -> np.ndarray:
    """Returns rows of a large TIFF, float32 in sRGB, 0..255."""
    levels = tiff.read(top, bottom)
    if levels.dtype == np.uint16:
        if levels.shape[-1] == 1:
            return levels.astype(np.float32) / 257
        pixels = _levels_to_srgb(levels, tiff.profile)
        if pixels is not None:
            return pixels
        levels = (levels >> 8).astype(np.uint8)
    picture = PIL.Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    picture.info["icc_profile"] = tiff.profile
    return _pixels(picture, argument)


def _raster_of_file(picture: PIL.ImageFile.ImageFile, longest_side: int | None, argument: str) -> Raster:
    if heif_levels.unusual_colours(picture):
        warnings.warn(f"{argument}: {_NO_PROFILE}; taken as sRGB. Its colours may be off.", stacklevel=2)
    stored_orientation = _orientation(picture)
    own_size = picture.height, picture.width
    is_draft = False
    if longest_side is not None and bands.is_large(*own_size):
        height, width = _reduced(own_size, 2 * longest_side)
        is_draft = picture.draft(None, (width, height)) is not None  # None for other formats than JPEG.
    picture.load()  # Raises if the file is cut short, so that the other decoders need not check.
    levels = _decoded_at_16_bits(picture, argument)
    if levels is not None:
        rows = functools.partial(_rows_of_levels, levels, picture.info.get("icc_profile"))
        return _turned(Raster(levels.shape[:2], levels.shape[:2], rows), stored_orientation)
    raster = _raster_of(picture, argument)
    raster = raster._replace(own_size=own_size) if is_draft else raster
    return _turned(raster, _orientation(picture))  # A TIFF is upright by now.


def _orientation(picture: PIL.Image.Image) -> int:
    return picture.getexif().get(PIL.ExifTags.Base.Orientation, 1)


def _rows_of_levels(levels: np.ndarray, profile: bytes | None, top: int, bottom: int) -> np.ndarray:
    pixels = _levels_to_srgb(levels[top:bottom], profile)
    assert pixels is not None  # `_decoded_at_16_bits` has tried the profile.
    return pixels


def _raster_of(picture: PIL.Image.Image, argument: str) -> Raster:
    width, height = picture.size

    def rows(top: int, bottom: int) -> np.ndarray:
        """Returns the pixels of the rows from `top` to before `bottom`."""
        is_whole = (top, bottom) == (0, height)
        return _pixels(picture if is_whole else picture.crop((0, top, width, bottom)), argument)

    return Raster((height, width), (height, width), rows)


def _pixels(picture: PIL.Image.Image, argument: str) -> np.ndarray:
    """Returns float32 [height, width, 1 | 3 | 4] of a PIL image as stored, not turned upright."""
    if picture.mode in _DEEP_GREY_MODES:
        levels = np.asarray(picture)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError(f"{argument} holds values in {levels.min()}..{levels.max()}. Give 8 or 16 bits a channel.")
        return levels[..., np.newaxis].astype(np.float32) / 257
    if picture.mode == "F":
        raise ValueError(f"{argument} holds floats of an unknown range. Load it yourself, and give an array in 0..255.")
    if picture.mode == "RGBa":  # Colours multiplied by their alpha.
        picture = picture.convert("RGBA")
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA", "PA") else None
    colour = profiles.picture_to_srgb(picture.convert(picture.mode[:-1]) if alpha else picture, argument=argument)
    return np.asarray(PIL.Image.merge("RGBA", (*colour.split(), alpha)) if alpha else colour, np.float32)


def _decoded_at_16_bits(picture: PIL.ImageFile.ImageFile, argument: str) -> np.ndarray | None:
    """Decodes a file of more than 8 bits a channel to uint16 [height, width, 3 | 4].

    Returns None for other files, and after a warning for those whose bits cannot be decoded or converted to sRGB.
    """
    if picture.format not in _DEEP_DECODERS:
        return None
    is_deep, decode = _DEEP_DECODERS[picture.format]
    if not is_deep(picture):
        return None
    try:
        levels = decode(os.fsdecode(picture.filename))
    except Exception as error:  # Whatever it is, Pillow has read the picture at 8 bits.
        reason = str(error)
    else:
        if _levels_to_srgb(levels[:1], picture.info.get("icc_profile")) is not None:
            return levels
        reason = _UNUSABLE_PROFILE
    _warn_of_eight_bits(argument, reason, _HIGH_BITS.get(picture.format, "16"))
    return None


def _warn_of_eight_bits(argument: str, reason: str, bits: str = "16") -> None:
    warnings.warn(f"{argument}: read at 8 bits a channel instead of {bits} ({reason}).", stacklevel=2)


def _levels_to_srgb(levels: np.ndarray, profile: bytes | None) -> np.ndarray | None:
    """Converts uint16 [height, width, 3 | 4] to float32 in sRGB, 0..255; None if only Pillow knows the profile."""
    colour = profiles.sixteen_bits_to_srgb(levels[..., :3], profile)
    if colour is None or levels.shape[-1] == 3:
        return colour
    return np.concatenate([colour, levels[..., 3:].astype(np.float32) / 257], axis=-1)


def _is_deep_png(picture: PIL.ImageFile.ImageFile) -> bool:
    """Whether a PNG holds colours, or grey with alpha, of 16 bits. Pillow itself reads 16 bits of grey alone."""
    with open(picture.filename, "rb") as file:
        depth, colour_type = file.read(26)[24:]
    return depth == 16 and colour_type != 0


def _decode_png(path: str) -> np.ndarray:
    """Decodes a PNG to uint16 [height, width, 4]."""
    return tf.io.decode_png(tf.io.read_file(path), channels=4, dtype=tf.uint16).numpy()


def _is_deep_tiff(picture: PIL.TiffImagePlugin.TiffImageFile) -> bool:
    """Whether a TIFF holds RGB of 16 bits."""
    bits = picture.tag_v2.get(PIL.ExifTags.Base.BitsPerSample)
    photometric = picture.tag_v2.get(PIL.ExifTags.Base.PhotometricInterpretation)
    return photometric == _PHOTOMETRIC_RGB and set(bits or ()) == {16}


def _decode_tiff(path: str) -> np.ndarray:
    """Decodes the first page of a TIFF to uint16 [height, width, 3 | 4], without channels that are not alpha."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        levels = tiffs.channels_last(page.asarray(squeeze=False)[:, 0])
    return tiffs.colours(levels, page.extrasamples)


# {Pillow's name of a format: (tests whether Pillow would drop some of a file's bits, decodes them all)}.
_DEEP_DECODERS: dict[str | None, tuple[Callable[[Any], bool], Callable[[str], np.ndarray]]] = {
    "PNG": (_is_deep_png, _decode_png),
    "TIFF": (_is_deep_tiff, _decode_tiff),
    "HEIF": (heif_levels.is_deep, heif_levels.decode),
    "AVIF": (heif_levels.has_deep_avif, heif_levels.decode_avif),
}
