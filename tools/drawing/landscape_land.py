"""The landscape's land as a camera sees it: lit, wooded, and looked up for each pixel, straight or in the lake.

The land is sampled on a fan of points, columns of the picture by distances. A view looks up, for each pixel, the first
point of its column that stands in its way: so hills hide one another, and what the lake mirrors is exact.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tools.drawing import canvas
from tools.drawing import landscape_terrain as terrain

__all__ = ["CAMERA", "FOCAL", "Fan", "View", "fan", "view"]

FOCAL = 1.15  # In the picture's units.
CAMERA = 24.0  # Metres above the lake.
_SUN = np.float32([0.80, 0.50, -0.33])  # Where the light comes from: lower and more from the side than the sun stands.
_SKY_LIGHT = np.float32([0.11, 0.16, 0.27])


@dataclasses.dataclass
class Fan:
    """The land at [distances, columns]: metres, linear colours as lit without the air between, and where water is.

    `shores` are the last point of each column's first water and of its last, -1 where it has none.
    """

    distances: np.ndarray
    heights: np.ndarray
    colours: np.ndarray
    water: np.ndarray
    shores: tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass
class View:
    """What pixels [rows, columns] see: linear colour, distance in metres (infinite for sky), whether it is water."""

    colours: np.ndarray
    distances: np.ndarray
    water: np.ndarray


def fan(random: np.random.Generator, across: np.ndarray, count: int, light: np.ndarray) -> Fan:
    """Samples the land.

    Args:
        random: Draws the land.
        across: [columns], units from the picture's middle.
        count: Distances.
        light: Colour of the sun's light, linear.
    """
    directions = canvas.lattice(random)
    distances = terrain.distances(count)
    z = distances[:, None]
    x = across.astype(np.float32)[None] * z / np.float32(FOCAL)
    shore = terrain.shore(directions, x, z)
    ground = terrain.ground(directions, x, z, shore)
    grain = canvas.turbulence(directions, x / z * 32, np.log(z) * 32 + ground / 90, octaves=5, gain=0.6)
    lit, steep = _sunlight(ground, x, z)
    lit *= np.clip(1 + 0.8 * grain, 0.3, 1.7)
    patches = canvas.turbulence(directions, x / 160 + 7, z / 160, octaves=4)
    woods = _woods(x, z, shore, ground, patches, grain)
    rise, shade, tone = _trees(random, x, z, woods)
    albedo = canvas.mix(_cover(shore, ground, steep, patches, grain, woods), tone, rise > 0)
    lit = np.where(rise > 0, shade * (0.25 + 0.75 * lit), lit)
    sky_light = _SKY_LIGHT * np.where(rise > 0, 0.35 + 0.65 * shade, 1)[..., None]
    water = shore < 0
    heights = np.where(water, 0, ground + rise)
    return Fan(distances, heights, albedo * (lit[..., None] * light + sky_light), water, _far_shores(water))


def _far_shores(water: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the last point of each column's first water, and of its last."""
    order = np.arange(len(water))[:, None]
    begun = np.maximum.accumulate(water, axis=0)
    first = np.argmax(begun & ~water, axis=0) - 1
    return first, np.max(np.where(water, order, -1), axis=0)


