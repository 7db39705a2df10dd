"""What the drawn pictures share: a working size, coordinates, smooth noise, colour ramps and masks.

Lengths are shares of the picture's side or height, never pixels, and no random number depends on the size: so a picture
has one composition at every size. Fields are float32 [height, width]; colours are 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageFilter

from nst_keras import checks

__all__ = [
    "blurred",
    "check",
    "check_square",
    "clouds",
    "coordinates",
    "finished",
    "lattice",
    "mix",
    "noise",
    "ramp",
    "smoothstep",
    "turbulence",
    "working_size",
]

_PERIOD = 256  # Cells after which point noise repeats.


def check(height: int, width: int, seed: int) -> None:
    """Raises `ValueError` unless height and width are whole numbers from 1 and the seed one from 0."""
    checks.integer("height", height)
    checks.integer("width", width)
    checks.integer("seed", seed, minimum=0)


def check_square(side: int, seed: int) -> None:
    """Raises `ValueError` unless the side is a whole number from 1 and the seed one from 0."""
    checks.integer("side", side)
    checks.integer("seed", seed, minimum=0)


def working_size(height: int, width: int, *, least: int = 400, scale: float = 1.0) -> tuple[int, int]:
    """Returns height and width to draw at: `scale` times as large, and for a small picture about `least` pixels a side.

    A small picture is drawn larger and reduced, so that it shows what a large one shows.
    """
    scale = max(scale, least / (height * width) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))


def coordinates(height: int, width: int, *, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns centres of the pixels, x [1, width] and y [height, 1], in units of `unit` pixels; 0 at the upper left."""
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / np.float32(unit)
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / np.float32(unit)
    return x, y


def finished(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns a picture of colours 0..1, reduced to its size: uint8 [height, width, 3]."""
    image = PIL.Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    if image.size != (width, height):
        image = image.resize((width, height), PIL.Image.Resampling.LANCZOS)
    return np.asarray(image)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Returns 0 below `low`, 1 above `high`, an S between; falls where `low` is above `high`."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(first: np.ndarray, second: np.ndarray | Sequence[float], share: np.ndarray | float) -> np.ndarray:
    """Returns `first` where `share` [height, width] is 0, `second` where it is 1; both colours [..., 3]."""
    share = np.asarray(share, np.float32)[..., None]
    return first + share * (np.asarray(second, np.float32) - first)


def ramp(colours: Sequence[Sequence[float]], places: np.ndarray, stops: Sequence[float] | None = None) -> np.ndarray:
    """Returns colours [..., 3] along a ramp, which has its colours at `stops` (default: evenly over 0..1)."""
    table = np.asarray(colours, np.float32)
    stops = np.linspace(0, 1, len(table)) if stops is None else stops
    return np.stack([np.interp(places, stops, table[:, c]).astype(np.float32) for c in range(3)], axis=-1)


def blurred(field: np.ndarray, radius: float) -> np.ndarray:
    """Returns a Gaussian blur of `radius` pixels over a field of 0..1 (in 255 levels: for glows and shadows)."""
    image = PIL.Image.fromarray((np.clip(field, 0, 1) * 255 + 0.5).astype(np.uint8))
    return np.asarray(image.filter(PIL.ImageFilter.GaussianBlur(radius)), np.float32) / 255


def clouds(
    random: np.random.Generator,
    height: int,
    width: int,
    cells: tuple[float, float],
    *,
    octaves: int = 4,
    gain: float = 0.5,
) -> np.ndarray:
    """Returns fractal noise over a whole picture, about -1..1.

    Args:
        random: Draws the same numbers whatever the size.
        height: Pixels.
        width: Pixels.
        cells: Coarsest cells down and across the picture.
        octaves: Each has half the last one's cells.
        gain: Each has this share of the last one's height.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        rows, columns = (max(1.0, cell * 2**octave) for cell in cells)
        points = random.uniform(-1, 1, (int(np.ceil(rows)) + 3, int(np.ceil(columns)) + 3)).astype(np.float32)
        box = (1.5, 1.5, columns + 1.5, rows + 1.5)
        layer = PIL.Image.fromarray(points).resize((width, height), PIL.Image.Resampling.BICUBIC, box=box)
        total += np.float32(1.5 * gain**octave) * np.asarray(layer)
    return total


def lattice(random: np.random.Generator) -> np.ndarray:
    """Returns directions for `noise`: unit complex numbers [65536], complex64."""
    return np.exp(2j * np.pi * random.random(_PERIOD * _PERIOD)).astype(np.complex64)


def noise(directions: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns gradient noise at points, about -1..1, with cells of 1 (Perlin 1985, with the quintic fade of 2002)."""
    column, row = np.floor(x), np.floor(y)
    dx, dy = (x - column).astype(np.float32), (y - row).astype(np.float32)
    left, top = column.astype(np.int32) & (_PERIOD - 1), (row.astype(np.int32) & (_PERIOD - 1)) * _PERIOD
    right, bottom = (left + 1) & (_PERIOD - 1), (top + _PERIOD) & (_PERIOD * _PERIOD - 1)

    def corner(where: np.ndarray, away_x: np.ndarray, away_y: np.ndarray) -> np.ndarray:
        direction = directions.take(where)
        return direction.real * away_x + direction.imag * away_y

    across, down = dx * dx * dx * (dx * (dx * 6 - 15) + 10), dy * dy * dy * (dy * (dy * 6 - 15) + 10)
    upper, lower = corner(top + left, dx, dy), corner(bottom + left, dx, dy - 1)
    upper += across * (corner(top + right, dx - 1, dy) - upper)
    lower += across * (corner(bottom + right, dx - 1, dy - 1) - lower)
    return (upper + down * (lower - upper)) * np.float32(1.5)


def turbulence(
    directions: np.ndarray, x: np.ndarray, y: np.ndarray, *, octaves: int = 4, gain: float = 0.5, ridged: bool = False
) -> np.ndarray:
    """Returns a fractal sum of `noise` at points: about -1..1, or 0..1 with sharp crests where `ridged`."""
    total = np.zeros(np.broadcast(x, y).shape, np.float32)
    height, crest = 1.0, 1.0
    for octave in range(octaves):
        frequency = 2.03**octave
        layer = noise(directions, x * frequency + 17.3 * octave, y * frequency + 5.7 * octave)
        if ridged:
            layer = np.square(1 - np.minimum(np.abs(layer) * np.float32(1.4), 1))
            layer, crest = layer * crest, np.clip(layer * 2, 0, 1)
        total += np.float32(height) * layer
        height *= gain
    return total
