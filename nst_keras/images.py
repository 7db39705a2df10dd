"""Pictures in: from any source to the one public form, float32 [1, height, width, 3], RGB (sRGB), 0..255.

Files come upright (EXIF orientation), in sRGB (embedded ICC profile), with all bits of 8 or 16 a channel.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

import keras
import numpy as np
import PIL.Image
import PIL.ImageColor
import tensorflow as tf

from nst_keras import checks, samples
from nst_keras.formats import decoding

__all__ = [
    "ImageSource",
    "Picture",
    "cover",
    "load",
    "read",
    "resize",
    "resize_to",
    "scaled_size",
    "to_uint8",
    "to_uint16",
]

ImageSource = str | os.PathLike | np.ndarray | tf.Tensor | PIL.Image.Image

_URL_SCHEMES = ("http://", "https://", "ftp://", "file://")


class Picture(NamedTuple):
    """A picture at its own size.

    Attributes:
        image: float32 [1, height, width, 3], RGB in sRGB, 0..255, on the background.
        alpha: uint8 [height, width], 255 where opaque; None if all of it is.
    """

    image: tf.Tensor
    alpha: np.ndarray | None


def load(
    source: ImageSource,
    *,
    longest_side: int | None = None,
    argument: str = "image",
    background: str = "white",
) -> tf.Tensor:
    """Loads a picture from wherever it is.

    Args:
        source: A path, a URL (kept in Keras's cache), `"sample:NAME"` (a picture of `samples`), a PIL image, or a numpy
            array or tensor: [height, width], [height, width, 1 | 3 | 4] or [1, height, width, 1 | 3 | 4], grey, RGB
            or RGBA, of integers (uint16: 0..65535; others: 0..255) or of floats in 0..255.
        longest_side: What it is reduced to, as `resize` does it; None keeps its size.
        argument: How errors name the picture.
        background: The colour that transparent pixels are composited on: any name or `#rrggbb` that Pillow knows.

    Returns:
        float32 [1, height, width, 3], RGB in sRGB, 0..255.

    Raises:
        FileNotFoundError: No such file.
        OSError: The file or URL cannot be read.
        ValueError: Not an image, damaged, too large to decode, or an array of another shape or range.
        TypeError: A `source` of another type.
    """
    image = read(source, argument=argument, background=background).image
    return image if longest_side is None else resize(image, longest_side)


def read(source: ImageSource, *, argument: str = "image", background: str = "white") -> Picture:
    """Reads a picture at its own size, with its transparency.

    Args:
        source: As `load` takes it.
        argument: How errors name the picture.
        background: The colour that transparent pixels of `Picture.image` are composited on.

    Returns:
        The picture.

    Raises:
        OSError: As `load` does.
        ValueError: Likewise.
        TypeError: Likewise.
    """
    if isinstance(source, PIL.Image.Image):
        pixels = decoding.from_pil(source, argument=argument)
    elif isinstance(source, (np.ndarray, tf.Tensor, tf.Variable)):
        pixels = _from_array(np.asarray(source), argument)
    elif isinstance(source, (str, os.PathLike)):
        pixels = _from_name(os.fspath(source), argument)
    else:
        raise TypeError(
            f"{argument} must be a path, a URL, an array, a tensor or a PIL image, "
            f"but {type(source).__name__} was given."
        )
    return Picture(tf.constant(_on_background(pixels, background)[np.newaxis], tf.float32), _alpha(pixels))


def resize(image: tf.Tensor, longest_side: int, *, enlarge: bool = False) -> tf.Tensor:
    """Resizes to a longest side, keeping the aspect, with antialiasing (Lanczos).

    Args:
        image: float32 [1, height, width, 3], 0..255.
        longest_side: Pixels of the longer of height and width, afterwards.
        enlarge: Whether an image that is smaller already is enlarged; otherwise it comes back as it is.

    Returns:
        float32 [1, new height, new width, 3], 0..255.

    Raises:
        ValueError: `longest_side` is not a whole number, 1 or more.
    """
    checks.integer("longest_side", longest_side)
    height, width = image.shape[1:3]
    scale = longest_side / max(height, width)
    if scale == 1 or (scale > 1 and not enlarge):
        return image
    return resize_to(image, *scaled_size(height, width, scale))


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width of a picture in whole pixels, 1 or more, once it is scaled."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_to(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resizes to exactly this size, whatever the aspect, with antialiasing (Lanczos).

    Args:
        image: float32 [1, image's height, image's width, 3], 0..255.
        height: Pixels.
        width: Pixels.

    Returns:
        float32 [1, height, width, 3], 0..255.

    Raises:
        ValueError: A side is not a whole number, 1 or more.
    """
    size = [checks.integer("height", height), checks.integer("width", width)]
    if size == list(image.shape[1:3]):
        return image
    return tf.clip_by_value(tf.image.resize(image, size, method="lanczos3", antialias=True), 0.0, 255.0)


def cover(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Fills a rectangle with an image: scaled with its aspect kept, what overhangs cut off equally on both sides.

    Args:
        image: float32 [1, image's height, image's width, 3], 0..255.
        height: Pixels of the rectangle.
        width: Likewise.

    Returns:
        float32 [1, height, width, 3], 0..255.
    """
    scale = max(height / image.shape[1], width / image.shape[2])
    size = max(height, round(image.shape[1] * scale)), max(width, round(image.shape[2] * scale))
    scaled = resize_to(image, *size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return scaled[:, top : top + height, left : left + width]


def to_uint8(image: tf.Tensor) -> np.ndarray:
    """The pixels of an image, rounded, never stretched.

    Args:
        image: float32 [1, height, width, 3]; what lies outside 0..255 is clipped.

    Returns:
        uint8 [height, width, 3].
    """
    with np.errstate(invalid="ignore"):  # Of what is not a number, any pixel will do.
        # NumPy takes a quarter of the time of TensorFlow's operations.
        return np.clip(np.rint(image[0].numpy()), 0, 255).astype(np.uint8)


def to_uint16(image: tf.Tensor) -> np.ndarray:
    """The pixels of an image at 16 bits a channel, rounded, never stretched; a level of 8 bits is 257 of 16.

    Args:
        image: float32 [1, height, width, 3]; what lies outside 0..255 is clipped.

    Returns:
        uint16 [height, width, 3].
    """
    return tf.cast(tf.round(257.0 * tf.clip_by_value(image[0], 0.0, 255.0)), tf.uint16).numpy()


def _from_name(name: str, argument: str) -> np.ndarray:
    if name.startswith(samples.PREFIX):
        return samples.draw(name).astype(np.float32)
    path = _download(name, argument) if name.startswith(_URL_SCHEMES) else name
    return decoding.from_file(path, argument=argument, name=name)


def _download(url: str, argument: str) -> str:
    """Keras's download, cached under the whole URL: its own cache would mix up two files of one name."""
    folder = os.path.join("nst_keras", hashlib.sha256(url.encode()).hexdigest()[:16])
    try:
        return str(keras.utils.get_file(origin=url, cache_subdir=folder))
    except Exception as error:  # `get_file` raises bare `Exception` for a failed download.
        raise OSError(
            f"{argument}: {url!r} could not be downloaded ({error}). Check it, or give a local file."
        ) from error


def _from_array(array: np.ndarray, argument: str) -> np.ndarray:
    pixels = array[0] if array.ndim == 4 and array.shape[0] == 1 else array
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"{argument} must have the shape [height, width, 3] (or 1 or 4 channels), "
            f"but {list(array.shape)} was given."
        )
    return _in_levels(pixels, argument)


def _in_levels(pixels: np.ndarray, argument: str) -> np.ndarray:
    """Values as float32 in 0..255; a float array in 0..1 is refused, since guessing its range would hide mistakes."""
    if pixels.dtype == np.uint16:
        return pixels.astype(np.float32) / 257
    if pixels.dtype == bool or not np.issubdtype(pixels.dtype, np.number) or np.iscomplexobj(pixels):
        raise ValueError(f"{argument} must hold numbers in 0..255, but an array of {pixels.dtype} was given.")
    lowest, highest = pixels.min(), pixels.max()
    if not (lowest >= 0 and highest <= 255):
        raise ValueError(f"{argument} must hold values in 0..255, but {lowest}..{highest} was given.")
    if np.issubdtype(pixels.dtype, np.floating) and 0 < highest <= 1:
        raise ValueError(f"{argument} must hold values in 0..255, but floats in 0..1 were given. Multiply by 255.")
    return pixels.astype(np.float32)


def _alpha(pixels: np.ndarray) -> np.ndarray | None:
    """uint8 [height, width] of pixels [height, width, 1 | 3 | 4]; None where all are opaque."""
    if pixels.shape[-1] < 4:
        return None
    alpha = np.rint(pixels[..., 3]).astype(np.uint8)
    return None if alpha.min() == 255 else alpha


def _on_background(pixels: np.ndarray, background: str) -> np.ndarray:
    """float32 [height, width, 3] of pixels [height, width, 1 | 3 | 4]."""
    if pixels.shape[-1] < 4:
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    try:
        colour = PIL.ImageColor.getrgb(background)[:3]
    except ValueError as error:
        raise ValueError(f"background={background!r} is no colour. Give a name or '#rrggbb'.") from error
    opacity = pixels[..., 3:] / 255
    return pixels[..., :3] * opacity + np.asarray(colour, np.float32) * (1 - opacity)
