"""The shape of the landscape's land: a lake in a valley, hills, ranges and a summit, in metres.

Points lie at x to the right of the viewer and z away from him; heights are above the lake.
"""

from __future__ import annotations

import numpy as np

from tools.drawing import canvas

__all__ = ["distances", "ground", "shore"]

_STOPS = (30.0, 160.0, 1500.0, 16000.0)  # Nearest and farthest, and where the density of points changes.


def distances(count: int) -> np.ndarray:
    """Returns rising distances [count] to sample the land at, denser where land is to be seen than over the lake."""
    return np.exp(np.interp(np.linspace(0, 1, count), [0, 0.10, 0.48, 1], np.log(_STOPS))).astype(np.float32)


def shore(directions: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Returns metres from the lake's edge, below 0 in it: a bank near by, a headland to the left, and the far side."""
    wobble = canvas.turbulence(directions, x / 130, z / 130, octaves=4)
    lake = (np.hypot((x - 30) / 330, (np.maximum(z, 320) - 320) / 260) - 1 + 0.16 * wobble) * 260
    along = np.clip((z - 205) / 500, 0, 1)
    headland = 46 + 90 * along + 14 * wobble - np.hypot(x + 100 + 330 * along, (z - 212 - 500 * along) * 0.8)
    bank = 71 + 24 * canvas.smoothstep(8, 45, x) + 8 * canvas.smoothstep(-15, -45, x) + 5 * wobble - z
    return np.maximum(np.maximum(lake, headland), bank).astype(np.float32)


def ground(directions: np.ndarray, x: np.ndarray, z: np.ndarray, shore: np.ndarray) -> np.ndarray:
    """Returns heights of the bare land, at points that lie `shore` metres from the lake."""
    inland = np.maximum(shore, 0)
    bank = 1.3 * (1 - np.exp(-inland / 25)) + 0.03 * inland
    bumps = 1.2 * canvas.turbulence(directions, x / 30 + 40, z / 30, octaves=2) * np.minimum(inland / 20, 1)
    aside = canvas.smoothstep(0.02, 0.55, np.abs(x / z - 0.13))
    hills = canvas.turbulence(directions, x / 800 + 3.1, z / 800 + 8.2, octaves=5) * 0.5 + 0.5
    hills *= np.interp(inland, [0, 60, 300, 900, 2500, 6000], [0, 3, 60, 190, 300, 300]) * (0.45 + 0.75 * aside)
    folds = 0.6 + canvas.noise(directions, x / 700, z / 1900)
    ranges = 330 * np.exp(-np.square((z - 3300) / 600)) * (0.3 + aside) * folds
    return (bank + bumps + hills + ranges + _mountains(directions, x, z, aside)).astype(np.float32)


def _mountains(directions: np.ndarray, x: np.ndarray, z: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """Returns peaks that rise to both sides of the valley, and one summit above them, left of its end."""
    warp = 500 * canvas.noise(directions, x / 2500, z / 2500)
    peaks = canvas.turbulence(directions, (x + warp) / 5200 + 0.3, z / 5200 + 2.2, octaves=5, gain=0.42, ridged=True)
    peaks *= np.interp(z, [1500, 3500, 6000, 9000, 16000], [0, 170, 620, 1150, 1300]) * (0.30 + 0.70 * aside)
    away = np.hypot((x + warp + 1900) / 2300, (z - 9500) / 3000)
    crags = canvas.turbulence(directions, (x + warp) / 1500, z / 1500 + 6, octaves=4, gain=0.42, ridged=True)
    summit = 2350 * np.exp(-1.55 * away) * (1 + 0.35 * crags) * np.interp(z, [2500, 6500], [0, 1])
    return peaks * (1 - 0.75 * np.exp(-np.square(away))) + summit
