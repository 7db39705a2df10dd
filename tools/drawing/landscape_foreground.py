"""What stands near in the landscape: a cabin and a boat in metres, firs and grass in shares of the picture's height."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import PIL.Image
import PIL.ImageDraw

from tools.drawing import landscape_land as land

__all__ = ["Sheet", "boat", "cabin", "fir", "grass"]

Colour = tuple[int, int, int]

_PETALS: tuple[Colour, ...] = ((240, 226, 200), (226, 170, 50), (190, 60, 50))


@dataclasses.dataclass
class Sheet:
    """A picture to draw on: where its horizon lies and how many pixels its unit of length has."""

    image: PIL.Image.Image
    horizon: float
    unit: float
    eye: float = land.CAMERA

    def __post_init__(self) -> None:
        self.pen = PIL.ImageDraw.Draw(self.image)

    def place(self, points: np.ndarray) -> np.ndarray:
        """Returns pixels [n, 2] of points [n, 2]: shares across from the middle and up from the horizon."""
        return np.stack([self.image.width / 2 + points[:, 0] * self.unit, self.horizon - points[:, 1] * self.unit], 1)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Returns pixels [n, 2] of points [n, 3] in metres: to the right, above the lake, away."""
        away = points[:, 2]
        flat = np.stack([points[:, 0] / away, (points[:, 1] - self.eye) / away], 1)
        return self.place(flat * land.FOCAL)

    def polygon(self, points: np.ndarray, colour: Colour) -> None:
        """Fills a polygon of pixels."""
        self.pen.polygon(np.ravel(points).tolist(), fill=colour)

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """Draws a line through pixels, `width` shares wide and at least one pixel."""
        self.pen.line(np.ravel(points).tolist(), fill=colour, width=max(1, round(width * self.unit)))

    def dot(self, middle: np.ndarray, radius: float, colour: Colour) -> None:
        """Draws a disc, seen from a little above, around a pixel; its radius is a share."""
        x, y = middle
        wide = radius * self.unit
        self.pen.ellipse((x - wide, y - 0.8 * wide, x + wide, y + 0.8 * wide), fill=colour)


def cabin(sheet: Sheet, foot: tuple[float, float, float]) -> None:
    """Draws a log cabin with lit windows, gable to the viewer, 17 metres long, standing at `foot`."""
    turn = math.radians(28)
    cos, sin = math.cos(turn), math.sin(turn)

    def face(*corners: tuple[float, float, float]) -> np.ndarray:
        x, y, z = np.array(corners, float).T
        return sheet.project(np.stack([foot[0] + x * cos + z * sin, foot[1] + y, foot[2] - x * sin + z * cos], 1))

    wide, tall, ridge, long = 6.5, 6.0, 12.5, 17.0
    sheet.polygon(face((wide, 0, 0), (wide, 0, long), (wide, tall, long), (wide, tall, 0)), (150, 96, 56))
    for row in np.arange(0.5, tall, 0.9):
        sheet.line(face((wide, row, 0), (wide, row, long)), (112, 68, 40), 0.0008)
    gable = face((-wide, 0, 0), (wide, 0, 0), (wide, tall, 0), (0, ridge, 0), (-wide, tall, 0))
    sheet.polygon(gable, (74, 46, 34))
    for row in np.arange(0.5, tall, 0.9):
        sheet.line(face((-wide, row, 0), (wide, row, 0)), (54, 33, 27), 0.0008)
    for x, low, high, half in ((-2.4, 1.4, 3.6, 0.9), (2.4, 1.4, 3.6, 0.9), (0, 5.6, 7.2, 0.7)):
        window = face((x - half, low, 0), (x + half, low, 0), (x + half, high, 0), (x - half, high, 0))
        sheet.polygon(window, (255, 206, 112))
    sheet.polygon(face((-0.9, 0, 0), (0.9, 0, 0), (0.9, 3.4, 0), (-0.9, 3.4, 0)), (38, 24, 20))
    for z in (3.5, 9.5):
        sheet.polygon(face((wide, 1.5, z), (wide, 1.5, z + 2), (wide, 3.6, z + 2), (wide, 3.6, z)), (255, 214, 128))
    over, drop = wide + 1.1, tall - 1.0
    sheet.polygon(face((0, ridge, -1.2), (-over, drop, -1.2), (-over, drop, long + 1)), (52, 34, 34))
    roof = face((0, ridge + 0.2, -1.2), (over, drop, -1.2), (over, drop, long + 1), (0, ridge + 0.2, long + 1))
    sheet.polygon(roof, (170, 84, 52))
    for share in (0.25, 0.5, 0.75):
        x, y = over * share, ridge + 0.2 + (drop - ridge - 0.2) * share
        sheet.line(face((x, y, -1.2), (x, y, long + 1)), (138, 64, 42), 0.0008)
    sheet.line(face((-over, drop, -1.2), (0, ridge + 0.2, -1.2), (over, drop, -1.2)), (112, 70, 48), 0.0022)
    sheet.polygon(
        face((1.2, ridge - 1, 8), (2.6, ridge - 2, 8), (2.6, ridge + 2.6, 8), (1.2, ridge + 2.6, 8)), (110, 84, 76)
    )


