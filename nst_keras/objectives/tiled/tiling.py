"""Cuts a picture into tiles for a network, and finds each tile's own features in its window and in the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar, cast

import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.networks import extractors, receptive_field
from nst_keras.objectives.tiled import tiles

__all__ = ["Array", "Place", "Tiling", "cropped", "size_of"]

Array = tf.Tensor | np.ndarray
Whole = TypeVar("Whole", tf.Tensor, np.ndarray)


class Place(NamedTuple):
    """The part of a layer that holds a tile's own features, of the same shape for all tiles of a picture.

    Attributes:
        start: int32 [2], the part's first row and column among the features of the tile's window.
        origin: The part's first row and column among the features of the whole picture.
        own: float32 [1, height, width, 1], 1 for the tile's own features and 0 for others in the part.
    """

    start: np.ndarray
    origin: tuple[int, int]
    own: np.ndarray

    def of(self, whole: Whole) -> Whole:
        """Returns the part of a map of the layer, [1, layer's height, layer's width, ...]; of an array, as a view."""
        (top, left), (height, width) = self.origin, self.own.shape[1:3]
        return whole[:, top : top + height, left : left + width]

    def guide(self, whole: Whole | None) -> Array:
        """Returns how much each location of the part counts for the tile, float32 [1, height, width, 1].

        Args:
            whole: How much each location of the layer counts, [1, layer's height, layer's width, 1]; None for 1 each.
        """
        return self.own if whole is None else self.own * self.of(whole)


class Tiling:
    """Tiles of pictures of one size, for the layers of one network.

    Args:
        extractor: Network that gives the layers.
        height: Picture height in pixels.
        width: Picture width in pixels.
        tile_size: Size of a tile in pixels, without its halo; the network's stride or more. See `tiles.tiles`.
        halo: Context pixels around each tile, a multiple of the network's stride. Default: the receptive field, which
            makes the tiles' features exact.

    Attributes:
        tiles: Tiles of the picture, row by row.
        sizes: {layer: (height, width) of its features} for the whole picture.

    Raises:
        ValueError: The network cannot be cut into tiles, `tile_size` or `halo` does not suit its stride, or `halo` is
            so small that a window is too small for the network.
    """

    def __init__(
        self, extractor: extractors.FeatureExtractor, height: int, width: int, tile_size: int, halo: int | None = None
    ) -> None:
        reach = receptive_field.reach(extractor.network)
        checks.integer("tile_size", tile_size, minimum=reach.stride)
        if halo is not None:
            if excess := checks.integer("halo", halo, minimum=0) % reach.stride:
                near = f"{halo - excess} or {halo - excess + reach.stride}"
                raise ValueError(
                    f"halo must be a multiple of {reach.stride}, the stride of {extractor.name}, but {halo!r} was "
                    f"given. Take {near}."
                )
            reach = reach._replace(halo=halo)
        self.tiles = tiles.tiles(height, width, tile_size, reach)
        self._along = [list(dict.fromkeys(spans)) for spans in zip(*self.tiles, strict=True)]
        fields = receptive_field.fields(extractor.network)
        self._strides = {name: axes[0].stride for name, axes in zip(extractor.layers, fields, strict=True)}
        window = [span.length for span in self.tiles[0]]
        if not extractor.accepts(*window):
            raise ValueError(
                f"tile_size={tile_size!r} with halo={halo!r} gives windows of {window[1]}x{window[0]} px, too small "
                f"for {extractor.name}. Give a larger tile_size, or leave halo out."
            )
        self.sizes = extractor.sizes(height, width)
        self._window_sizes = extractor.sizes(*window)

    def places(self, tile: tiles.Tile) -> dict[str, Place]:
        """Returns {layer: place of the tile's own features}."""
        return {name: self._place(name, tile) for name in self.sizes}

    def _place(self, name: str, tile: tiles.Tile) -> Place:
        rows, columns = (
            tiles.crop(span, spans, self._strides[name], locations=locations, in_window=in_window)
            for span, spans, locations, in_window in zip(
                tile, self._along, self.sizes[name], self._window_sizes[name], strict=True
            )
        )
        own = rows.own[np.newaxis, :, np.newaxis, np.newaxis] * columns.own[:, np.newaxis]
        return Place(np.array([rows.start, columns.start], np.int32), (rows.origin, columns.origin), own)


def size_of(image: tf.Tensor) -> tuple[int, int]:
    """Returns height and width of an image, [1, height, width, 3], in pixels."""
    return cast("tuple[int, int]", tuple(image.shape[1:3]))


def cropped(features: tf.Tensor, start: Array, size: tf.Tensor | tf.TensorShape | Sequence[int]) -> tf.Tensor:
    """Returns the part of a window's features that a `Place` describes, [1, height, width, K].

    Args:
        features: [1, window's height, window's width, K].
        start: `Place.start`.
        size: Height and width of `Place.own`.
    """
    return tf.slice(features, [0, start[0], start[1], 0], [1, size[0], size[1], features.shape[-1]])
