"""Divides a picture into tiles, and gives each a window for the network.

A window shows a tile and its halo, so that the tile's features come out as they do from the whole picture. All windows
have one size. Each begins at a multiple of the network's stride, and at the picture's edge it is shifted inward, not
made smaller. The windows' size leaves the same remainder of the stride as the picture's: so the network pads at the
picture's edge as it would without tiles.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_keras.networks import receptive_field

__all__ = ["Crop", "Span", "Tile", "crop", "spans", "tiles"]


class Span(NamedTuple):
    """A tile along one axis, in pixels.

    Attributes:
        start: Where its window begins, a multiple of the network's alignment.
        length: Length of its window.
        own: Where the tile itself begins and ends. The tiles of a picture cover it without gap or overlap.
    """

    start: int
    length: int
    own: tuple[int, int]


class Tile(NamedTuple):
    """A part of a picture.

    Attributes:
        rows: The tile along the height.
        columns: The tile along the width.
    """

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice, slice]:
        """Index that cuts the window out of [batch, height, width, ...]."""
        rows, columns = (slice(span.start, span.start + span.length) for span in self)
        return slice(None), rows, columns


class Crop(NamedTuple):
    """A part of a window's locations along one axis of a layer, of the same length for all tiles.

    It holds all of the tile's own locations, and where these are fewer also others.

    Attributes:
        start: Where the part begins among the window's locations.
        origin: Where the part begins among the whole picture's locations.
        own: float32 [length], 1 for the tile's own locations and 0 for others.
    """

    start: int
    origin: int
    own: np.ndarray


def tiles(height: int, width: int, tile_size: int, reach: receptive_field.Reach) -> list[Tile]:
    """Returns the tiles of a picture, row by row.

    Args:
        height: Picture height in pixels.
        width: Picture width in pixels.
        tile_size: Size of a tile in pixels, without its halo. Along each side there are side / tile_size tiles or
            fewer, rounded up. Tiles at an edge have a halo on one side only: they are larger, and inner ones smaller.
        reach: Reach of the network.

    Returns:
        One tile or more, whose windows all have one shape.
    """
    along = [spans(side, tile_size, reach) for side in (height, width)]
    return [Tile(rows, columns) for rows, columns in itertools.product(*along)]


def spans(side: int, tile_size: int, reach: receptive_field.Reach) -> list[Span]:
    """Returns the tiles along one axis.

    Args:
        side: Length of the picture along the axis, in pixels.
        tile_size: Size of a tile in pixels, see `tiles`.
        reach: Reach of the network.

    Example:
    >>> for span in spans(1000, 400, receptive_field.Reach(stride=16, halo=80, alignment=16)):
    ...     print(span)
    Span(start=0, length=456, own=(0, 368))
    Span(start=288, length=456, own=(368, 656))
    Span(start=544, length=456, own=(656, 1000))
    """
    count = -(-side // tile_size)

    def step(length: int) -> int:
        """Returns the largest distance between windows of a length, in pixels, at which their tiles still meet."""
        return (length // reach.stride * reach.stride - 2 * reach.halo) // reach.alignment * reach.alignment

    lengths = range(side % reach.alignment or reach.alignment, side, reach.alignment)
    length = next((one for one in lengths if (count - 1) * step(one) >= side - one), side)
    if length == side:
        return [Span(0, side, (0, side))]
    starts = [*range(0, side - length, step(length)), side - length]
    ends = [(start + length - reach.halo) // reach.stride * reach.stride for start in starts[:-1]]
    return [Span(start, length, own) for start, own in zip(starts, itertools.pairwise([0, *ends, side]), strict=True)]


def crop(span: Span, along: Sequence[Span], stride: int, *, locations: int, in_window: int) -> Crop:
    """Returns the part of a layer that holds a tile's own locations, along one axis.

    Args:
        span: The tile.
        along: All tiles along the axis.
        stride: Stride of the layer, in pixels.
        locations: Number of the layer's locations along the axis, for the whole picture.
        in_window: Number of the layer's locations along the axis, for a window.
    """

    def own(one: Span) -> tuple[int, int]:
        """Returns the first location of the layer that is the span's own, and the one after its last."""
        first, end = one.own[0] // stride, -(-one.own[1] // stride)
        return min(first, locations), locations if one is along[-1] else min(end, locations)

    length = min(in_window, max(end - first for first, end in map(own, along)))
    first, end = own(span)
    shift = span.start // stride
    start = min(first - shift, in_window - length)
    places = np.arange(length) + start + shift
    return Crop(start, start + shift, ((places >= first) & (places < end)).astype(np.float32))
