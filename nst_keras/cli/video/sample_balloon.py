"""A hot-air balloon drawn by code, larger than any frame shows it: what moves in the sample clips.

Its unit of length is the radius of its envelope, and its origin the envelope's centre. y grows downwards.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

__all__ = ["HEIGHT", "WIDTH", "balloon"]

# The picture's sides, in pixels. Around the balloon lies a transparent border.
WIDTH, HEIGHT = 480, 640
_SUPERSAMPLING = 2  # Drawn larger by this factor, for smooth edges.
_RADIUS = 192.0  # Pixels.
_CENTRE = (240.0, 252.0)

_SHOULDER = np.radians(40.0)  # Below the equator: there the sphere turns into a cone.
_MOUTH = 1.38  # Where the cone ends.
_GORES = 20  # Panels from pole to pole, all around.
_LIGHT = np.array([0.45, -0.55, 0.70]) / np.linalg.norm([0.45, -0.55, 0.70])  # To the right, downwards, to the viewer.

_CRIMSON, _CREAM, _GOLD, _NAVY = (196, 44, 38), (250, 236, 204), (242, 176, 42), (30, 52, 104)
_ROPE, _WICKER, _DARK_WICKER, _SKIN, _FLAME = (
    (74, 60, 48),
    (150, 100, 54),
    (96, 60, 32),
    (224, 172, 136),
    (255, 214, 120),
)


@functools.cache
def balloon() -> PIL.Image.Image:
    """Returns the balloon, `HEIGHT` by `WIDTH` pixels, RGBA."""
    size = (WIDTH * _SUPERSAMPLING, HEIGHT * _SUPERSAMPLING)
    picture = PIL.Image.new("RGBA", size)
    _draw_basket(PIL.ImageDraw.Draw(picture))
    picture.alpha_composite(_envelope(size))
    return picture.reduce(_SUPERSAMPLING)


def _envelope(size: tuple[int, int]) -> PIL.Image.Image:
    """Returns the envelope alone, RGBA, of a width and a height in pixels."""
    unit = _RADIUS * _SUPERSAMPLING
    x = ((np.arange(size[0]) + 0.5) / unit - _CENTRE[0] / _RADIUS).astype(np.float32)[None, :]
    y = ((np.arange(size[1]) + 0.5) / unit - _CENTRE[1] / _RADIUS).astype(np.float32)[:, None]
    radius = _radius(y)
    inside = np.abs(x) < radius
    longitude = np.arcsin(np.clip(x / np.maximum(radius, 1e-6), -1, 1))
    colours = _cloth(longitude, np.broadcast_to(y, longitude.shape)) * _shade(longitude, y)[..., None]
    pixels = np.dstack([colours.clip(0, 255).round().astype(np.uint8), np.where(inside, 255, 0).astype(np.uint8)])
    return PIL.Image.fromarray(pixels)


def _radius(y: np.ndarray) -> np.ndarray:
    """Returns the envelope's radius at a height; 0 above and below it."""
    sphere = np.sqrt(np.maximum(1 - y**2, 0))
    cone = np.cos(_SHOULDER) - (y - np.sin(_SHOULDER)) * np.tan(_SHOULDER)
    return np.where(y < np.sin(_SHOULDER), sphere, np.where(y < _MOUTH, cone, 0))


def _cloth(longitude: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the cloth's colours [rows, columns, 3]: stripes, a band of diamonds, and a plain crown and scoop."""
    gore = (longitude / (2 * np.pi) * _GORES + 0.3) % 2
    diamond = np.abs(gore % 1 - 0.5) + np.abs(y - 0.02) / 0.24
    palette = np.array([_CRIMSON, _CREAM, _GOLD, _NAVY], np.float32)
    crimson, cream, gold, navy = range(4)
    cloth = np.where(gore < 1, crimson, cream)
    for where, colour in (
        (np.abs(y - 0.02) < 0.23, gold),
        (np.abs(y - 0.02) < 0.19, navy),
        ((diamond < 0.42) & (np.abs(y - 0.02) < 0.19), gold),
        (y < -0.90, gold),
        (y < -0.955, navy),
        (y > 1.00, gold),
        (y > 1.05, navy),
    ):
        cloth[where] = colour
    return palette[cloth]


def _shade(longitude: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns how bright the cloth is: lit from one side, and darker along the seams between its bulging gores."""
    latitude = np.clip(y, -1, np.sin(_SHOULDER))
    around = np.sqrt(1 - latitude**2)
    normal = (np.sin(longitude) * around, latitude, np.cos(longitude) * around)
    lit = sum(part * towards for part, towards in zip(normal, _LIGHT, strict=True))
    seam = np.abs((longitude / (2 * np.pi) * _GORES + 0.3) % 1 - 0.5) * 2
    return (0.52 + 0.56 * np.clip(lit, 0, 1)) * (1 - 0.16 * (seam * seam * seam) ** 2)


def _draw_basket(draw: PIL.ImageDraw.ImageDraw) -> None:
    """Draws what hangs below the envelope: the flame, ropes, two travellers and the basket."""
    draw.polygon(_pixels([(-0.05, 1.46), (0.0, 1.24), (0.05, 1.46)]), fill=_FLAME)
    for top, bottom in ((-0.14, -0.15), (-0.05, -0.06), (0.05, 0.06), (0.14, 0.15)):
        draw.line(_pixels([(top, 1.36), (bottom, 1.66)]), fill=_ROPE, width=3 * _SUPERSAMPLING)
    for middle, coat in ((-0.07, _NAVY), (0.06, _CRIMSON)):
        draw.rectangle(_pixels([(middle - 0.05, 1.57), (middle + 0.05, 1.68)]), fill=coat)
        draw.ellipse(_pixels([(middle - 0.035, 1.50), (middle + 0.035, 1.57)]), fill=_SKIN)
    draw.polygon(_pixels([(-0.16, 1.64), (0.16, 1.64), (0.13, 1.86), (-0.13, 1.86)]), fill=_WICKER)
    for row in np.arange(1.70, 1.86, 0.045):
        draw.line(
            _pixels([(-0.15 + (row - 1.64) / 8, row), (0.15 - (row - 1.64) / 8, row)]), fill=_DARK_WICKER, width=3
        )
    draw.rectangle(_pixels([(-0.17, 1.63), (0.17, 1.67)]), fill=_DARK_WICKER)


def _pixels(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns points as pixels of the supersampled picture."""
    return [
        ((x * _RADIUS + _CENTRE[0]) * _SUPERSAMPLING, (y * _RADIUS + _CENTRE[1]) * _SUPERSAMPLING) for x, y in points
    ]
