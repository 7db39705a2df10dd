"""Colours of more than 8 bits a channel, of which Pillow gives 8.

TensorFlow (PNG), tifffile (TIFF) and pillow-heif (HEIC) decode such a file again for all of its bits.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.ExifTags
import PIL.ImageFile
import PIL.TiffImagePlugin
import tensorflow as tf
import tifffile

from nst_keras.images.formats import heif_levels, limits, pngs, profiles, tiffs

__all__ = ["UNUSABLE_PROFILE", "check_cost", "decoded", "to_srgb", "warn_of_eight_bits"]

UNUSABLE_PROFILE = "its colour profile is not one of curves and a matrix"
_PHOTOMETRIC_RGB = 2  # A value of TIFF's tag PhotometricInterpretation.
_PNG_BYTES = 8  # A pixel of RGBA.
_HIGH_BITS: dict[str | None, str] = {
    "HEIF": "10 or 12",
    "AVIF": "10 or 12",
}  # Bits a channel of a deep picture; 16 in other formats.


def decoded(picture: PIL.ImageFile.ImageFile, argument: str) -> np.ndarray | None:
    """Decodes a file of more than 8 bits a channel to uint16 [height, width, 3 | 4].

    Returns None for other files, and after a warning for those whose bits cannot be decoded or converted to sRGB.
    """
    if picture.format not in _DECODERS:
        return None
    is_deep, decode = _DECODERS[picture.format]
    if not is_deep(picture):
        return None
    try:
        levels = decode(os.fsdecode(picture.filename))
    except limits.TooLargeError:
        raise
    except Exception as error:  # Whatever it is, Pillow has read the picture at 8 bits.
        reason = str(error)
    else:
        if to_srgb(levels[:1], picture.info.get("icc_profile")) is not None:
            return levels
        reason = UNUSABLE_PROFILE
    warn_of_eight_bits(argument, reason, _HIGH_BITS.get(picture.format, "16"))
    return None


def warn_of_eight_bits(argument: str, reason: str, bits: str = "16") -> None:
    """Warns that a picture is read at 8 bits a channel."""
    warnings.warn(f"{argument}: read at 8 bits a channel instead of {bits} ({reason}).", stacklevel=2)


def to_srgb(levels: np.ndarray, profile: bytes | None) -> np.ndarray | None:
    """Converts uint16 [height, width, 3 | 4] to float32 in sRGB, 0..255; None if only Pillow knows the profile."""
    colour = profiles.sixteen_bits_to_srgb(levels[..., :3], profile)
    if colour is None or levels.shape[-1] == 3:
        return colour
    return np.concatenate([colour, levels[..., 3:].astype(np.float32) / 257], axis=-1)


def check_cost(picture: PIL.ImageFile.ImageFile) -> None:
    """Raises `limits.TooLargeError` for a deep PNG that unpacks to far more than a photograph does."""
    if picture.format == "PNG" and _is_deep_png(picture):
        limits.check_at_once(picture.width * picture.height * _PNG_BYTES, os.path.getsize(picture.filename))


def _is_deep_png(picture: PIL.ImageFile.ImageFile) -> bool:
    """Whether a PNG holds colours, or grey with alpha, of 16 bits. Pillow itself reads 16 bits of grey alone."""
    with open(picture.filename, "rb") as file:
        depth, colour_type = file.read(26)[24:]
    return depth == 16 and colour_type != 0


def _decode_png(path: str) -> np.ndarray:
    """Decodes a PNG to uint16 [height, width, 4]."""
    return tf.io.decode_png(pngs.reduced(path), channels=4, dtype=tf.uint16).numpy()


def _is_deep_tiff(picture: PIL.TiffImagePlugin.TiffImageFile) -> bool:
    """Whether a TIFF holds RGB of 16 bits."""
    bits = picture.tag_v2.get(PIL.ExifTags.Base.BitsPerSample)
    photometric = picture.tag_v2.get(PIL.ExifTags.Base.PhotometricInterpretation)
    return photometric == _PHOTOMETRIC_RGB and set(bits or ()) == {16}


def _decode_tiff(path: str) -> np.ndarray:
    """Decodes the first page of a TIFF to uint16 [height, width, 3 | 4], without channels that are not alpha."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        limits.check_at_once(page.nbytes, os.path.getsize(path))
        levels = tiffs.channels_last(page.asarray(squeeze=False)[:, 0])
    return tiffs.colours(levels, page.extrasamples)


# {Pillow's name of a format: (tests whether Pillow would drop some of a file's bits, decodes them all)}.
_DECODERS: dict[str | None, tuple[Callable[[Any], bool], Callable[[str], np.ndarray]]] = {
    "PNG": (_is_deep_png, _decode_png),
    "TIFF": (_is_deep_tiff, _decode_tiff),
    "HEIF": (heif_levels.is_deep, heif_levels.decode),
    "AVIF": (heif_levels.has_deep_avif, heif_levels.decode_avif),
}
