"""Thick paint: strokes along given paths, each of several bristles, and the light on their ridges."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw

from tools.drawing import canvas

__all__ = ["Painting"]


class Painting:
    """A painting of `side` pixels while it is painted: colour, and the paint's height in a fourth channel.

    Lengths are shares of the side, colours 0..255.
    """

    def __init__(self, side: int, ground: tuple[int, int, int]) -> None:
        self.side = side
        self._image = PIL.Image.new("RGBA", (side, side), (*ground, 60))
        self._pen = PIL.ImageDraw.Draw(self._image)

    def strokes(
        self, random: np.random.Generator, paths: np.ndarray, widths: np.ndarray, colours: np.ndarray, bristles: int
    ) -> None:
        """Lays strokes over one another, in order.

        Args:
            random: Draws the bristles.
            paths: [strokes, points, 2].
            widths: [strokes].
            colours: [strokes, 3].
            bristles: Of each stroke.
        """
        count, points, _ = paths.shape
        along = np.gradient(paths, axis=1)
        along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)
        aside = np.stack([-along[..., 1], along[..., 0]], axis=2)
        places = (np.arange(bristles) + 0.5) / bristles - 0.5
        middles = places + random.normal(0, 0.25 / bristles, (count, bristles))
        ends = random.uniform(0.82, 1.0, (count, bristles, 1)) * (1 - 0.5 * np.abs(places[:, None]))
        t = np.linspace(0, 1, points)
        taper = np.clip(t * 7 + 0.25, 0, 1) * np.sqrt(np.clip(1 - (t / ends) ** 3, 0, 1))
        middle = paths[:, None] + aside[:, None] * (middles * widths[:, None])[..., None, None]
        half = aside[:, None] * (taper * (0.72 / bristles) * widths[:, None, None])[..., None]
        outlines = np.concatenate([middle + half, (middle - half)[:, :, ::-1]], axis=2) * self.side
        light = random.normal(0, 15, (count, bristles, 1)) - 10 * np.abs(places[:, None]) + 4
        tones = np.clip(colours[:, None] + light * (0.5 + colours[:, None] / 255), 0, 255)
        heights = np.clip(150 - 110 * np.abs(2 * places) ** 2 + random.normal(0, 38, (count, bristles)), 10, 255)
        inks = np.concatenate([tones, heights[..., None]], axis=2).astype(int).reshape(-1, 4).tolist()
        for outline, ink in zip(outlines.reshape(count * bristles, -1).tolist(), inks, strict=True):
            self._pen.polygon(outline, fill=tuple(ink))

    def lit(self, random: np.random.Generator) -> np.ndarray:
        """Returns the painting in light from the upper left: float32 [side, side, 3], 0..1."""
        layers = np.asarray(self._image, np.float32) / 255
        height = canvas.blurred(layers[..., 3], 0.0006 * self.side)
        height = height + 0.06 * canvas.clouds(random, self.side, self.side, (260, 260), octaves=2)
        slope = np.zeros_like(height)
        slope[1:, 1:] = 2 * height[1:, 1:] - height[:-1, 1:] - height[1:, :-1]
        slope = np.clip(slope * self.side / 1536, -0.45, 0.45)
        colour = layers[..., :3] * (1 + 1.1 * slope)[..., None]
        return colour + (0.45 * np.clip(slope - 0.08, 0, None))[..., None]
