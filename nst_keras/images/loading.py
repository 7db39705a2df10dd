"""Loads pictures from any source to the one public form: float32 [1, height, width, 3], RGB (sRGB), 0..255.

Files are turned upright (EXIF orientation) and converted to sRGB (embedded ICC profile), with all of their 8 or 16 bits
a channel. `_raster` tells samples, URLs, paths, arrays and PIL images apart.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

import numpy as np
import PIL.Image
import tensorflow as tf

from nst_keras import checks
from nst_keras.images import bands, downloads, resizing, samples
from nst_keras.images.formats import decoding, levels, opening, rasters
from nst_keras.settings import paths

__all__ = [
    "ImageSource",
    "Picture",
    "load",
    "read",
]

ImageSource = str | os.PathLike[str] | np.ndarray | tf.Tensor | PIL.Image.Image


class Picture(NamedTuple):
    """A picture that was read.

    Attributes:
        image: float32 [1, height, width, 3], RGB in sRGB, 0..255, composited on the background.
        alpha: uint8 [height, width], 255 where opaque, of the picture's own size, or of the size of `image` for a large
            picture. None if all of it is opaque.
        size: The picture's own height and width, before it was reduced.
    """

    image: tf.Tensor
    alpha: np.ndarray | None
    size: tuple[int, int]


def load(
    source: ImageSource,
    *,
    longest_side: int | None = None,
    argument: str = "image",
    background: str = "white",
) -> tf.Tensor:
    """Loads a picture from any source.

    Args:
        source: A path or a file URL, another URL (kept in Keras's cache), `"sample:NAME"` (a picture of `samples`), a
            PIL image, or a numpy array or tensor: [height, width], [height, width, 1 | 3 | 4] or [1, height, width,
            1 | 3 | 4], grey, RGB or RGBA, of integers (uint16: 0..65535; others: 0..255) or of floats in 0..255. A PIL
            image of mode I counts as 0..255, too; as 0..65535 if a value is above 255.
        longest_side: Pixels of the longer side to which a larger picture is reduced, with its aspect kept. None: the
            picture's own size.
        argument: The argument that error messages name.
        background: The colour on which transparent pixels are composited: a name that Pillow knows, or `#rrggbb`.

    Returns:
        float32 [1, height, width, 3], RGB in sRGB, 0..255.

    Raises:
        FileNotFoundError: No such file.
        OSError: The file or URL cannot be read.
        ValueError: Not an image, damaged, too large to decode, or an array of another shape or range.
        TypeError: A `source` of another type, or a tensor without values.
        MemoryError: The picture does not fit into memory.
        ImportError: A HEIC or AVIF file, and the package that reads it is not installed.
    """
    return read(source, longest_side=longest_side, argument=argument, background=background).image


def read(
    source: ImageSource, *, longest_side: int | None = None, argument: str = "image", background: str = "white"
) -> Picture:
    """Reads a picture with its transparency. A large one is reduced band by band, and never held at full size.

    Args:
        source: A path, a URL, `"sample:NAME"`, a PIL image, a numpy array or a tensor; see `load`.
        longest_side: Pixels of the longer side to which a larger picture is reduced, with its aspect kept. None: the
            picture's own size.
        argument: The argument that error messages name.
        background: The colour on which transparent pixels of `Picture.image` are composited.

    Returns:
        The picture.

    Raises:
        FileNotFoundError: No such file.
        OSError: The file or URL cannot be read.
        ValueError: Not an image, damaged, too large to decode, or an array of another shape or range.
        TypeError: A `source` of another type, or a tensor without values.
        MemoryError: The picture does not fit into memory.
        ImportError: A HEIC or AVIF file, and the package that reads it is not installed.
    """
    if longest_side is not None:
        checks.integer("longest_side", longest_side)
    if _is_public_form(source):
        levels.checked(levels.as_array(source, argument), argument)
        image = source if longest_side is None else resizing.resize(source, longest_side)
        return Picture(image, None, resizing.size_of(source))
    with _raster(source, longest_side, argument) as raster:
        return _picture(raster, longest_side, background)


def _is_public_form(source: ImageSource) -> TypeGuard[tf.Tensor]:
    return isinstance(source, tf.Tensor) and source.dtype == tf.float32 and source.shape[0::3] == (1, 3)


@contextlib.contextmanager
def _raster(source: ImageSource, longest_side: int | None, argument: str) -> Iterator[rasters.Raster]:
    """Tells the kinds of sources apart, and opens the source for the length of a block."""
    if isinstance(source, PIL.Image.Image):
        with opening.translated_image(argument):
            yield decoding.from_pil(source, argument=argument)
    elif isinstance(source, (np.ndarray, tf.Tensor, tf.Variable)):
        yield _of_array(levels.as_array(source, argument), argument)
    elif not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"{argument} must be a path, a URL, an array, a tensor or a PIL image, "
            f"but {type(source).__name__} was given."
        )
    elif (name := os.fspath(source)).startswith(samples.PREFIX):
        yield _of_array(samples.read(name), argument)
    else:
        with (
            _file(name, argument) as path,
            decoding.opened(
                path, longest_side=longest_side, argument=argument, name=paths.without_password(name)
            ) as raster,
        ):
            yield raster


@contextlib.contextmanager
def _file(name: str, argument: str) -> Iterator[str]:
    """Yields the path of a file on this machine. The file of a URL is downloaded, except for file URLs."""
    path = paths.local(name)
    if paths.is_file_url(path):
        raise ValueError(
            f"{argument}: {name!r} names no file of this machine. Write a file URL with three slashes, such as "
            "file:///home/me/picture.jpg."
        )
    if paths.is_url(path):
        with downloads.opened(path, argument=argument) as copy:
            yield copy
    else:
        yield path


def _of_array(array: np.ndarray, argument: str) -> rasters.Raster:
    pixels = levels.checked(array, argument)
    size = pixels.shape[0], pixels.shape[1]
    return rasters.Raster(size, size, lambda top, bottom: levels.of_rows(pixels[top:bottom]))


def _picture(raster: rasters.Raster, longest_side: int | None, background: str) -> Picture:
    """Returns the picture composited on the background, upright, and reduced."""
    own_longest = max(raster.own_size)
    height, width = resizing.scaled_size(*raster.own_size, min(longest_side or own_longest, own_longest) / own_longest)
    if not bands.is_large(*raster.size):
        pixels = levels.on_background(raster.upright(raster.rows(0, raster.size[0])), background)
        image = resizing.resize_to(tf.constant(pixels[np.newaxis, ..., :3], tf.float32), height, width)
        return Picture(image, levels.alpha(pixels), raster.own_size)
    image = bands.resized(
        lambda top, bottom: levels.on_background(raster.rows(top, bottom), background),
        raster.size,
        (width, height) if raster.is_turned else (height, width),
    )
    image = image if raster.orientation == 1 else tf.constant(raster.upright(np.asarray(image[0]))[np.newaxis])
    alpha = levels.alpha(np.asarray(image[0]))
    return Picture(image[:, :, :, :3] if image.shape[-1] == 4 else image, alpha, raster.own_size)
