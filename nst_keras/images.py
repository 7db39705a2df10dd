"""Pictures in: from any source to the one public form, float32 [1, height, width, 3], RGB (sRGB), 0..255.

Files are decoded with Pillow: upright (EXIF orientation), in sRGB (embedded ICC profile), opaque (alpha composited).
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings

import keras
import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageColor
import PIL.ImageOps
import tensorflow as tf

from nst_keras import checks, samples

__all__ = ["ImageSource", "cover", "load", "resize", "to_uint8"]

ImageSource = str | os.PathLike | np.ndarray | tf.Tensor | PIL.Image.Image

_URL_SCHEMES = ("http://", "https://", "ftp://", "file://")
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")


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
    if isinstance(source, PIL.Image.Image):
        pixels = _from_pil(source, argument, background)
    elif isinstance(source, (np.ndarray, tf.Tensor, tf.Variable)):
        pixels = _from_array(np.asarray(source), argument, background)
    elif isinstance(source, (str, os.PathLike)):
        pixels = _from_name(os.fspath(source), argument, background)
    else:
        raise TypeError(
            f"{argument} must be a path, a URL, an array, a tensor or a PIL image, "
            f"but {type(source).__name__} was given."
        )
    image = tf.constant(pixels[np.newaxis], tf.float32)
    return image if longest_side is None else resize(image, longest_side)


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
    size = [max(1, round(height * scale)), max(1, round(width * scale))]
    resized = tf.image.resize(image, size, method="lanczos3", antialias=True)
    return tf.clip_by_value(resized, 0.0, 255.0)


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
    size = [max(height, round(image.shape[1] * scale)), max(width, round(image.shape[2] * scale))]
    scaled = tf.image.resize(image, size, method="lanczos3", antialias=True) if scale != 1 else image
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return tf.clip_by_value(scaled[:, top : top + height, left : left + width], 0.0, 255.0)


def to_uint8(image: tf.Tensor) -> np.ndarray:
    """The pixels of an image, rounded, never stretched.

    Args:
        image: float32 [1, height, width, 3]; what lies outside 0..255 is clipped.

    Returns:
        uint8 [height, width, 3].
    """
    return tf.cast(tf.round(tf.clip_by_value(image[0], 0.0, 255.0)), tf.uint8).numpy()


def _from_name(name: str, argument: str, background: str) -> np.ndarray:
    if name.startswith(samples.PREFIX):
        return samples.draw(name).astype(np.float32)
    path = _download(name, argument) if name.startswith(_URL_SCHEMES) else os.path.expanduser(name)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{argument}: there is no file {name!r}. Check the path.")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{argument}: {name!r} is a folder. Name one picture in it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(path) as picture:
                picture.load()
                return _from_pil(picture, argument, background)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        limit = PIL.Image.MAX_IMAGE_PIXELS
        raise ValueError(
            f"{argument}: {name!r} has more than {limit / 1e6:.0f} megapixels, too many to decode safely. "
            "Scale it down first."
        ) from error
    except PIL.UnidentifiedImageError as error:
        size = os.path.getsize(path)
        what = "an empty file" if size == 0 else f"not an image that Pillow can read ({size} bytes)"
        raise ValueError(f"{argument}: {name!r} is {what}. Give a PNG, JPEG, WebP, TIFF, BMP or GIF.") from error
    except PermissionError as error:
        raise PermissionError(f"{argument}: {name!r} may not be read. Check its permissions.") from error
    except (OSError, SyntaxError, EOFError) as error:  # Pillow's ways to say that a file is cut short or damaged.
        raise ValueError(f"{argument}: {name!r} is damaged ({error}). Get a whole copy of it.") from error


def _download(url: str, argument: str) -> str:
    """Keras's download, cached under the whole URL: its own cache would mix up two files of one name."""
    folder = os.path.join("nst_keras", hashlib.sha256(url.encode()).hexdigest()[:16])
    try:
        return str(keras.utils.get_file(origin=url, cache_subdir=folder))
    except Exception as error:  # `get_file` raises bare `Exception` for a failed download.
        raise OSError(
            f"{argument}: {url!r} could not be downloaded ({error}). Check it, or give a local file."
        ) from error


def _from_pil(picture: PIL.Image.Image, argument: str, background: str) -> np.ndarray:
    picture = PIL.ImageOps.exif_transpose(picture)
    if picture.mode in _SIXTEEN_BIT_MODES:
        levels = np.asarray(picture)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError(f"{argument} holds values in {levels.min()}..{levels.max()}. Give 8 or 16 bits a channel.")
        return _from_array(levels.astype(np.uint16), argument, background)
    if picture.mode == "F":
        raise ValueError(f"{argument} holds floats of an unknown range. Load it yourself, and give an array in 0..255.")
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA", "PA") else None
    colour = _to_srgb(picture.convert(picture.mode[:-1]) if alpha else picture, argument)
    pixels = np.asarray(colour, np.float32)
    return pixels if alpha is None else _composite(pixels, np.asarray(alpha, np.float32)[..., None] / 255, background)


def _to_srgb(picture: PIL.Image.Image, argument: str) -> PIL.Image.Image:
    profile = picture.info.get("icc_profile")
    if profile:
        try:
            source, target = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile)), PIL.ImageCms.createProfile("sRGB")
            return PIL.ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
        except (PIL.ImageCms.PyCMSError, OSError) as error:
            warnings.warn(
                f"{argument}: its colour profile does not fit it ({error}); taken as sRGB. Its colours may be off.",
                stacklevel=2,
            )
    return picture.convert("RGB")


def _composite(pixels: np.ndarray, alpha: np.ndarray, background: str) -> np.ndarray:
    try:
        colour = PIL.ImageColor.getrgb(background)[:3]
    except ValueError as error:
        raise ValueError(f"background={background!r} is no colour. Give a name or '#rrggbb'.") from error
    return pixels * alpha + np.asarray(colour, np.float32) * (1 - alpha)


def _from_array(array: np.ndarray, argument: str, background: str) -> np.ndarray:
    pixels = array[0] if array.ndim == 4 and array.shape[0] == 1 else array
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"{argument} must have the shape [height, width, 3] (or 1 or 4 channels), "
            f"but {list(array.shape)} was given."
        )
    pixels = _in_levels(pixels, argument)
    if pixels.shape[-1] == 4:
        pixels = _composite(pixels[..., :3], pixels[..., 3:] / 255, background)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


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
