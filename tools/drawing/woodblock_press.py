"""A woodblock print's blocks: flat shapes by ink, a key block of dark lines over them, and how they print."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw

from tools.drawing import canvas, curves

__all__ = ["INKS", "Blocks", "impression"]

# Ink by name: its colour, and the colour that it grades to towards the picture's top.
INKS: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "sky": ((232, 218, 184), (232, 218, 184)),
    "foam": ((243, 234, 210), (243, 234, 210)),
    "pale": ((166, 192, 196), (166, 192, 196)),
    "mid": ((74, 118, 156), (92, 138, 172)),
    "deep": ((20, 44, 94), (38, 74, 128)),
    "red": ((196, 62, 42), (206, 84, 52)),
    "wood": ((214, 168, 92), (214, 168, 92)),
    "far": ((176, 184, 176), (128, 150, 164)),
    "robe": ((52, 84, 112), (52, 84, 112)),
}
_NUMBERS = {name: number for number, name in enumerate(INKS)}
_KEY = np.float32([22, 30, 58]) / 255
_SHIFT = 0.0010  # The key block lies so far out of place, to the right and down.


class Blocks:
    """The blocks of a print while they are cut; lengths are shares of the print's height, y points down.

    A later shape hides what lies below it, lines too.
    """

    def __init__(self, rows: int, columns: int, unit: float, origin: tuple[float, float]) -> None:
        self.unit, self.origin = unit, np.array(origin)
        self.inks, self.key = PIL.Image.new("L", (columns, rows)), PIL.Image.new("L", (columns, rows))
        self._ink_pen, self._key_pen = PIL.ImageDraw.Draw(self.inks), PIL.ImageDraw.Draw(self.key)

    def _pixels(self, points: np.ndarray) -> list[float]:
        return (np.asarray(points) * self.unit + self.origin).ravel().tolist()

    def _on_key(self, points: np.ndarray) -> list[float]:
        return ((np.asarray(points) + _SHIFT) * self.unit + self.origin).ravel().tolist()

    def fill(self, points: np.ndarray, ink: str) -> None:
        """Cuts a flat shape [n, 2]."""
        self._ink_pen.polygon(self._pixels(points), fill=_NUMBERS[ink])
        self._key_pen.polygon(self._on_key(points), fill=0)

    def line(self, path: np.ndarray, width: float = 0.004, *, taper: bool = True) -> None:
        """Cuts a line [n, 2] in the key block, thin at both ends where it tapers."""
        swell = np.sin(np.linspace(0.06, np.pi - 0.06, len(path))) ** 0.6 if taper else 1.0
        self._key_pen.polygon(self._on_key(curves.ribbon(path, np.maximum(width * swell, 1.2 / self.unit))), fill=255)

    def shape(self, points: np.ndarray, ink: str, width: float = 0.004) -> None:
        """Cuts a flat shape and a line around it."""
        self.fill(points, ink)
        self.line(np.concatenate([points, points[:1]]), width, taper=False)

    def stroke(self, path: np.ndarray, widths: np.ndarray | float, ink: str) -> None:
        """Cuts a ribbon without lines."""
        self._ink_pen.polygon(self._pixels(curves.ribbon(path, widths)), fill=_NUMBERS[ink])

    def patch(self, path: np.ndarray, widths: np.ndarray | float, ink: str) -> None:
        """Cuts a ribbon that hides lines below it."""
        self.fill(curves.ribbon(path, widths), ink)

    def cluster(
        self,
        ribbons: list[tuple[np.ndarray, np.ndarray]],
        discs: np.ndarray,
        ink: str,
        width: float,
        area: np.ndarray | None = None,
    ) -> None:
        """Cuts ribbons (path, widths), discs [n, 3] (x, y, radius) and an area as one shape with a line around it."""
        if area is not None:
            self.line(np.concatenate([area, area[:1]]), 2 * width, taper=False)
        for swell, on_key in ((width, 255), (0.0, 0)):
            for path, widths in ribbons:
                outline = curves.ribbon(path, widths + 2 * swell)
                self._key_pen.polygon(self._on_key(outline), fill=on_key)
                if not swell:
                    self._ink_pen.polygon(self._pixels(outline), fill=_NUMBERS[ink])
            for x, y, radius in discs:
                self._disc(x, y, radius + swell, on_key, None if swell else ink)
        if area is not None:
            self.fill(area, ink)

    def dot(self, x: float, y: float, radius: float, ink: str, width: float = 0.0) -> None:
        """Cuts a disc, with a line around it where `width` is above 0."""
        if width:
            self._disc(x, y, radius + width, 255, None)
        self._disc(x, y, radius, 0, ink)

    def _disc(self, x: float, y: float, radius: float, on_key: int, ink: str | None) -> None:
        box = np.array([(x - radius, y - radius), (x + radius, y + radius)])
        self._key_pen.ellipse(self._on_key(box), fill=on_key)
        if ink:
            self._ink_pen.ellipse(self._pixels(box), fill=_NUMBERS[ink])


def impression(blocks: Blocks, random: np.random.Generator, sky: np.ndarray) -> np.ndarray:
    """Prints the blocks on paper: inks graded by hand, woodgrain in each, the key block a little out of place.

    Args:
        blocks: The blocks.
        random: Draws paper and grain.
        sky: What is printed where no other ink is, colours 0..1 [rows, columns, 3].

    Returns:
        float32 [rows, columns, 3], 0..1.
    """
    numbers = np.asarray(blocks.inks)
    rows, columns = numbers.shape
    low, high = (np.float32([ink[end] for ink in INKS.values()]) / 255 for end in (0, 1))
    fall = np.linspace(1, 0, rows, dtype=np.float32)[:, None]
    flat = canvas.mix(low[numbers], high[numbers], fall)
    flat = np.where((numbers == 0)[..., None], sky, flat)
    paper = np.float32([238, 226, 196]) / 255
    rings = canvas.clouds(random, rows, columns, (3, 2), octaves=3)
    lines = canvas.clouds(random, rows, columns, (150, 2.5), octaves=2, gain=0.7)
    bands = np.sin(60 * (fall + 0.06 * rings)) * 0.35
    worn = canvas.clouds(random, rows, columns, (4, 6), octaves=7, gain=0.62)
    bare = np.clip(0.07 + 0.10 * lines + 0.07 * bands + 0.05 * worn, 0, 0.5)
    picture = canvas.mix(flat, paper, bare)
    key = np.asarray(blocks.key, np.float32) / 255
    picture = canvas.mix(picture, _KEY, key * np.clip(0.95 - 0.12 * worn, 0, 1))
    fibres = canvas.clouds(random, rows, columns, (300, 380), octaves=2, gain=0.8)
    return picture * (1 + 0.022 * fibres + 0.015 * worn)[..., None]