def _sunlight(ground: np.ndarray, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share of the sun's light at each point, from the right, with cast shadows; and the steepness."""
    across = np.gradient(ground, axis=1) / np.maximum(np.gradient(x, axis=1), 1e-3)
    along = np.gradient(ground, axis=0) / np.gradient(z, axis=0) - across * x / z
    length = np.sqrt(across * across + along * along + 1)
    facing = np.clip((-across * _SUN[0] + _SUN[1] - along * _SUN[2]) / length, 0, 1)
    ray = ground - x * np.float32(0.42)
    hidden = np.maximum.accumulate(ray[:, ::-1], axis=1)[:, ::-1] - ray
    return facing * (1 - 0.85 * canvas.smoothstep(0, 0.012, hidden / z)), 1 - 1 / length


def _woods(
    x: np.ndarray, z: np.ndarray, shore: np.ndarray, ground: np.ndarray, patches: np.ndarray, grain: np.ndarray
) -> np.ndarray:
    """Returns the share of wooded land: in patches, up to a height, not where trees would hide lake and cabin."""
    woods = canvas.smoothstep(-0.15, 0.1, patches + 0.35 * canvas.smoothstep(100, 700, shore) - 0.1)
    woods *= canvas.smoothstep(650, 420, ground + 150 * grain) * canvas.smoothstep(4, 14, shore)
    clearing = np.hypot(x + 96, (z - 205) / 1.4)
    return woods * canvas.smoothstep(24, 34, clearing) * canvas.smoothstep(215, 235, z)


def _cover(
    shore: np.ndarray, ground: np.ndarray, steep: np.ndarray, patches: np.ndarray, grain: np.ndarray, woods: np.ndarray
) -> np.ndarray:
    """Returns the colour of the ground: sand, meadows, the floor of woods, rock, snow."""
    place = 0.5 + 0.5 * patches + 0.12 * grain
    meadow = canvas.ramp([(0.05, 0.075, 0.02), (0.11, 0.125, 0.035), (0.20, 0.165, 0.06)], place)
    wood = canvas.ramp([(0.018, 0.035, 0.012), (0.05, 0.075, 0.02)], 0.5 + 0.6 * grain)
    rock = canvas.ramp([(0.05, 0.045, 0.045), (0.14, 0.12, 0.11), (0.26, 0.23, 0.21)], 0.5 + 0.7 * grain)
    cover = canvas.mix(meadow, wood, woods)
    cover = canvas.mix(cover, rock, canvas.smoothstep(420, 700, ground + 200 * grain))
    snow = canvas.smoothstep(650, 1050, ground + 160 * grain) * canvas.smoothstep(0.30, 0.12, steep + 0.06 * grain)
    cover = canvas.mix(cover, (0.74, 0.78, 0.86), snow)
    return canvas.mix(cover, (0.32, 0.27, 0.19), canvas.smoothstep(3, 0, shore + 1.5 * patches))


def _trees(
    random: np.random.Generator, x: np.ndarray, z: np.ndarray, woods: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns heights of firs that stand one to a cell, the light on them and their colour."""
    size = 9.0
    table = random.random((65536, 4)).astype(np.float32)
    column, row = np.floor(x / size), np.floor(z / size)
    cell = table[(column.astype(np.int32) & 255) + (row.astype(np.int32) & 255) * 256]
    dx = x / size - column - 0.5 - 0.25 * (cell[..., 0] - 0.5)
    dz = z / size - row - 0.5 - 0.25 * (cell[..., 1] - 0.5)
    stands = (cell[..., 2] < woods) & (z < 5000)
    radius = 0.28 + 0.14 * cell[..., 3]
    ragged = 1 + 0.35 * np.sin(x * 2.3 + 5 * cell[..., 0]) * np.sin(z * 2.9) * np.exp(-z / 700)
    rise = np.where(stands, np.clip(1 - np.hypot(dx, dz) * ragged / radius, 0, 1), 0)
    tall = 9 + 14 * cell[..., 3]
    branches = 0.22 * np.sin(48 * rise + 6 * cell[..., 2]) * np.exp(-z / 700)
    shade = np.clip(0.30 + 0.35 * rise + 0.65 * dx / radius - 0.4 * dz + branches, 0.02, 1)
    tone = canvas.ramp([(0.03, 0.055, 0.016), (0.085, 0.11, 0.028), (0.17, 0.13, 0.03)], cell[..., 1] ** 2)
    return rise * tall, shade, tone


def view(land: Fan, tangents: np.ndarray, *, beyond: np.ndarray | None = None) -> View:
    """Returns what pixels at `tangents` [rows] (of the angle above the horizon, rising) see of the land.

    Args:
        land: The land.
        tangents: Rising.
        beyond: If given, the land is seen from below the lake, as its mirror shows it, and what stands no farther than
            these points [columns] is left out.
    """
    z = land.distances[:, None]
    eye = CAMERA if beyond is None else -CAMERA
    seen = (land.heights - eye) / z
    order = np.arange(len(z))[:, None]
    if beyond is not None:
        seen = np.where(order <= beyond, -1e3, seen)
    top = np.maximum.accumulate(seen, axis=0)
    first = np.stack([np.searchsorted(column, tangents) for column in np.ascontiguousarray(top.T)], axis=1)
    sky = first == len(z)
    after = np.minimum(first, len(z) - 1)
    before = np.maximum(after - 1, 0)
    columns = np.arange(seen.shape[1])[None]
    low, high = seen[before, columns], seen[after, columns]
    share = np.clip((tangents[:, None] - low) / np.maximum(high - low, 1e-9), 0, 1).astype(np.float32)
    share = np.where(low < -100, 1, share)
    colours = canvas.mix(land.colours[before, columns], land.colours[after, columns], share)
    distances = land.distances[before] + share * (land.distances[after] - land.distances[before])
    return View(colours, np.where(sky, np.inf, distances), land.water[after, columns] & ~sky)
