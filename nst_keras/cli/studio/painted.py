"""Masks from what a visitor has painted on the photograph, in one colour for each purpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
from PIL import ImageColor

from nst_keras import presets

__all__ = ["COLOURS", "masks"]

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


def options(found: presets.Options, styles: int) -> presets.Options:
    """Returns {option: mask or masks} of what was painted.

    Args:
        found: {purpose: mask}, in any form.
        styles: Number of styles that are given.

    Raises:
        ValueError: The second style's brush was used without a second style, or one of two brushes alone.
    """
    wanted = list(COLOURS)[:2]
    brushes = [found[purpose] for purpose in wanted if purpose in found]
    if wanted[1] in found and styles < 2:
        raise ValueError(
            "style_mask: the second style's brush was used, but no second style is given. Give one, or erase it."
        )
    if styles == 2 and len(brushes) == 1:
        raise ValueError("style_mask: one style's brush was used, but two styles are given. Paint where each goes.")
    made: dict[str, Any] = {}
    if brushes:
        made["style_mask"] = brushes if styles > 1 else brushes[0]
    if (stays := found.get("stays a photograph")) is not None:
        made["content_mask"] = stays
    return made


def _nearest(colours: np.ndarray) -> np.ndarray:
    """Returns the index of the nearest brush for each pixel, [height, width], of colours uint8 [height, width, 3]."""
    brushes = np.array([ImageColor.getrgb(colour) for colour in COLOURS.values()])
    return np.abs(colours[..., None, :].astype(int) - brushes).sum(-1).argmin(-1)
