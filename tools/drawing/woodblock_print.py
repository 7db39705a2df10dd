"""A great wave in the manner of a Japanese woodblock print, drawn from curves: a style picture.

Its unit of length is the print's height; prints of another shape than 3 to 2 are cut from its middle.
"""

from __future__ import annotations

import numpy as np

from tools.drawing import canvas, curves
from tools.drawing import woodblock_press as press
from tools.drawing import woodblock_wave as wave

__all__ = ["woodblock"]

# Skies from the top down, and where their colours lie.
_SKIES = (
    ((58, 82, 112), (132, 146, 148), (208, 198, 168), (232, 218, 184), (236, 206, 168), (226, 184, 150)),  # Dawn.
    ((36, 58, 102), (92, 128, 152), (176, 194, 182), (228, 220, 190), (234, 220, 178), (222, 208, 160)),  # Day.
    ((66, 54, 84), (142, 108, 116), (206, 160, 140), (232, 196, 158), (240, 186, 130), (228, 150, 104)),  # Evening.
)
_STOPS = (0, 0.09, 0.22, 0.42, 0.58, 0.70)
_RIDGE = (
    (-0.20, 0.66), (-0.06, 0.635), (0.05, 0.655), (0.14, 0.60), (0.185, 0.585), (0.23, 0.61), (0.32, 0.655),
    (0.46, 0.672), (0.60, 0.69),
)  # fmt: skip
_MIST = ((-0.30, 0.27, 0.400, 0.026), (0.12, 0.44, 0.432, 0.018), (0.31, 0.60, 0.372, 0.012))
_SEAL = (
    ((0.010, 0.014), (0.041, 0.014)), ((0.025, 0.008), (0.025, 0.036)), ((0.012, 0.026), (0.038, 0.026)),
    ((0.012, 0.046), (0.012, 0.070)), ((0.012, 0.046), (0.039, 0.046)), ((0.039, 0.046), (0.039, 0.070)),
    ((0.020, 0.058), (0.032, 0.058)), ((0.012, 0.070), (0.039, 0.070)),
)  # fmt: skip


def woodblock(height: int = 512, width: int = 768, *, seed: int = 0) -> np.ndarray:
    """Draws a great wave with foam like claws, a red sun and a boat, in flat Prussian blues on cream paper.

    Args:
        height: In pixels.
        width: In pixels.
        seed: Another seed cuts another wave, under another sky.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        ValueError: A height or width below 1, a seed below 0, or one that is no whole number.
    """
    canvas.check(height, width, seed)
    random = np.random.default_rng(seed)
    rows, columns = canvas.working_size(height, width, scale=2.0)
    unit = max(rows, columns / 1.5)
    blocks = press.Blocks(rows, columns, unit, ((columns - 1.5 * unit) / 2, (rows - unit) / 2))
    _distance(blocks, random)
    crests = wave.great_wave(blocks, random)
    _boat(blocks, (0.53, 0.80), 0.30, -0.10)
    wave.swell(blocks, random)
    wave.spray(blocks, random, crests)
    _seal(blocks, (0.06 - blocks.origin[0] / unit, 0.06 - blocks.origin[1] / unit))
    picture = press.impression(blocks, random, _sky(rows, columns, seed))
    return canvas.finished(picture[:, ::-1] if seed % 2 else picture, height, width)


def _sky(rows: int, columns: int, seed: int) -> np.ndarray:
    """Returns the sky's colours, wiped by hand from dark to light (bokashi)."""
    y = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    colours = np.array(_SKIES[seed % len(_SKIES)]) / 255
    return canvas.ramp(colours, np.broadcast_to(y, (rows, columns)), _STOPS)


def _distance(blocks: press.Blocks, random: np.random.Generator) -> None:
    """Draws the sun, mist before it, a far coast and the open sea."""
    sun = np.array([0.36, 0.33]) + random.uniform(-0.03, 0.03, 2)
    blocks.dot(*sun, 0.115, "red")
    for left, right, y, thick in _MIST:
        blocks.stroke(np.array([(left, y), (right, y)]), thick, "foam")
        blocks.dot(left, y, thick / 2, "foam")
        blocks.dot(right, y, thick / 2, "foam")
    ridge = np.array(_RIDGE) + random.normal(0, 0.006, (len(_RIDGE), 2))
    blocks.shape(np.concatenate([curves.smooth(ridge), [(0.6, 0.72), (-0.2, 0.72)]]), "far", 0.0026)
    blocks.shape(np.array([(-0.2, 0.685), (1.7, 0.685), (1.7, 1.1), (-0.2, 1.1)]), "pale", 0.003)
    for place, y in enumerate((0.705, 0.728, 0.755, 0.79)):
        x = np.linspace(-0.1, 1, 200)
        path = np.stack([x, y + 0.004 * np.sin(36 * x + place)], axis=1)
        blocks.stroke(path, 0.006 + 0.004 * np.sin(21 * x + 2 * place), ("mid", "foam")[place % 2])


def _boat(blocks: press.Blocks, middle: tuple[float, float], length: float, tilt: float) -> None:
    """Draws a long boat with rowers, tilted by radians."""
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])

    def put(x: np.ndarray | list[float], y: np.ndarray | list[float]) -> np.ndarray:
        return np.stack([np.asarray(x) * length / 2, np.asarray(y) * length], axis=1) @ turn + middle

    t = np.linspace(-1, 1, 40)
    top, low = put(t, -0.16 * np.abs(t) ** 2.2), put(t * 0.96, 0.085 - 0.22 * np.abs(t) ** 2.6)
    blocks.shape(np.concatenate([top, low[::-1]]), "wood", 0.0032)
    for place, x in enumerate(np.linspace(-0.52, 0.48, 6)):
        bow = 0.03 * np.sin(2.1 * place)
        blocks.line(put([x + 0.02, x - 0.20], [-0.02, 0.15]), 0.003, taper=False)
        body = put([x - 0.075, x + 0.085, x + 0.05 + bow, x - 0.02 + bow], [0.0, 0.0, -0.07, -0.075])
        blocks.shape(body, ("robe", "red", "robe", "pale")[place % 4], 0.002)
        head = put([x + 0.02 + 1.3 * bow], [-0.090])[0]
        blocks.dot(*head, 0.022 * length, "foam", 0.002)
        blocks.line(head + np.array([(-0.024, 0.002), (-0.008, -0.018), (0.016, -0.016)]) * length, 0.0055)
    blocks.shape(np.concatenate([curves.between(top, low, 0.45), low[::-1]]), "wood", 0.0028)


def _seal(blocks: press.Blocks, corner: tuple[float, float]) -> None:
    """Draws a red seal with invented marks."""
    blocks.fill(np.array([(0, 0), (0.05, 0.001), (0.051, 0.079), (0.001, 0.08)]) + corner, "red")
    for mark in _SEAL:
        blocks.stroke(np.array(mark) + corner, 0.0042, "foam")
