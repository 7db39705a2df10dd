"""Sheets of labelled pictures, composed pixel by pixel: uint8 [height, width, 3] in, and the same out."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from nst_keras import export

__all__ = ["GAP", "above", "beside", "cropped", "labelled", "resized", "save", "wide"]

GAP = 12  # Pixels between pictures.
# Pixels for a label. Its letters are readable where a page shows the sheet at three quarters of its size.
_LABEL = 30
_LETTERS = 21
_WHITE = 255
_QUALITY = 82  # Of JPEG.


def resized(picture: np.ndarray, *, width: int | None = None, height: int | None = None) -> np.ndarray:
    """Returns a picture at a width or a height in pixels, its shape kept."""
    tall, broad = picture.shape[:2]
    factor = width / broad if width is not None else (height or tall) / tall
    size = (round(broad * factor) if width is None else width, round(tall * factor) if height is None else height)
    return np.asarray(PIL.Image.fromarray(picture).resize(size, PIL.Image.Resampling.LANCZOS))


def cropped(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Returns a part of a picture: left, top, right and bottom as shares of its sides, 0 to 1."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (round(share * side) for share, side in zip(box, (width, height) * 2, strict=True))
    return picture[top:bottom, left:right]


def labelled(picture: np.ndarray, label: str) -> np.ndarray:
    """Returns a picture with a label above it, which is cut off where the picture ends."""
    band = PIL.Image.new("RGB", (picture.shape[1], _LABEL), "white")
    font = PIL.ImageFont.load_default(_LETTERS)
    PIL.ImageDraw.Draw(band).text((1, _LABEL - 7), label, fill="black", font=font, anchor="ls")
    return np.concatenate([np.asarray(band), picture])


def beside(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Returns pictures side by side, their upper edges in line, on white."""
    height = max(picture.shape[0] for picture in pictures)
    return _joined([np.pad(p, ((0, height - len(p)), (0, 0), (0, 0)), constant_values=_WHITE) for p in pictures], 1)


def above(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Returns pictures one above the other, their left edges in line, on white."""
    width = max(picture.shape[1] for picture in pictures)
    return _joined([np.pad(p, ((0, 0), (0, width - p.shape[1]), (0, 0)), constant_values=_WHITE) for p in pictures], 0)


def _joined(pictures: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Returns pictures joined along an axis, with gaps between them."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, _WHITE, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)][1:]
    return np.concatenate(parts, axis)


def wide(pictures: Sequence[tuple[str, np.ndarray]], width: int) -> np.ndarray:
    """Returns (label, picture) side by side: of the same height, and together as wide as `width` pixels."""
    aspects = [picture.shape[1] / picture.shape[0] for _, picture in pictures]
    height = round((width - GAP * (len(pictures) - 1)) / sum(aspects))
    return beside([labelled(resized(picture, height=height), label) for label, picture in pictures])


def save(sheet: np.ndarray, path: pathlib.Path) -> None:
    """Writes a sheet as JPEG with a white margin, whole or not at all. Its folder is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    margin = np.pad(sheet, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=_WHITE)
    with export.replacing(path) as temporary:
        PIL.Image.fromarray(margin).save(temporary, "JPEG", quality=_QUALITY, optimize=True)
