"""Stained glass as a craft: pieces are laid, lit from behind and leaded; what they show is the drawing's affair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.drawing import canvas

__all__ = ["Window"]

_TABLE = 4096  # Pieces of one area that differ by chance; more repeat.
_FINE, _BOLD = 0.0019, 0.0036  # Half widths of the leads between pieces and between areas, in shares of the side.
_REACH = 0.0075  # So far from a lead distances are measured.


class Window:
    """A window while its pieces are laid, each over what lies there already.

    `pieces` and `areas` [side, side] say which piece and which area each pixel belongs to. What is left to chance hangs
    on a piece's place in its area, not on its number: so it is the same at every size.
    """

    def __init__(self, side: int, random: np.random.Generator) -> None:
        self.pieces = np.zeros((side, side), np.int32)
        self.areas = np.zeros((side, side), np.int32)
        self._random = random
        self._paint = np.zeros((side, side), np.float32)
        self._colours: list[np.ndarray] = []  # Of each area: two colours of each piece [pieces, 2, 3].
        self._chances: list[np.ndarray] = []  # Of each area: four numbers 0..1 of each piece [pieces, 4].

    def lay(
        self,
        where: np.ndarray,
        cuts: np.ndarray,
        colours: Sequence[Sequence[int]],
        tone: np.ndarray | float | None = None,
        scatter: float = 0.12,
    ) -> None:
        """Lays one area.

        Args:
            where: Where it lies, bool [side, side].
            cuts: Whole numbers from 0: pixels of one number make a piece.
            colours: A ramp of glasses, 0..255.
            tone: Where on the ramp the glass lies, 0..1; each piece takes its mean. Default: random.
            scatter: How far a piece may stray from its tone.
        """
        stray = self._random.normal(0, 1, (_TABLE, 2))
        chances = self._random.random((_TABLE, 4)).astype(np.float32)
        spots = np.nonzero(where)
        if not len(spots[0]):
            return
        values, inverse = np.unique(np.broadcast_to(cuts, where.shape)[spots].astype(np.int64), return_inverse=True)
        stray, chances = stray[values % _TABLE], chances[values % _TABLE]
        if tone is None:
            mean = chances[:, 3]
        else:
            mean = np.bincount(inverse, np.broadcast_to(tone, where.shape)[spots]) / np.bincount(inverse)
        place = mean + scatter * stray[:, 0]
        self.pieces[spots] = sum(map(len, self._chances)) + inverse
        self.areas[spots] = len(self._chances) + 1
        self._paint[spots] = 0
        self._colours.append(canvas.ramp(np.array(colours) / 255, np.stack([place, place + 0.3 * stray[:, 1]], axis=1)))
        self._chances.append(chances)

    def paint(self, strokes: np.ndarray) -> None:
        """Adds black paint where `strokes` [side, side] is above 0, up to 1."""
        np.maximum(self._paint, strokes, out=self._paint)

    def lit(self, glow: np.ndarray) -> np.ndarray:
        """Returns the glass with the light `glow` [side, side] behind it, each piece graded, streaked and wavy."""
        side = len(self.pieces)
        colours, chances = np.concatenate(self._colours), np.concatenate(self._chances)
        along, across, reach = self._own_coordinates(chances[:, 0] * np.float32(2 * np.pi))
        directions = canvas.lattice(self._random)
        offset = (chances[:, 1] * 200)[self.pieces]
        bend = 0.03 * canvas.noise(directions, along * 6 + offset, across * 6)
        streaks = canvas.turbulence(directions, along * 5 + offset, (across + bend) * 34, octaves=3, gain=0.55)
        share = np.clip(0.5 + 0.5 * along / reach + 0.6 * streaks, 0, 1)
        light = canvas.mix(colours[:, 0][self.pieces], colours[:, 1][self.pieces], share)
        waves = canvas.clouds(self._random, side, side, (46, 46), octaves=3, gain=0.5)
        slope = np.diff(waves, axis=1, prepend=waves[:, :1]) + np.diff(waves, axis=0, prepend=waves[:1])
        thickness = 0.30 * (chances[:, 2] - 0.5)[self.pieces] + 0.20 * across / reach
        clear = 1.06 + thickness + 0.30 * streaks + np.clip(slope * np.float32(side / 4500), -0.14, 0.22)
        return light * (np.clip(clear * glow, 0.08, None) * (1 - 0.72 * self._paint))[..., None]

    def _own_coordinates(self, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns coordinates from each piece's middle, turned by its angle, and its reach, in shares of the side."""
        side = len(self.pieces)
        place = (np.arange(side, dtype=np.float32) + 0.5) / np.float32(side)
        flat = self.pieces.ravel()
        sizes = np.maximum(np.bincount(flat, minlength=len(turn)), 1)
        middle_x = np.bincount(flat, np.tile(place, side), len(turn)) / sizes
        middle_y = np.bincount(flat, np.repeat(place, side), len(turn)) / sizes
        x = place[None] - middle_x.astype(np.float32)[self.pieces]
        y = place[:, None] - middle_y.astype(np.float32)[self.pieces]
        cos, sin = np.cos(turn)[self.pieces], np.sin(turn)[self.pieces]
        return x * cos + y * sin, y * cos - x * sin, (np.sqrt(sizes) / side).astype(np.float32)[self.pieces]

    def leaded(self, light: np.ndarray) -> np.ndarray:
        """Returns the glass `light` [side, side, 3] with round leads and their dirt, wider between areas."""
        side = len(self.pieces)
        uneven = 1 + 0.28 * canvas.clouds(self._random, side, side, (16, 16), octaves=2)
        between_pieces, between_areas = _distance(self.pieces) / _FINE, _distance(self.areas) / _BOLD
        depth = np.minimum(between_pieces, between_areas) / (uneven * side)
        soft = max(0.10, 0.5 / (_FINE * side))
        lead = canvas.smoothstep(1 + soft, 1 - soft, depth)
        light = light * (1 - 0.55 * canvas.blurred(lead, 0.006 * side))[..., None]
        height = np.sqrt(1 - np.square(np.clip(depth, 0, 1)))
        slope = np.diff(height, axis=0, prepend=height[:1]) + np.diff(height, axis=1, prepend=height[:, :1])
        metal = 0.055 + 0.02 * height + np.clip(slope * np.float32(side / 3000), -0.04, 0.14)
        metal += 0.018 * canvas.clouds(self._random, side, side, (120, 120), octaves=2)
        return canvas.mix(light, metal[..., None] * np.float32([0.95, 1.0, 1.12]), lead)


def _distance(labels: np.ndarray) -> np.ndarray:
    """Returns pixels to the next border between labels, exact up to `_REACH` of the side and not above."""
    limit = max(2, int(np.ceil(_REACH * len(labels))))
    squares = np.full(labels.shape, (limit + 1) ** 2, np.float32)
    squares[:, 1:][labels[:, 1:] != labels[:, :-1]] = 0
    squares[1:][labels[1:] != labels[:-1]] = 0
    for _ in range(2):  # Along the rows, then along the columns.
        near = squares.copy()
        for step in range(1, limit + 1):
            np.minimum(near[:, step:], squares[:, :-step] + step * step, out=near[:, step:])
            np.minimum(near[:, :-step], squares[:, step:] + step * step, out=near[:, :-step])
        squares = np.ascontiguousarray(near.T)
    return np.sqrt(squares)
