"""Stills in sRGB with its profile, of 8 or 16 bits a channel, with optional transparency and text.

The same picture, alpha and text always give the same bytes.
"""

from __future__ import annotations

import os
import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import tensorflow as tf
import tifffile

from nst_keras.export import files
from nst_keras.images import bands, loading, pixels, resizing
from nst_keras.images.formats import metadata, profiles

__all__ = ["STILL_OPTIONS", "StillOptions", "check_still", "save_image"]

_QUALITY = 95
_PNG_COMPRESSION = 4  # On a scale of 0 to 9. The default, 6, takes longer on photographs and makes them no smaller.
# Bits a channel -> what rounds a picture to them.
_LEVELS = {8: pixels.to_uint8, 16: pixels.to_uint16}
_TILE = (256, 256)  # Pixels of a tile in a large TIFF. Programs that show a part of it need not read the whole.
_PNG_HEADER = 33  # Bytes of the signature and of IHDR, which must be the first chunk.


def save_image(
    image: np.ndarray | tf.Tensor,
    path: str | os.PathLike,
    *,
    bit_depth: int = 8,
    alpha: np.ndarray | None = None,
    text: str | None = None,
) -> None:
    """Saves a still with an sRGB profile. JPEG and WebP are saved at quality 95.

    Args:
        image: RGB, uint8 [height, width, 3], or float32 [1, height, width, 3] in 0..255, rounded to `bit_depth`.
        path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing file is replaced.
        bit_depth: Bits a channel: 8, or, in PNG and TIFF, 16.
        alpha: Opacity, uint8 [any height, any width], 255 where opaque, resized to the image's size; not in JPEG.
            None: an opaque picture.
        text: Text to store in the file, which `metadata.read` gives back. None: no text.

    Raises:
        ValueError: Another suffix or bit depth, a format that cannot hold the bit depth or alpha, or a bad `alpha` or
            `text`.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    image = loading.load(image)
    check_still(path, bit_depth=bit_depth, has_alpha=alpha is not None, size=resizing.size_of(image))
    if text is not None and not isinstance(text, str):
        raise ValueError(f"text must be a str or None, but {type(text).__name__} was given.")
    levels = _LEVELS[bit_depth](image)
    if alpha is not None:
        levels = np.dstack([levels, _fitted(alpha, levels)])
    with files.replacing(path) as temporary:
        STILL_OPTIONS[path.suffix.lower()].write(levels, temporary, text)


def check_still(
    path: str | os.PathLike,
    *,
    bit_depth: int = 8,
    has_alpha: bool = False,
    size: tuple[int, int] | None = None,
    argument: str = "path",
) -> None:
    """Checks that `save_image` can write a still of this kind.

    Args:
        path: The file.
        bit_depth: Bits a channel.
        has_alpha: Whether the still has transparent parts.
        size: Height and width of the still in pixels. Default: any size is accepted.
        argument: The argument that errors name.

    Raises:
        ValueError: Another suffix or bit depth, or a format that cannot hold the bit depth, transparency or size.
    """
    path = pathlib.Path(path)
    files.check_suffix(argument, path, STILL_OPTIONS)
    options = STILL_OPTIONS[path.suffix.lower()]
    if bit_depth not in _LEVELS:
        raise ValueError(f"bit_depth must be 8 or 16, but {bit_depth!r} was given.")
    if bit_depth not in options.bit_depths:
        raise ValueError(
            f"{argument}: {str(path)!r} cannot hold bit_depth={bit_depth}. Choose .png or .tiff, or bit_depth=8."
        )
    if has_alpha and not options.alpha:
        raise ValueError(f"{argument}: {str(path)!r} cannot hold transparency. Choose .png, .webp or .tiff.")
    if size is not None and not options.holds(*size):
        raise ValueError(
            f"{argument}: {str(path)!r} cannot hold {size[1]} x {size[0]} pixels, since {options.limit}. "
            f"{_other_formats(*size, bit_depth=bit_depth)}"
        )


def _other_formats(height: int, width: int, *, bit_depth: int) -> str:
    """Returns the sentence that names the formats for a size that another cannot hold."""
    able = {options: suffix for suffix, options in reversed(STILL_OPTIONS.items()) if bit_depth in options.bit_depths}
    suffixes = [suffix for options, suffix in reversed(able.items()) if options.holds(height, width)]
    return f"Choose {' or '.join(suffixes)}, or a smaller size." if suffixes else "Choose a smaller size."


def _fitted(alpha: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns an alpha channel of the size and the type of a picture's levels."""
    alpha = np.asarray(alpha)
    if alpha.dtype != np.uint8 or alpha.ndim != 2 or not alpha.size:
        given = f"{alpha.dtype} {list(alpha.shape)}"
        raise ValueError(f"alpha must be uint8 of the shape [height, width], but {given} was given.")
    height, width = levels.shape[:2]
    if alpha.shape != (height, width):
        alpha = np.asarray(PIL.Image.fromarray(alpha).resize((width, height), PIL.Image.Resampling.LANCZOS))
    return alpha if levels.dtype == np.uint8 else alpha.astype(np.uint16) * 257


