"""Curves that the drawn pictures are made of: smooth paths through points, and ribbons of varying width along them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["between", "normals", "ribbon", "smooth"]


def smooth(points: Sequence[Sequence[float]] | np.ndarray, count: int = 200) -> np.ndarray:
    """Returns a path [count, 2] through points [n, 2], evenly spaced along its length (Catmull and Rom 1974)."""
    knots = np.asarray(points, float)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.linspace(0, 1, 24, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        cubic = (-a + 3 * b - 3 * c + d) * t**3 + (2 * a - 5 * b + 4 * c - d) * t**2 + (c - a) * t + 2 * b
        pieces.append(cubic / 2)
    return _evenly(np.concatenate([*pieces, knots[-1:]]), count)


def _evenly(path: np.ndarray, count: int) -> np.ndarray:
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    places = np.linspace(0, length[-1], count)
    return np.stack([np.interp(places, length, path[:, 0]), np.interp(places, length, path[:, 1])], axis=1)


def between(first: np.ndarray, second: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Returns a path between two of equal length: `first` where `share` (a number, or one for each point) is 0."""
    share = np.asarray(share, float)
    return first + (share[:, None] if share.ndim else share) * (second - first)


def normals(path: np.ndarray) -> np.ndarray:
    """Returns unit vectors [n, 2] across a path [n, 2]: to the right of its course where y points down."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


def ribbon(path: np.ndarray, widths: np.ndarray | float) -> np.ndarray:
    """Returns the outline [2 n, 2] of a stroke along a path [n, 2], with its width at each point."""
    half = normals(path) * (np.broadcast_to(np.asarray(widths, float), len(path))[:, None] / 2)
    return np.concatenate([path + half, (path - half)[::-1]])
