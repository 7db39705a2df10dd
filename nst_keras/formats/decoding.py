"""Picture files and PIL images to pixels: upright (EXIF orientation), in sRGB (embedded ICC profile), alpha kept.

Files are decoded with Pillow. Of a colour PNG or TIFF with 16 bits a channel it gives 8; these are decoded once more,
by TensorFlow or tifffile, for all 16.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
import tensorflow as tf
import tifffile

from nst_keras.formats import opening, profiles

__all__ = ["from_file", "from_pil"]

_SIXTEEN_BIT_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PHOTOMETRIC_RGB = 258, 262, 2  # Tags of a TIFF.

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


def from_file(path: str | os.PathLike, *, argument: str = "image", name: str | None = None) -> np.ndarray:
    """Decodes a picture.

    Where the 16 bits of a file cannot be had, a warning says so, and 8 are read: a TIFF whose compression needs the
    package `imagecodecs`, or a colour profile of tables.

    Args:
        path: Of a file that Pillow reads.
        argument: How errors name the picture.
        name: How errors name the file, such as the URL that it came from; None for its path.

    Returns:
        float32 [height, width, 1 | 3 | 4], grey, RGB or RGBA, in sRGB, 0..255; with fractions if of 16 bits.

    Raises:
        OSError: The file cannot be read.
        ValueError: Not an image, damaged, too large to decode, or of an unknown range.
    """
    with opening.opened(path, argument=argument, name=name) as picture:
        orientation = picture.getexif().get(PIL.ExifTags.Base.Orientation, 1)  # Pillow forgets it when it decodes.
        picture.load()  # Also tells whether the file is whole, so that the other decoders need not.
        pixels = _sixteen_bits(picture, argument)
        if pixels is None:
            return from_pil(picture, argument=argument)
        return _UPRIGHT.get(orientation, np.asarray)(pixels)


def from_pil(picture: PIL.Image.Image, *, argument: str = "image") -> np.ndarray:
    """Pixels of a PIL image.

    Args:
        picture: Of any mode but F.
        argument: How errors name the picture.

    Returns:
        float32 [height, width, 1 | 3 | 4], grey, RGB or RGBA, in sRGB, 0..255.

    Raises:
        ValueError: Floats, or integers beyond 16 bits.
    """
    picture = PIL.ImageOps.exif_transpose(picture)
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
    """Pixels with all 16 bits, not yet upright; None where there are none, or, after a warning, cannot be had."""
    holds_them, decode = _SIXTEEN_BITS.get(picture.format, (None, None))
    if decode is None or not holds_them(picture):
        return None
    try:
        levels = decode(picture.filename)
    except Exception as error:  # Whatever it is, Pillow has read the picture.
        reason = str(error)
    else:
        colour = profiles.sixteen_bits_to_srgb(levels[..., :3], picture.info.get("icc_profile"))
        if colour is not None:
            return np.concatenate([colour, levels[..., 3:].astype(np.float32) / 257], axis=-1)
        reason = "its colour profile is not one of curves and a matrix"
    warnings.warn(f"{argument}: 8 of its 16 bits a channel are read ({reason}).", stacklevel=2)
    return None


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
    if extra == (tifffile.EXTRASAMPLE.ASSOCALPHA,):  # Colours that are multiplied by it.
        alpha = np.maximum(levels[..., 3:], 1)
        colour = np.minimum(np.rint(levels[..., :3] * (65535 / alpha)), 65535)
        return np.concatenate([colour.astype(np.uint16), levels[..., 3:]], axis=-1)
    return levels[..., :3] if extra == (tifffile.EXTRASAMPLE.UNSPECIFIED,) else levels


# By Pillow's name of the format: whether a file has 16 bits that Pillow does not give, and who gives them.
_SIXTEEN_BITS = {"PNG": (_is_deep_png, _decode_png), "TIFF": (_is_deep_tiff, _decode_tiff)}
