"""Pictures that need no download: a photograph of matplotlib's sample data, and a painting drawn by code.

Wherever a picture is taken, `"sample:NAME"` names one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import PIL.Image
import PIL.ImageDraw

from nst_keras import checks

__all__ = ["PREFIX", "SAMPLES", "draw", "grace_hopper", "swirls"]

PREFIX = "sample:"

# (x, y, radius, sense of rotation) of each whirl, in shares of the picture's side.
_WHIRLS = (
    (0.30, 0.32, 0.16, 1),
    (0.68, 0.24, 0.11, -1),
    (0.62, 0.62, 0.19, 1),
    (0.18, 0.74, 0.12, -1),
    (0.90, 0.48, 0.10, 1),
    (0.88, 0.86, 0.13, -1),
    (0.42, 0.92, 0.10, 1),
    (0.06, 0.16, 0.10, -1),
)
_NIGHT = np.array([(14, 22, 62), (24, 52, 118), (44, 98, 168), (92, 152, 190), (168, 196, 186)], np.float32)
_LIGHT = np.array([(196, 122, 30), (236, 178, 46), (250, 222, 110), (255, 246, 196)], np.float32)
# (stroke width, stroke length, strokes), coarse to fine, all in shares of the side.
_LAYERS = ((0.030, 0.14, 1100), (0.016, 0.12, 3100), (0.008, 0.09, 7800), (0.0045, 0.05, 6000))


def draw(name: str) -> np.ndarray:
    """Draws the sample that `"sample:NAME"` names.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        ValueError: Unknown name.
    """
    return SAMPLES[checks.one_of("sample", name.removeprefix(PREFIX), SAMPLES)]()


def grace_hopper() -> np.ndarray:
    """Rear Admiral Grace Hopper, a photograph by the US Navy in the public domain, from matplotlib's sample data.

    Returns:
        uint8 [600, 512, 3], RGB.
    """
    from matplotlib import cbook  # noqa: PLC0415  Slow to import, and only this picture needs it.

    with cbook.get_sample_data("grace_hopper.jpg") as file, PIL.Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


def swirls(side: int = 768, *, seed: int = 0) -> np.ndarray:
    """A night of whirling brush strokes, blue with lights in ochre, at four scales.

    Args:
        side: Height and width in pixels.
        seed: Another seed lays the strokes differently.

    Returns:
        uint8 [side, side, 3], RGB.
    """
    checks.integer("side", side)
    random = np.random.default_rng(seed)
    scale = 2  # Drawn at twice the size and reduced, for smooth edges.
    canvas = PIL.Image.new("RGB", (side * scale, side * scale), tuple(int(c) for c in _NIGHT[0]))
    pen = PIL.ImageDraw.Draw(canvas)
    for width, length, count in _LAYERS:
        for start in random.uniform(-0.1, 1.0, (count, 2)):
            path = _streamline(start, length * random.uniform(0.6, 1.3))
            _paint(pen, path * side * scale, width * side * scale * random.uniform(0.7, 1.2), _colour(start, random))
    return np.asarray(canvas.resize((side, side), PIL.Image.Resampling.LANCZOS))


def _flow(x: float, y: float) -> tuple[float, float]:
    """Direction of the strokes at a point: a wavy wind from left to right, bent around each whirl."""
    u, v = 1.0, 0.45 * math.sin(7 * x + 4 * y)
    for centre_x, centre_y, radius, sense in _WHIRLS:
        dx, dy = x - centre_x, y - centre_y
        pull = 9 * sense * math.exp(-(dx * dx + dy * dy) / (2 * (0.7 * radius) ** 2)) / radius
        u, v = u - pull * dy, v + pull * dx
    norm = math.hypot(u, v) or 1.0
    return u / norm, v / norm


def _streamline(start: np.ndarray, length: float, steps: int = 10) -> np.ndarray:
    points = [tuple(start)]
    for _ in range(steps):
        x, y = points[-1]
        u, v = _flow(x, y)
        points.append((x + u * length / steps, y + v * length / steps))
    return np.array(points)


def _colour(point: np.ndarray, random: np.random.Generator) -> tuple[int, ...]:
    """Ochre near the heart of a whirl, blue elsewhere, in rings, never twice the same."""
    x, y = point
    distance, radius = min((math.hypot(x - cx, y - cy), r) for cx, cy, r, _ in _WHIRLS)
    glow = math.exp(-((distance / (0.55 * radius)) ** 2))
    palette = _LIGHT if random.random() < glow * 1.15 else _NIGHT
    ring = 0.5 + 0.5 * math.sin(38 * distance + 5 * math.sin(3 * x + 2 * y))
    tone = glow if palette is _LIGHT else 0.85 * ring
    place = np.clip(tone + random.normal(0, 0.16), 0, 1) * (len(palette) - 1)
    low = min(int(place), len(palette) - 2)
    colour = palette[low] + (place - low) * (palette[low + 1] - palette[low]) + random.normal(0, 7, 3)
    return tuple(int(c) for c in np.clip(colour, 0, 255))


def _paint(pen: PIL.ImageDraw.ImageDraw, path: np.ndarray, width: float, colour: tuple[int, ...]) -> None:
    """One stroke: a rounded line with a lighter ridge along one edge, as thick paint has."""
    points = [tuple(p) for p in path]
    pen.line(points, fill=colour, width=max(1, round(width)), joint="curve")
    ridge = tuple(min(255, int(c * 1.12 + 10)) for c in colour)
    offset = width * 0.28
    pen.line([(x, y - offset) for x, y in points], fill=ridge, width=max(1, round(width * 0.22)), joint="curve")


SAMPLES: dict[str, Callable[[], np.ndarray]] = {"grace_hopper": grace_hopper, "swirls": swirls}
