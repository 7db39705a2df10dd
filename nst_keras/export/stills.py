"""Stills, in sRGB and with its profile, of 8 or 16 bits a channel, with alpha and a text inside.

The same picture, alpha and text make the same bytes.
"""

from __future__ import annotations

import io
import os
import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import PIL.Image
import tensorflow as tf
import tifffile

from nst_keras.export import files
from nst_keras.images import bands, loading, pixels
from nst_keras.images.formats import metadata, profiles

__all__ = ["STILL_OPTIONS", "StillOptions", "check_still", "save_image"]

_QUALITY = 95
_PNG_COMPRESSION = 4  # Of 9. On photographs the default, 6, takes longer for the same size.
_PIXELS = {8: pixels.to_uint8, 16: pixels.to_uint16}
_TILE = (256, 256)  # Of a large TIFF, so that other programs need not read the whole of it to show a part.
_PNG_HEADER = 33  # Bytes of its signature and its first chunk.


def save_image(
    image: np.ndarray | tf.Tensor,
    path: str | os.PathLike,
    *,
    bit_depth: int = 8,
    alpha: np.ndarray | None = None,
    text: str | None = None,
) -> None:
    """Saves a still with an sRGB profile; JPEG and WebP at quality 95.

    Args:
        image: uint8 [height, width, 3], or float32 [1, height, width, 3] in 0..255, whose fractions 16 bits keep.
        path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing file is replaced.
        bit_depth: Bits a channel: 8, or 16 (PNG and TIFF only).
        alpha: uint8 [alpha's height, alpha's width], 255 where opaque, resized to the image's size (all but JPEG);
            None for an opaque picture.
        text: What the file carries, for `metadata.read` to give back; None for nothing.

    Raises:
        ValueError: Another suffix or bit depth, one that the other does not go with, or a bad `alpha` or `text`.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    check_still(path, bit_depth=bit_depth, has_alpha=alpha is not None)
    if text is not None and not isinstance(text, str):
        raise ValueError(f"text must be a str or None, but {type(text).__name__} was given.")
    pixels = _PIXELS[bit_depth](loading.load(image))
    if alpha is not None:
        pixels = np.dstack([pixels, _fitted(alpha, pixels)])
    with files.replacing(path) as temporary:
        STILL_OPTIONS[path.suffix.lower()].write(pixels, temporary, text)


def check_still(
    path: str | os.PathLike, *, bit_depth: int = 8, has_alpha: bool = False, argument: str = "path"
) -> None:
    """Finds out whether a still of this kind can be made.

    Args:
        path: Of the still.
        bit_depth: Bits a channel.
        has_alpha: Whether it has transparent parts.
        argument: How errors name the still.

    Raises:
        ValueError: Another suffix or bit depth than `save_image` knows, or one that the other does not go with.
    """
    path = pathlib.Path(path)
    files.check_suffix(argument, path, STILL_OPTIONS)
    options = STILL_OPTIONS[path.suffix.lower()]
    if bit_depth not in _PIXELS:
        raise ValueError(f"bit_depth must be 8 or 16, but {bit_depth!r} was given.")
    if bit_depth not in options.bit_depths:
        raise ValueError(
            f"{argument}: {str(path)!r} cannot hold bit_depth={bit_depth}. Choose .png or .tiff, or bit_depth=8."
        )
    if has_alpha and not options.alpha:
        raise ValueError(f"{argument}: {str(path)!r} cannot hold transparency. Choose .png, .webp or .tiff.")


def _fitted(alpha: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """An alpha of the size and the type of pixels."""
    alpha = np.asarray(alpha)
    if alpha.dtype != np.uint8 or alpha.ndim != 2 or not alpha.size:
        given = f"{alpha.dtype} {list(alpha.shape)}"
        raise ValueError(f"alpha must be uint8 of the shape [height, width], but {given} was given.")
    height, width = pixels.shape[:2]
    if alpha.shape != (height, width):
        alpha = np.asarray(PIL.Image.fromarray(alpha).resize((width, height), PIL.Image.Resampling.LANCZOS))
    return alpha if pixels.dtype == np.uint8 else alpha.astype(np.uint16) * 257


def _write_png(pixels: np.ndarray, path: str, text: str | None) -> None:
    data = tf.io.encode_png(pixels, compression=_PNG_COMPRESSION).numpy()
    chunks = _png_chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profiles.srgb()))
    if text is not None:
        chunks += _png_chunk(b"iTXt", metadata.png_chunk(text))
    with open(path, "wb") as file:
        file.writelines([data[:_PNG_HEADER], chunks, memoryview(data)[_PNG_HEADER:]])


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _write_jpeg(pixels: np.ndarray, path: str, text: str | None) -> None:
    buffer = io.BytesIO()
    options = {"quality": _QUALITY, "subsampling": 0, "icc_profile": profiles.srgb()}
    PIL.Image.fromarray(pixels).save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    start = 4 + struct.unpack_from(">H", data, 4)[0]  # Behind the segment JFIF, which must be the first.
    comments = b"" if text is None else metadata.jpeg_comments(text)
    pathlib.Path(path).write_bytes(data[:start] + comments + data[start:])


def _write_webp(pixels: np.ndarray, path: str, text: str | None) -> None:
    exif = b"" if text is None else metadata.webp_exif(text)
    PIL.Image.fromarray(pixels).save(path, "WEBP", quality=_QUALITY, icc_profile=profiles.srgb(), exif=exif)


def _write_tiff(pixels: np.ndarray, path: str, text: str | None) -> None:
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        extrasamples=["unassalpha"] if pixels.shape[-1] == 4 else None,
        tile=_TILE if bands.is_large(*pixels.shape[:2]) else None,
        compression="zlib",
        predictor=True,
        iccprofile=profiles.srgb(),
        description=None if text is None else metadata.tiff_description(text),
        metadata=None,
        software=False,
    )


class StillOptions(NamedTuple):
    """What a format of stills can hold.

    Attributes:
        write: Writes pixels [height, width, 3 | 4] and a text into a file of this name.
        bit_depths: Bits a channel.
        alpha: Whether it holds transparency.
    """

    write: Callable[[np.ndarray, str, str | None], None]
    bit_depths: tuple[int, ...]
    alpha: bool


_PNG = StillOptions(_write_png, (8, 16), alpha=True)
_JPEG = StillOptions(_write_jpeg, (8,), alpha=False)
_WEBP = StillOptions(_write_webp, (8,), alpha=True)
_TIFF = StillOptions(_write_tiff, (8, 16), alpha=True)

STILL_OPTIONS: dict[str, StillOptions] = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _WEBP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
