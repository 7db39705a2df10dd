"""Masks from what a visitor has painted on the photograph, in one colour for each purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL.Image
from PIL import ImageColor, ImageOps

from nst_keras import presets

__all__ = ["COLOURS", "completed", "masks", "options"]

# {purpose: the brush's colour}.
COLOURS = {"first style": "#e8590c", "second style": "#1c7ed6", "stays a photograph": "#2f9e44"}
_LEAST_PIXELS = 16  # Fewer are a slip of the hand.


def masks(layers: list[PIL.Image.Image]) -> dict[str, PIL.Image.Image]:
    """Returns {purpose: mask} of the colours that were painted, white where they are.

    Args:
        layers: Pictures with what was painted, transparent elsewhere, from the lowest to the topmost.
    """
    painted: dict[str, Any] = {}
    for layer in layers:
        pixels = np.asarray(layer.convert("RGBA"))
        nearest = _nearest(pixels[..., :3])
        seen = pixels[..., 3] > 127
        for place, purpose in enumerate(COLOURS):
            before = painted.get(purpose, np.zeros(seen.shape, bool))
            painted[purpose] = np.where(seen, nearest == place, before)
    return {
        purpose: PIL.Image.fromarray(np.where(where, 255, 0).astype(np.uint8))
        for purpose, where in painted.items()
        if where.sum() >= _LEAST_PIXELS
    }


def completed(found: Mapping[str, PIL.Image.Image], styles: int) -> dict[str, PIL.Image.Image]:
    """Returns the masks of a run: where one of two styles alone was painted, the other goes everywhere else.

    Args:
        found: {purpose: mask}, as `masks` returns them.
        styles: Number of styles that are given.

    Raises:
        ValueError: The second style's brush was used without a second style.
    """
    first, second, _ = COLOURS
    if second in found and styles < 2:
        raise ValueError(
            "style_mask: the second style's brush was used, but no second style is given. Give one, or erase it."
        )
    made = dict(found)
    if styles > 1 and (first in found) != (second in found):
        painted, other = (first, second) if first in found else (second, first)
        made[other] = ImageOps.invert(found[painted])
    return made


def options(files: Mapping[str, str]) -> presets.Options:
    """Returns {option: file or files} of the masks.

    Args:
        files: {purpose: file}, complete.
    """
    *of_styles, stays = COLOURS
    brushes = [files[purpose] for purpose in of_styles if purpose in files]
    made: dict[str, Any] = {}
    if brushes:
        made["style_mask"] = brushes if len(brushes) > 1 else brushes[0]
    if stays in files:
        made["content_mask"] = files[stays]
    return made


def _nearest(colours: np.ndarray) -> np.ndarray:
    """Returns the index of the nearest brush for each pixel, [height, width], of colours uint8 [height, width, 3]."""
    brushes = np.array([ImageColor.getrgb(colour) for colour in COLOURS.values()])
    return np.abs(colours[..., None, :].astype(int) - brushes).sum(-1).argmin(-1)
