"""Colour profiles (ICC): conversion of pictures to sRGB, and the sRGB profile itself.

Pillow converts 8 bits a channel. This module converts 16, for the kind of profile that cameras and monitors have: a
curve for each channel and a matrix (ICC.1:2010, 8.4.3).
"""

from __future__ import annotations

import functools
import io
import struct
import warnings
from collections.abc import Callable

import numpy as np
import PIL.Image
import PIL.ImageCms

__all__ = ["picture_to_srgb", "sixteen_bits_to_srgb", "srgb"]


@functools.cache
def srgb() -> bytes:
    """Returns an sRGB profile with a fixed date of creation, so that the same picture makes the same file."""
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def picture_to_srgb(picture: PIL.Image.Image, *, argument: str = "image") -> PIL.Image.Image:
    """Converts a picture from its embedded profile to sRGB. It warns, and takes sRGB, if the profile does not fit.

    Args:
        picture: An image of any mode without alpha. Without a profile, it is taken as sRGB.
        argument: The argument that the warning names.

    Returns:
        An image of mode RGB.
    """
    profile = picture.info.get("icc_profile")
    if profile:
        try:
            source, target = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile)), PIL.ImageCms.createProfile("sRGB")
            converted = PIL.ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
            assert converted is not None  # It is for a conversion in place alone.
            return converted
        except Exception as error:  # Pillow raises anything for garbage, and the pixels are good.
            warnings.warn(
                f"{argument}: its colour profile does not fit it ({error}); taken as sRGB. Its colours may be off.",
                stacklevel=2,
            )
    return picture.convert("RGB")


def sixteen_bits_to_srgb(levels: np.ndarray, profile: bytes | None) -> np.ndarray | None:
    """Converts RGB of 16 bits a channel from a profile of curves and a matrix.

    Args:
        levels: uint16 [height, width, 3].
        profile: An ICC profile. None and that of `srgb` leave the colours unchanged.

    Returns:
        float32 [height, width, 3], 0..255, with fractions. None for a profile of another kind, or a damaged one.
    """
    if not profile or profile == srgb():
        return levels.astype(np.float32) / 257
    try:
        with np.errstate(all="raise"):
            curves, matrix = _curves_and_matrix(profile)
        _, srgb_matrix = _curves_and_matrix(srgb())
    except Exception:  # Anything is raised for garbage.
        return None
    linear = np.stack([curve[levels[..., channel]] for channel, curve in enumerate(curves)], axis=-1)
    linear = np.clip(linear @ (np.linalg.inv(srgb_matrix) @ matrix).T.astype(np.float32), 0, 1)
    # IEC 61966-2-1: the inverse of the curve in `srgb()`.
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


def _curves_and_matrix(profile: bytes) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns the curves as tables of 65536 entries, and the matrix from linear RGB to XYZ.

    Raises:
        KeyError: A profile of another kind, without these tags.
        ValueError: A profile of another kind, or a damaged one.
        Exception: Whatever a damaged profile leads to.
    """
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * count])
    tags = {name: profile[offset : offset + size] for name, offset, size in entries}
    if profile[16:24] != b"RGB XYZ " or any(name.startswith((b"A2B", b"D2B")) for name in tags):
        raise ValueError("not a profile of RGB, or one of tables")
    columns = [_fixed(tags[channel + b"XYZ"], 3) for channel in (b"r", b"g", b"b")]
    return [_curve(tags[channel + b"TRC"]) for channel in (b"r", b"g", b"b")], np.stack(columns, axis=-1)


def _curve(tag: bytes) -> np.ndarray:
    x = np.linspace(0, 1, 65536)
    if tag.startswith(b"para"):
        (kind,) = struct.unpack_from(">H", tag, 8)
        count, complete = _PARAMETRIC[kind]
        g, a, b, c, d, e, f = complete(*_fixed(tag, count, offset=12))
        y = np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)
    else:
        y = _sampled_curve(x, tag)
    if y[0] > 0:
        raise ValueError("its black is lighter than that of sRGB")
    return np.clip(y, 0, 1).astype(np.float32)


def _sampled_curve(x: np.ndarray, tag: bytes) -> np.ndarray:
    kind, count = struct.unpack_from(">4s4xI", tag)
    values = np.frombuffer(tag, ">u2", count, offset=12)
    if kind != b"curv":
        raise ValueError("not a curve")
    if count < 2:
        return x ** (values[0] / 256) if count else x
    return np.interp(x, np.linspace(0, 1, count), values / 65535)


def _fixed(tag: bytes, count: int, *, offset: int = 8) -> np.ndarray:
    """Returns fixed-point numbers, of 16 bits before the point and 16 after it."""
    return np.frombuffer(tag, ">i4", count, offset=offset) / 65536


# For each kind of parametric curve: its number of parameters, and a function from these to g, a, b, c, d, e, f in
# y = (a x + b)^g + e for x >= d, y = c x + f below (ICC.1:2010, table 65).
_PARAMETRIC: dict[int, tuple[int, Callable[..., tuple[float, ...]]]] = {
    0: (1, lambda g: (g, 1, 0, 0, 0, 0, 0)),
    1: (3, lambda g, a, b: (g, a, b, 0, -b / a, 0, 0)),
    2: (4, lambda g, a, b, c: (g, a, b, 0, -b / a, c, c)),
    3: (5, lambda g, a, b, c, d: (g, a, b, c, d, 0, 0)),
    4: (7, lambda g, a, b, c, d, e, f: (g, a, b, c, d, e, f)),
}