def _write_png(levels: np.ndarray, path: str, text: str | None) -> None:
    """Writes TensorFlow's PNG, which has no profile and no text, with these two in chunks behind its header.

    Pillow writes no RGB of 16 bits.
    """
    data = memoryview(tf.io.encode_png(levels, compression=_PNG_COMPRESSION).numpy())
    with open(path, "wb") as file:
        file.write(data[:_PNG_HEADER])
        PIL.PngImagePlugin.putchunk(file, b"iCCP", b"sRGB\0\0", zlib.compress(profiles.srgb()))
        if text is not None:
            PIL.PngImagePlugin.putchunk(file, b"iTXt", metadata.png_chunk(text))
        file.write(data[_PNG_HEADER:])


def _write_jpeg(levels: np.ndarray, path: str, text: str | None) -> None:
    """Writes Pillow's JPEG, with the text in comments behind its header, since Pillow writes one comment of 64 kB."""
    picture = PIL.Image.fromarray(levels)
    data = files.encoded(picture, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=profiles.srgb())
    start = 4 + struct.unpack_from(">H", data, 4)[0]  # Behind the segment JFIF, which must be the first.
    comments = b"" if text is None else metadata.jpeg_comments(text)
    pathlib.Path(path).write_bytes(data[:start] + comments + data[start:])


def _write_webp(levels: np.ndarray, path: str, text: str | None) -> None:
    exif = b"" if text is None else metadata.webp_exif(text)
    PIL.Image.fromarray(levels).save(path, "WEBP", quality=_QUALITY, icc_profile=profiles.srgb(), exif=exif)


def _write_tiff(levels: np.ndarray, path: str, text: str | None) -> None:
    tifffile.imwrite(
        path,
        levels,
        photometric="rgb",
        extrasamples=["unassalpha"] if levels.shape[-1] == 4 else None,
        tile=_TILE if bands.is_large(*levels.shape[:2]) else None,
        compression="zlib",
        predictor=True,
        iccprofile=profiles.srgb(),
        description=None if text is None else metadata.tiff_description(text),
        metadata=None,
        software=False,
    )


class StillOptions(NamedTuple):
    """What a format of stills can hold, and what writes it.

    Attributes:
        write: Writes levels, uint8 or uint16 [height, width, 3 | 4], and a text or None to a file of this name.
        bit_depths: Bits a channel that the format can hold.
        alpha: Whether it can hold transparency.
        longest_side: Most pixels of a side that its writer accepts.
        most_pixels: Most pixels of a picture that its writer accepts.
    """

    write: Callable[[np.ndarray, str, str | None], None]
    bit_depths: tuple[int, ...]
    alpha: bool
    longest_side: int
    most_pixels: int

    def holds(self, height: int, width: int) -> bool:
        """Returns whether a picture of this size can be written."""
        return max(height, width) <= self.longest_side and height * width <= self.most_pixels

    @property
    def limit(self) -> str:
        """The limits in words."""
        pixels_too = f" and {self.most_pixels} pixels in all" if self.most_pixels < self.longest_side**2 else ""
        return f"its sides have {self.longest_side} pixels at most{pixels_too}"


# libpng's longest side, and TensorFlow's most levels, of four channels; libjpeg's, libwebp's and TIFF's longest sides.
_PNG = StillOptions(_write_png, (8, 16), alpha=True, longest_side=1_000_000, most_pixels=2**29 - 1)
_JPEG = StillOptions(_write_jpeg, (8,), alpha=False, longest_side=65_500, most_pixels=65_500**2)
_WEBP = StillOptions(_write_webp, (8,), alpha=True, longest_side=16_383, most_pixels=16_383**2)
_TIFF = StillOptions(_write_tiff, (8, 16), alpha=True, longest_side=2**32 - 1, most_pixels=2**64 - 1)

STILL_OPTIONS: dict[str, StillOptions] = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _WEBP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
