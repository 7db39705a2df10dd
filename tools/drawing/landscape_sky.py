"""The landscape's sky: graded light, the sun and its glow, and clouds in perspective; linear colours."""

from __future__ import annotations

import dataclasses

import numpy as np

from tools.drawing import canvas

__all__ = ["HOURS", "Hour", "air", "sky"]

Colour = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Hour:
    """An hour's colours: the air from the horizon up, clouds from shade to light, the glow round the sun, its light."""

    air: tuple[Colour, ...]
    clouds: tuple[Colour, Colour, Colour]
    glow: Colour
    light: Colour


HOURS = (
    Hour(  # A clear morning.
        ((0.62, 0.66, 0.62), (0.50, 0.62, 0.70), (0.26, 0.44, 0.66), (0.11, 0.26, 0.54), (0.03, 0.10, 0.32)),
        ((0.22, 0.28, 0.38), (0.60, 0.62, 0.66), (1.50, 1.42, 1.25)),
        (0.85, 0.74, 0.48),
        (2.9, 2.4, 1.7),
    ),
    Hour(  # A golden evening.
        ((1.05, 0.47, 0.18), (0.84, 0.43, 0.27), (0.42, 0.40, 0.47), (0.16, 0.26, 0.46), (0.04, 0.10, 0.27)),
        ((0.12, 0.13, 0.22), (0.55, 0.31, 0.27), (1.60, 1.00, 0.62)),
        (1.00, 0.62, 0.26),
        (3.2, 2.15, 1.2),
    ),
    Hour(  # A rose dusk.
        ((1.00, 0.34, 0.22), (0.78, 0.32, 0.34), (0.38, 0.25, 0.42), (0.13, 0.15, 0.36), (0.03, 0.05, 0.19)),
        ((0.08, 0.07, 0.16), (0.48, 0.20, 0.26), (1.50, 0.66, 0.50)),
        (1.00, 0.44, 0.24),
        (2.7, 1.35, 0.95),
    ),
)


def air(hour: Hour, across: np.ndarray, up: np.ndarray, sun: tuple[float, float]) -> np.ndarray:
    """Returns clear air [rows, columns, 3] with the sun's glow, which is the haze's colour too.

    Args:
        hour: Its colours.
        across: [1, columns], units from the picture's middle.
        up: [rows, 1], units above the horizon.
        sun: Where the sun stands, across and up.
    """
    away = np.hypot(across - sun[0], (up - sun[1]) * 1.15)
    colour = canvas.ramp(hour.air, np.broadcast_to(up, away.shape), [0.0, 0.08, 0.20, 0.36, 0.70])
    glow = 0.65 * np.exp(-away / 0.16) + 0.26 * np.exp(-away / 0.42)
    return colour + glow[..., None] * np.float32(hour.glow)


def sky(
    random: np.random.Generator, hour: Hour, across: np.ndarray, up: np.ndarray, sun: tuple[float, float]
) -> np.ndarray:
    """Returns the whole sky [rows, columns, 3], for `up` above 0; its arguments are those of `air`."""
    away = np.hypot(across - sun[0], up - sun[1])
    disc = 5 * canvas.smoothstep(0.030, 0.020, away) + 1.6 * np.exp(-np.square(away / 0.045))
    colour = air(hour, across, up, sun) + disc[..., None] * np.float32([1.0, 0.85, 0.6])
    cover, light = _clouds(canvas.lattice(random), across, up, sun, away)
    lit = canvas.ramp(hour.clouds, light) + 0.9 * np.exp(-away / 0.2)[..., None] * np.float32(hour.glow)
    return canvas.mix(colour, lit, cover)


def _clouds(
    directions: np.ndarray, across: np.ndarray, up: np.ndarray, sun: tuple[float, float], away: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns how much cloud covers the sky, and how much the sun lights it: most where less cloud is in its way."""

    def density(shift: float) -> np.ndarray:
        step = np.float32(shift) / (away + np.float32(0.1))
        x, y = across + step * (sun[0] - across), up + step * (sun[1] - up) + np.float32(0.10)
        x, y = x / y, 1 / y
        warp = canvas.noise(directions, x * 1.1, y * 0.9)
        return canvas.turbulence(directions, x * 1.3 + 0.5 * warp, y * 1.5, octaves=6, gain=0.55)

    here, towards = density(0.0), density(0.035)
    cover = canvas.smoothstep(0.02, 0.5, here) * canvas.smoothstep(0.0, 0.12, up)
    cover *= 0.92 - 0.75 * np.exp(-np.square(away / 0.07))  # Seen through, before the sun.
    return cover, np.clip(0.55 + 1.3 * (here - towards) - 0.35 * (here - 0.3), 0, 1)