def boat(sheet: Sheet, foot: tuple[float, float, float], length: float = 13.0) -> None:
    """Draws a rowing boat on the lake with its bow to the right, at `foot` on the water."""
    t = np.linspace(-1, 1, 25)
    beam, sheer = 1.6 * np.sqrt(np.clip(1 - t**2, 0, 1)) ** 0.8, 1.0 + 0.9 * np.abs(t) ** 2.5 + 0.25 * t
    x = foot[0] + t * length / 2
    near = np.stack([x, foot[1] + sheer, foot[2] - beam], 1)
    far = np.stack([x, foot[1] + sheer, foot[2] + beam], 1)
    keel = np.stack([foot[0] + t * length * 0.42, np.full_like(t, foot[1] - 0.1), foot[2] - 0.7 * beam], 1)
    near, far, keel = sheet.project(near), sheet.project(far), sheet.project(keel)
    sheet.polygon(np.concatenate([near, far[::-1]]), (62, 36, 26))
    for place in (7, 12, 17):
        sheet.line(np.stack([near[place], far[place]]), (196, 140, 84), 0.005)
    sheet.polygon(np.concatenate([near, keel[::-1]]), (132, 40, 30))
    sheet.polygon(np.concatenate([near * 0.62 + keel * 0.38, keel[::-1]]), (226, 214, 190))
    sheet.polygon(np.concatenate([near * 0.40 + keel * 0.60, keel[::-1]]), (88, 30, 26))
    sheet.line(near, (238, 196, 138), 0.0028)
    sheet.line(far, (150, 104, 66), 0.0022)


def fir(sheet: Sheet, random: np.random.Generator, foot: tuple[float, float], tall: float) -> None:
    """Draws a tall fir against the light, which comes from the left; `foot` and `tall` are shares."""
    lean = random.normal(0, 0.012)
    levels = np.sort(random.uniform(0.02, 0.90, int(120 + 420 * tall)))
    stem = np.array([(-0.011, 0), (0.011, 0), (0.001 + lean, 1), (-0.001 + lean, 1)]) * (tall, tall)
    sheet.polygon(sheet.place(stem + foot), (40, 28, 24))
    for level in levels[::-1]:
        reach = tall * 0.22 * level**0.85 * random.uniform(0.55, 1.1)
        side = random.uniform(-1, 1)
        start = np.array([foot[0] + lean * (1 - level) * tall, foot[1] + (1 - level) * tall])
        _branch(sheet, random, start, reach, side)


def _branch(sheet: Sheet, random: np.random.Generator, start: np.ndarray, reach: float, side: float) -> None:
    """Draws one branch, drooping, with needles below it; `side` from -1 (left) to 1 (right), 0 towards the viewer."""
    steps = max(4, int(reach * 130))
    t = np.linspace(0, 1, steps)
    x = start[0] + side * reach * t
    y = start[1] - reach * (0.40 * t + 0.35 * (1 - abs(side)) * t - 0.16 * t**3)
    path = sheet.place(np.stack([x, y], 1))
    sheet.line(path, (34, 30, 24), 0.0016)
    for place, (column, row) in enumerate(path):
        lit = float(np.clip(0.32 - 0.45 * side * t[place] + random.normal(0, 0.16), 0, 1))
        colour = tuple(int(a + lit * (b - a)) for a, b in zip((12, 26, 22), (98, 112, 50), strict=True))
        fall = sheet.unit * 0.014 * random.uniform(0.4, 1.2) * (0.5 + 0.5 * reach / 0.12)
        swing = random.normal(0.5 * side, 0.35) * fall
        sheet.line(np.array([(column, row - 0.15 * fall), (column + swing, row + fall)]), colour, 0.0026)


def grass(sheet: Sheet, random: np.random.Generator, land: np.ndarray, count: int = 15000) -> None:
    """Draws blades and flowers where `land` [height, width] is true: longer and darker towards the viewer."""
    height, width = land.shape
    spots = random.uniform(0, 1, (count, 2))
    spots = spots[np.argsort(spots[:, 0])]
    draws = random.uniform(0, 1, (count, 4))
    bends, lights = random.normal(0.15, 0.35, count), random.beta(2, 3, count)
    for (share, across), (size, flower, kind, swell), bend, light in zip(spots, draws, bends, lights, strict=True):
        row, column = sheet.horizon + (1.03 * height - sheet.horizon) * share, across * width
        if not land[min(int(row), height - 1), min(int(column), width - 1)]:
            continue
        near = (row - sheet.horizon) / sheet.unit / 0.44
        blade = sheet.unit * 0.040 * min(near, 1.5) ** 2 * (0.4 + 0.8 * size)
        lit = min(1.0, (light + 0.2) * max(0.45, 1.25 - 0.75 * near))
        colour = tuple(int(a + lit * (b - a)) for a, b in zip((18, 36, 18), (150, 156, 62), strict=True))
        path = np.array([(0, 0), (0.3 * bend, -0.6), (bend, -1)]) * blade + (column, row)
        sheet.line(path, colour, 0.0017 * (0.5 + near))
        if flower < 0.012:
            sheet.dot(path[-1], 0.0038 * near * (0.7 + 0.5 * swell), _PETALS[int(kind * len(_PETALS))])
