"""What Pillow drops of a HEIF file: more than 8 bits a channel, and colours that no ICC profile describes.

pillow-heif decodes all bits of a HEIC picture. Nothing here does so for AVIF.
"""

from __future__ import annotations

import os
import struct

import numpy as np
import PIL.Image
import PIL.ImageFile

from nst_keras.images.formats import accepted

__all__ = ["decode", "decode_avif", "has_deep_avif", "is_deep", "unusual_colours"]

# Bytes at a file's beginning that hold the description of its pictures, with room to spare.
_DESCRIPTION = 65_536
# Numbers of ITU-T H.273: colours of BT.709 and sRGB, and curves that are theirs or nearly so; 2 is "unspecified".
_USUAL_PRIMARIES = {1, 2}
_USUAL_CURVES = {1, 2, 6, 13, 14, 15}


def is_deep(picture: PIL.Image.Image) -> bool:
    """Returns whether a HEIC picture holds more than 8 bits a channel."""
    return picture.info.get("bit_depth", 8) > 8


def decode(path: str) -> np.ndarray:
    """Decodes a HEIC picture of 10 or 12 bits a channel, upright.

    Returns:
        uint16 [height, width, 3 | 4], 0..65535, with straight alpha.
    """
    import pillow_heif  # noqa: PLC0415  Optional, and needed for such a file alone.

    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=False)
    levels = np.asarray(file)
    bits = file.info["bit_depth"]
    # The decoder fills up with zeros: white of 10 bits would be 65472.
    levels = np.rint((levels >> (16 - bits)) * (65535 / (2**bits - 1)))
    if levels.ndim == 2:
        levels = np.repeat(levels[..., np.newaxis], 3, axis=-1)
    if file.premultiplied_alpha:
        alpha = np.maximum(levels[..., 3:], 1)
        levels = np.concatenate([np.minimum(levels[..., :3] * (65535 / alpha), 65535), levels[..., 3:]], axis=-1)
    return np.rint(levels).astype(np.uint16)


def has_deep_avif(picture: PIL.ImageFile.ImageFile) -> bool:
    """Returns whether an AVIF picture holds more than 8 bits a channel."""
    # AV1 Codec ISO Media File Format Binding, 2.3.3: the third byte begins with seq_tier_0 and high_bitdepth.
    _, found, configuration = _description(picture).partition(b"av1C")
    return bool(found) and len(configuration) > 2 and bool(configuration[2] & 0x40)


def decode_avif(path: str) -> np.ndarray:
    """Raises `ValueError`, since nothing here decodes AVIF at more than 8 bits a channel."""
    raise ValueError("Pillow decodes AVIF at 8")


def unusual_colours(picture: PIL.ImageFile.ImageFile) -> bool:
    """Returns whether a HEIF file has colours of a wide gamut or of HDR, and no ICC profile to convert them by."""
    if picture.format not in ("HEIF", "AVIF") or picture.info.get("icc_profile"):
        return False
    # ISO/IEC 14496-12, 12.1.5: ColourInformationBox.
    _, found, numbers = _description(picture).partition(b"colrnclx")
    if not found or len(numbers) < 4:
        return False
    primaries, curve = struct.unpack_from(">HH", numbers)
    return primaries not in _USUAL_PRIMARIES or curve not in _USUAL_CURVES


def _description(picture: PIL.ImageFile.ImageFile) -> bytes:
    return accepted.head(os.fsdecode(picture.filename), _DESCRIPTION)
