"""The flowers of the stained-glass window: pieces drawn as outlines, with veins in black paint."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw

from tools.drawing import curves
from tools.drawing import stained_glass_pieces as glass

__all__ = ["lay"]

_LEAF = ((8, 74, 36), (46, 134, 34), (128, 180, 40))
_BLOSSOMS = (
    ((110, 6, 24), (200, 22, 34), (246, 92, 64)),
    ((62, 18, 110), (120, 44, 160), (190, 110, 206)),
    ((190, 60, 8), (240, 140, 18), (255, 206, 70)),
    ((130, 8, 80), (206, 36, 120), (248, 132, 170)),
)
# Foot, blossom, how far the stem leans, and the blossom's size.
_PLANTS = (
    ((0.10, 1.00), (0.17, 0.60), 0.05, 0.098),
    ((0.20, 1.02), (0.285, 0.715), 0.04, 0.077),
    ((0.92, 1.00), (0.85, 0.63), -0.05, 0.098),
    ((0.82, 1.02), (0.735, 0.735), -0.04, 0.077),
)
_LEAVES = ((12, 0.15, 1), (16, 0.13, -1), (24, 0.09, 1))  # Where on the stem, how long, to which side.


class _Sketch:
    """Outlines, each a piece of its own number, and veins."""

    def __init__(self, side: int) -> None:
        self.side, self.count = side, 0
        self.pieces, self.veins = PIL.Image.new("I", (side, side)), PIL.Image.new("L", (side, side))
        self._pen, self._brush = PIL.ImageDraw.Draw(self.pieces), PIL.ImageDraw.Draw(self.veins)

    def piece(self, outline: np.ndarray) -> None:
        """Cuts a piece; it hides the veins below it."""
        self.count += 1
        pixels = (outline * self.side).ravel().tolist()
        self._pen.polygon(pixels, fill=self.count)
        self._brush.polygon(pixels, fill=0)

    def vein(self, path: np.ndarray, width: float) -> None:
        """Paints a line that thins out."""
        outline = curves.ribbon(path, width * np.linspace(1, 0.3, len(path)))
        self._brush.polygon((outline * self.side).ravel().tolist(), fill=255)


def lay(window: glass.Window, random: np.random.Generator) -> None:
    """Lays four flowers, two to each side, in colours by chance."""
    order = random.permutation(len(_BLOSSOMS))
    for (foot, top, lean, size), kind in zip(_PLANTS, order, strict=True):
        tip = np.array(top) + random.normal(0, 0.008, 2)
        stem = curves.smooth([foot, (np.array(foot) + tip) / 2 - (lean, 0), tip], 40)
        green = _Sketch(len(window.pieces))
        green.piece(curves.ribbon(stem, 0.014))
        for place, reach, side in _LEAVES:
            _leaf(green, stem[place], reach * random.uniform(0.9, 1.15), side)
        blossom = _Sketch(len(window.pieces))
        for turn in (-1.15, 1.15, -0.55, 0.55, 0.0):
            _petal(blossom, tip, turn, size * random.uniform(0.94, 1.06))
        for sketch, colours in ((green, _LEAF), (blossom, _BLOSSOMS[kind])):
            pieces = np.asarray(sketch.pieces)
            window.lay(pieces > 0, pieces, colours)
            window.paint(np.asarray(sketch.veins, np.float32) / 255)


def _leaf(sketch: _Sketch, root: np.ndarray, reach: float, side: int) -> None:
    """Draws a leaf in two halves along its rib, with veins."""
    tip = root + np.array([0.75 * side * reach, -reach])
    rib = curves.smooth([root, (root + tip) / 2 + (0.025 * side, 0.02), tip], 30)
    width = 0.21 * reach * np.sin(np.linspace(0, np.pi, 30)) ** 0.8
    for half in (1, -1):
        edge = rib + half * curves.normals(rib) * width[:, None]
        sketch.piece(np.concatenate([rib, edge[::-1]]))
        for place in range(5, 24, 4):
            end = 0.25 * rib[place + 4] + 0.75 * edge[place + 4]
            sketch.vein(np.linspace(rib[place], end, 6), 0.0030)


def _petal(sketch: _Sketch, foot: np.ndarray, turn: float, size: float) -> None:
    """Draws a petal that points `turn` radians to the right of upwards, with veins from its foot."""
    along = np.array([np.sin(turn), -np.cos(turn)])
    aside = np.array([along[1], -along[0]])
    t = np.linspace(0, 1, 24)
    spine = foot + np.outer(t * size * (1.0 if turn else 0.85), along)
    half = np.outer(0.30 * size * np.sin(np.pi * t**0.8) ** 0.75, aside)
    sketch.piece(np.concatenate([spine + half, (spine - half)[::-1]]))
    for share in (-0.5, 0.0, 0.5):
        sketch.vein((spine + share * half)[3 : 17 - int(6 * abs(share))], 0.0028)
