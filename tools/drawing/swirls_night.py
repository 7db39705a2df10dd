"""A night of whirling brush strokes: a style picture. Lengths are shares of the side; y points down."""

from __future__ import annotations

import numpy as np

from tools.drawing import canvas
from tools.drawing import swirls_brush as brush

__all__ = ["swirls"]

# (x, y, radius, sense of rotation, share of lamp light) of each whirl.
_WHIRLS = (
    (0.43, 0.42, 0.165, 1, 0.18),
    (0.645, 0.53, 0.120, -1, 0.15),
    (0.86, 0.14, 0.085, 1, 1.0),
    (0.13, 0.15, 0.070, -1, 0.95),
    (0.33, 0.11, 0.042, 1, 0.9),
    (0.57, 0.13, 0.055, -1, 0.95),
    (0.09, 0.47, 0.060, 1, 0.95),
    (0.90, 0.43, 0.062, -1, 0.95),
    (0.20, 0.74, 0.095, -1, 0.85),
    (0.52, 0.80, 0.062, 1, 0.95),
    (0.80, 0.77, 0.100, 1, 0.80),
    (0.38, 0.94, 0.045, -1, 0.9),
    (0.97, 0.95, 0.060, -1, 0.9),
    (0.03, 0.95, 0.050, 1, 0.9),
)
_NIGHT = ((9, 14, 48), (18, 36, 96), (28, 68, 146), (58, 116, 184), (116, 170, 204), (188, 212, 200))
_LAMP = ((255, 248, 208), (254, 226, 112), (242, 178, 44), (206, 124, 28), (120, 112, 70))
_STRAY = ((40, 120, 120), (150, 160, 90), (214, 160, 60))
# (stroke width, stroke length, strokes, bristles), coarse to fine.
_LAYERS = ((0.034, 0.16, 800, 7), (0.020, 0.13, 2200, 6), (0.0125, 0.085, 4800, 5), (0.0068, 0.055, 6500, 3))


def swirls(side: int = 768, *, seed: int = 0) -> np.ndarray:
    """Draws a night of whirling brush strokes, blue with lights in ochre, at four scales, in thick paint.

    Args:
        side: Height and width in pixels.
        seed: Another seed moves the whirls and lays the strokes differently.

    Returns:
        uint8 [side, side, 3], RGB.

    Raises:
        ValueError: A side below 1, a seed below 0, or one that is no whole number.
    """
    canvas.check_square(side, seed)
    random = np.random.default_rng(seed)
    size, _ = canvas.working_size(side, side, scale=2.0 if side < 1000 else 1.5)
    whirls = np.array(_WHIRLS)
    whirls[:, :2] += random.normal(0, 0.014, (len(whirls), 2))
    painting = brush.Painting(size, _NIGHT[2])
    for width, length, count, bristles in _LAYERS:
        starts = random.uniform(-0.08, 1.04, (count, 2))
        paths = _streamlines(whirls, starts, length * random.uniform(0.6, 1.3, count))
        colours = _colours(whirls, paths[:, paths.shape[1] // 2], random)
        painting.strokes(random, paths, width * random.uniform(0.7, 1.2, count), colours, bristles)
    return canvas.finished(painting.lit(random), side, side)


def _wind(whirls: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the stream function [n] at points [n, 2], and the wind's direction: left to right, bent into each whirl.

    The stream function is the same all along a streamline of the wind but for its pull inwards.
    """
    x, y = points.T
    away_x, away_y = x[:, None] - whirls[:, 0], y[:, None] - whirls[:, 1]
    spread = 2 * (0.72 * whirls[:, 2]) ** 2
    turn = 9 * whirls[:, 3] / whirls[:, 2] * np.exp(-(away_x**2 + away_y**2) / spread)
    inwards = 0.22 * np.abs(turn)
    u = 1 - np.sum(turn * away_y + inwards * away_x, axis=1)
    v = 0.5 * np.sin(6.5 * x + 3 * y) + np.sum(turn * away_x - inwards * away_y, axis=1)
    stream = y + 0.5 / 6.5 * np.cos(6.5 * x + 3 * y) + np.sum(turn * spread / 2, axis=1)
    return stream, np.stack([u, v], axis=1) / np.maximum(np.hypot(u, v), 1e-6)[:, None]


def _streamlines(whirls: np.ndarray, starts: np.ndarray, lengths: np.ndarray, steps: int = 8) -> np.ndarray:
    """Returns paths [n, steps + 1, 2] with the wind, by the midpoint rule."""
    points = [starts]
    step = lengths[:, None] / steps
    for _ in range(steps):
        _, way = _wind(whirls, points[-1])
        _, way = _wind(whirls, points[-1] + way * step / 2)
        points.append(points[-1] + way * step)
    return np.stack(points, axis=1)


def _colours(whirls: np.ndarray, points: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Returns blues in bands along the wind, lamp light towards the hearts of whirls, a few strays; 0..255 [n, 3]."""
    (x, y), count = points.T, len(points)
    stream, _ = _wind(whirls, points)
    mood = 0.42 + 0.14 * np.sin(3.1 * x - 2.3 * y + 1.0) + 0.10 * np.sin(5.3 * y + 4.1 * x)
    bands = 0.30 * np.sin(2 * np.pi * 6 * stream) + 0.12 * np.sin(2 * np.pi * 17 * stream)
    colours = canvas.ramp(_NIGHT, mood + bands + random.normal(0, 0.10, count))
    away = np.hypot(x[:, None] - whirls[:, 0], y[:, None] - whirls[:, 1]) / whirls[:, 2]
    near, lamp = away.min(axis=1), whirls[away.argmin(axis=1), 4]
    chance = lamp * (np.exp(-((near / 0.80) ** 3)) + 0.25 * np.exp(-np.square((near - 1.15) / 0.16)))
    light = canvas.ramp(_LAMP, 0.95 * near + random.normal(0, 0.10, count))
    lit, stray = random.random(count) < chance, random.random(count) < 0.025
    strays = canvas.ramp(_STRAY, random.random(count))
    colours = np.where(lit[:, None], light, np.where(stray[:, None], strays, colours))
    return np.clip(colours + random.normal(0, 6, (count, 3)), 0, 255)
