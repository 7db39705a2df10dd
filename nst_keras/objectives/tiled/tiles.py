"""The tiles of a picture: windows of one size, and the part of the picture that each answers for.

A window shows a tile and its halo, so that the features of the tile come out as they do from the whole picture. It
begins at a multiple of the network's stride; at the picture's edge it is shifted inward, not made smaller. All windows
end at the same remainder of the stride, which is the picture's own: so the network finds at the picture's edge what it
would find there without tiles, and all windows have one shape.
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
        length: Of its window.
        own: Where the tile itself begins and ends; the tiles of a picture share it out without gap or overlap.
    """

    start: int
    length: int
    own: tuple[int, int]


class Tile(NamedTuple):
    """A part of a picture.

    Attributes:
        rows: Along the height.
        columns: Along the width.
    """

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice, slice]:
        """What cuts the window out of [batch, height, width, ...]."""
        cuts = (slice(span.start, span.start + span.length) for span in self)
        return (slice(None), *cuts)


class Crop(NamedTuple):
    """A tile's own locations along one axis of a layer, as a part of fixed length of its window's.

    Attributes:
        start: Where the part begins among the window's locations.
        origin: Where it begins among those of the whole picture.
        own: float32 [length], 1 for the tile's own locations, and 0 for the others.
    """

    start: int
    origin: int
    own: np.ndarray


def tiles(height: int, width: int, tile_size: int, reach: receptive_field.Reach) -> list[Tile]:
    """The tiles of a picture, row by row.

    Args:
        height: Of the picture, in pixels.
        width: Likewise.
        tile_size: In pixels. It decides how many tiles there are, each side by it, rounded up; the halos come on top
            of it. Tiles at an edge, which have a halo on one side alone, are larger, and those within smaller.
        reach: Of the network.

    Returns:
        One tile or more, their windows all of one shape.
    """
    along = [spans(side, tile_size, reach) for side in (height, width)]
    return [Tile(rows, columns) for rows, columns in itertools.product(*along)]


def spans(side: int, tile_size: int, reach: receptive_field.Reach) -> list[Span]:
    """The tiles along one axis.

    Args:
        side: Of the picture, in pixels.
        tile_size: As `tiles` takes it.
        reach: Of the network.

    Example:
    >>> for span in spans(1000, 400, receptive_field.Reach(stride=16, halo=80, alignment=16)):
    ...     print(span)
    Span(start=0, length=456, own=(0, 368))
    Span(start=288, length=456, own=(368, 656))
    Span(start=544, length=456, own=(656, 1000))
    """
    count = -(-side // tile_size)

    def step(length: int) -> int:
        """How far one window can be from the next, if their tiles are to meet."""
        return (length // reach.stride * reach.stride - 2 * reach.halo) // reach.alignment * reach.alignment

    lengths = range(side % reach.alignment or reach.alignment, side, reach.alignment)
    length = next((one for one in lengths if (count - 1) * step(one) >= side - one), side)
    if length == side:
        return [Span(0, side, (0, side))]
    starts = [*range(0, side - length, step(length)), side - length]
    ends = [(start + length - reach.halo) // reach.stride * reach.stride for start in starts[:-1]]
    return [Span(start, length, own) for start, own in zip(starts, itertools.pairwise([0, *ends, side]), strict=True)]


def crop(span: Span, along: Sequence[Span], stride: int, *, locations: int, in_window: int) -> Crop:
    """A tile's own locations of a layer, along one axis.

    Args:
        span: The tile.
        along: All tiles along the axis.
        stride: Of the layer.
        locations: How many the layer has for the whole picture, along the axis.
        in_window: How many it has for a window.
    """

    def own(one: Span) -> tuple[int, int]:
        """The first location of the layer that is the span's own, and the one after its last."""
        first, end = one.own[0] // stride, -(-one.own[1] // stride)
        return min(first, locations), locations if one is along[-1] else min(end, locations)

    length = min(in_window, max(end - first for first, end in map(own, along)))
    first, end = own(span)
    shift = span.start // stride
    start = min(first - shift, in_window - length)
    places = np.arange(length) + start + shift
    return Crop(start, start + shift, ((places >= first) & (places < end)).astype(np.float32))
