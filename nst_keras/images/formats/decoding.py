"""Picture files and PIL images to pixels: upright (EXIF orientation), in sRGB (embedded ICC profile), with alpha.

Pillow decodes the files; `deep` decodes those again of which Pillow would give 8 bits instead of 16. A large file is
not decoded whole if its format allows that.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import warnings
from collections.abc import Iterator

import numpy as np
import PIL.Image
import PIL.ImageFile
import PIL.JpegImagePlugin

from nst_keras.images import bands
from nst_keras.images.formats import deep, greys, heif_levels, jpegs, limits, opening, profiles, rasters, tiffs

__all__ = ["from_pil", "opened"]

_NO_PROFILE = "it has a wide gamut or HDR, and no ICC profile"
_UNKNOWN_RANGE = "of an unknown range. Load it yourself, and give an array in 0..255."


@contextlib.contextmanager
def opened(
    path: str | os.PathLike[str], *, longest_side: int | None = None, argument: str = "image", name: str | None = None
) -> Iterator[rasters.Raster]:
    """Opens a picture for the length of a block.

    A large TIFF is decoded strip by strip or tile by tile as `rows` is called. A large JPEG that will be reduced is
    decoded at a half, a quarter or an eighth of its size, but no smaller than twice `longest_side`. All others are
    decoded whole.

    Some files with more than 8 bits a channel are read at 8, with a warning: a TIFF whose compression needs the package
    `imagecodecs`, a picture whose colour profile holds tables, or an AVIF.

    Args:
        path: A file of a format in `accepted`.
        longest_side: Pixels of the longer side to which the caller will reduce the picture. None: its own size.
        argument: The argument that error messages name.
        name: The file's name in error messages, such as the URL that it came from. Default: its path.

    Yields:
        The picture.

    Raises:
        OSError: The file cannot be read.
        ValueError: Not an image, damaged, too large to decode, or of an unknown range. `rows` may raise it too.
        MemoryError: The picture does not fit into memory.
        ImportError: HEIC or AVIF, and the package that reads it is not installed.
    """
    with opening.translated(path, argument=argument, name=name) as found, tiffs.opened(found) as tiff:
        if tiff is not None and tiff.unknown_numbers:
            raise ValueError(f"{argument} holds {tiff.unknown_numbers} {_UNKNOWN_RANGE}")
        if tiff is not None and (bands.is_large(*tiff.size) or tiff.is_beyond_pillow):
            limits.check_size(*_reduced(tiff.size, longest_side))
            limits.check_sides(*tiff.size)
            limits.check_rows(tiff.nbytes, os.path.getsize(found))
            yield _guarded(_raster_of_tiff(tiff, argument))
            return
    with opening.opened(path, argument=argument, name=name) as picture:
        yield _guarded(_raster_of_file(picture, longest_side, argument))


def from_pil(picture: PIL.Image.Image, *, argument: str = "image") -> rasters.Raster:
    """Returns the pixels of a PIL image, as its EXIF orientation turns them.

    Args:
        picture: An image of any mode but F. `greys.reader` says which values of the modes I and I;16 are white.
        argument: The argument that error messages name.

    Raises:
        ValueError: Floats, or integers below 0 or beyond 16 bits.
        OSError: It has no pixels, is closed, or its file is damaged. `rows` may raise it too.
    """
    with opening.decoder_errors():
        picture.load()
    if 0 in picture.size:
        raise OSError(f"it is {picture.width}x{picture.height} px")
    return _guarded(rasters.turned(_raster_of(picture, argument), rasters.orientation_of(picture)))


def _guarded(raster: rasters.Raster) -> rasters.Raster:
    """Returns a raster whose `rows` raises `OSError` for a damaged picture, whatever the decoder raises."""

    def rows(top: int, bottom: int) -> np.ndarray:
        """Returns the rows from `top` to before `bottom`."""
        with opening.decoder_errors():
            return raster.rows(top, bottom)

    return raster._replace(rows=rows)


def _reduced(size: tuple[int, int], longest_side: int | None) -> tuple[int, int]:
    """Returns about the height and width to which a picture is reduced."""
    scale = 1 if longest_side is None else min(1, longest_side / max(size))
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)


def _raster_of_tiff(tiff: tiffs.TiffRows, argument: str) -> rasters.Raster:
    """Returns the rows of a large TIFF. Its first row is read at once, for the warning to come before all others."""
    rows = functools.partial(_tiff_rows, tiff, argument)
    with opening.decoder_errors():
        first = tiff.read(0, 1)
    if first.dtype == np.uint16 and first.shape[-1] > 1 and deep.to_srgb(first, tiff.profile) is None:
        deep.warn_of_eight_bits(argument, deep.UNUSABLE_PROFILE)
    return rasters.turned(rasters.Raster(tiff.size, tiff.size, rows), tiff.orientation)


def _tiff_rows(tiff: tiffs.TiffRows, argument: str, top: int, bottom: int) -> np.ndarray:
    """Returns rows of a large TIFF, float32 in sRGB, 0..255."""
    levels = tiff.read(top, bottom)
    if levels.dtype == np.uint16:
        if levels.shape[-1] == 1:
            return levels.astype(np.float32) / 257
        pixels = deep.to_srgb(levels, tiff.profile)
        if pixels is not None:
            return pixels
        levels = (levels >> 8).astype(np.uint8)
    picture = PIL.Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    picture.info["icc_profile"] = tiff.profile
    return _pixels(picture, argument)


def _raster_of_file(picture: PIL.ImageFile.ImageFile, longest_side: int | None, argument: str) -> rasters.Raster:
    if heif_levels.unusual_colours(picture):
        warnings.warn(f"{argument}: {_NO_PROFILE}; taken as sRGB. Its colours may be off.", stacklevel=2)
    stored_orientation = rasters.orientation_of(picture)
    own_size = picture.height, picture.width
    with opening.decoder_errors():
        is_draft = _decode(picture, longest_side)
    levels = deep.decoded(picture, argument)
    if levels is not None:
        rows = functools.partial(_rows_of_levels, levels, picture.info.get("icc_profile"))
        return rasters.turned(rasters.Raster(levels.shape[:2], levels.shape[:2], rows), stored_orientation)
    raster = _raster_of(picture, argument)
    raster = raster._replace(own_size=own_size) if is_draft else raster
    return rasters.turned(raster, rasters.orientation_of(picture))  # A TIFF is upright by now.


def _decode(picture: PIL.ImageFile.ImageFile, longest_side: int | None) -> bool:
    """Decodes a file with Pillow, and returns whether it is decoded at a reduced size.

    It raises if the file is cut short, so that the other decoders need not check.
    """
    is_draft = False
    size = picture.height, picture.width
    deep.check_cost(picture)
    if isinstance(picture, PIL.JpegImagePlugin.JpegImageFile):
        if longest_side is not None and bands.is_large(*size):
            limits.check_drafted(*size)
            height, width = _reduced(size, 2 * longest_side)
            is_draft = picture.draft(None, (width, height)) is not None
        limits.check_size(picture.height, picture.width)
        jpegs.load(picture)
    else:
        picture.load()
    return is_draft


def _rows_of_levels(levels: np.ndarray, profile: bytes | None, top: int, bottom: int) -> np.ndarray:
    pixels = deep.to_srgb(levels[top:bottom], profile)
    assert pixels is not None  # `deep.decoded` has tried the profile.
    return pixels


def _raster_of(picture: PIL.Image.Image, argument: str) -> rasters.Raster:
    """Returns the pixels of a decoded image as stored, not turned upright."""
    width, height = picture.size
    if picture.mode == "F":
        raise ValueError(f"{argument} holds floats {_UNKNOWN_RANGE}")
    is_grey = picture.mode in greys.MODES
    pixels = greys.reader(picture, argument) if is_grey else functools.partial(_pixels, argument=argument)

    def rows(top: int, bottom: int) -> np.ndarray:
        """Returns the pixels of the rows from `top` to before `bottom`."""
        is_whole = (top, bottom) == (0, height)
        return pixels(picture if is_whole else picture.crop((0, top, width, bottom)))

    return rasters.Raster((height, width), (height, width), rows)


def _pixels(picture: PIL.Image.Image, argument: str) -> np.ndarray:
    """Returns float32 [height, width, 3 | 4] of a PIL image of 8 bits as stored, not turned upright."""
    if picture.mode == "RGBa":  # Colours multiplied by their alpha.
        picture = picture.convert("RGBA")
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA", "PA") else None
    colour = profiles.picture_to_srgb(picture.convert(picture.mode[:-1]) if alpha else picture, argument=argument)
    return np.asarray(PIL.Image.merge("RGBA", (*colour.split(), alpha)) if alpha else colour, np.float32)
