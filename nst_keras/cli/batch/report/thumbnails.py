"""Thumbnails of picture files: upright, in sRGB, on white. Each file is decoded once. Nothing here needs TensorFlow."""

from __future__ import annotations

import io
import math
import pathlib
import warnings
from collections.abc import Callable
from typing import cast

import numpy as np
import PIL.Image
import PIL.JpegImagePlugin

from nst_keras import export
from nst_keras.images.formats import greys, jpegs, limits, opening, profiles, rasters

__all__ = ["Thumbnails", "jpeg", "reduced"]

_KEPT_QUALITY = 95  # Of what is kept in memory: a thirtieth of its pixels' bytes.
_QUALITIES = (80, 65, 50, 35)
_TURNS = PIL.Image.Transpose
# Turns a picture upright, by its EXIF orientation.
_UPRIGHT = {
    2: _TURNS.FLIP_LEFT_RIGHT,
    3: _TURNS.ROTATE_180,
    4: _TURNS.FLIP_TOP_BOTTOM,
    5: _TURNS.TRANSPOSE,
    6: _TURNS.ROTATE_270,
    7: _TURNS.TRANSVERSE,
    8: _TURNS.ROTATE_90,
}


class Thumbnails:
    """Reads pictures reduced to thumbnails, and keeps these as JPEGs."""

    def __init__(self, picture_of: Callable[[str, bool], pathlib.Path | None]) -> None:
        """Reads nothing yet.

        Args:
            picture_of: Returns the local file of a picture by its name, and by whether the batch has made it; None if
                there is none.
        """
        self._picture_of = picture_of
        self._kept: dict[tuple[str, int, bool], bytes | None] = {}

    def get(self, name: str, side: int, *, made: bool = False) -> PIL.Image.Image | None:
        """Returns a thumbnail, RGB; None if there is no such picture, or if it cannot be read.

        Args:
            name: The picture's name; "" for none.
            side: Most pixels of its longer side. A smaller picture keeps its size.
            made: Whether the batch has made it. Otherwise it was read.
        """
        if not name:
            return None
        key = name, side, made
        if key not in self._kept:
            small = self._read(name, side, made=made)
            self._kept[key] = None if small is None else export.encoded(small, "JPEG", quality=_KEPT_QUALITY)
        data = self._kept[key]
        return None if data is None else PIL.Image.open(io.BytesIO(data), formats=["JPEG"]).convert("RGB")

    def _read(self, name: str, side: int, *, made: bool) -> PIL.Image.Image | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A run warns of what is odd in a picture.
            try:
                path = self._picture_of(name, made)
                return _thumbnail(path, side) if path is not None and path.is_file() else None
            except Exception:  # Decoders raise anything, and no picture is worth a report.
                return None


def reduced(picture: PIL.Image.Image, side: int) -> PIL.Image.Image:
    """Returns a picture whose longer side has at most `side` pixels."""
    scale = min(1.0, side / max(picture.size))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture if size == picture.size else picture.resize(size, PIL.Image.Resampling.LANCZOS)


def jpeg(picture: PIL.Image.Image, most: float) -> bytes:
    """Returns a picture as JPEG of quality 80, or of a lower one, down to 35, where that has more bytes than `most`."""
    made = b""
    for quality in _QUALITIES:
        made = export.encoded(picture, "JPEG", quality=quality, optimize=True)
        if len(made) <= most:
            break
    return made


def _thumbnail(path: pathlib.Path, side: int) -> PIL.Image.Image:
    """Reads a picture file reduced to `side` pixels."""
    with opening.opened(path) as picture, opening.decoder_errors():
        if isinstance(picture, PIL.JpegImagePlugin.JpegImageFile):
            scale = min(1.0, 2 * side / max(picture.size))
            picture.draft(None, (math.ceil(picture.width * scale), math.ceil(picture.height * scale)))
            limits.check_size(picture.height, picture.width)
            jpegs.load(picture)
        else:
            picture.load()
        small = _on_white(picture, side)
        turn = _UPRIGHT.get(rasters.orientation_of(picture))
    return small if turn is None else small.transpose(turn)


def _on_white(picture: PIL.Image.Image, side: int) -> PIL.Image.Image:
    """Returns a decoded picture, reduced, in sRGB and on white."""
    if picture.mode in greys.MODES:
        pixels = greys.reader(picture, "picture")(picture).round().astype(np.uint8)
        picture = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if picture.has_transparency_data:
        small = reduced(picture.convert("RGBA"), side)
        white = PIL.Image.new("RGB", small.size, "white")
        white.paste(_in_srgb(small.convert("RGB"), picture), mask=small.getchannel("A"))
        return white
    whole = picture.convert("RGB") if picture.mode in ("1", "P") else picture
    return _in_srgb(reduced(whole, side), picture)


def _in_srgb(small: PIL.Image.Image, picture: PIL.Image.Image) -> PIL.Image.Image:
    """Returns a reduced picture in sRGB, by the colour profile of the whole one."""
    small.info["icc_profile"] = cast("bytes | None", picture.info.get("icc_profile"))
    return profiles.picture_to_srgb(small)
