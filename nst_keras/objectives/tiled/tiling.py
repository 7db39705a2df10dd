"""A picture cut into tiles for a network: where each tile's own features are, in its window and in the whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.networks import extractors, receptive_field
from nst_keras.objectives.tiled import tiles

__all__ = ["Place", "Tiling", "cropped"]


class Place(NamedTuple):
    """Where the features of a tile are: a part, of the same shape for all tiles of a picture, of a layer.

    Attributes:
        start: int32 [2], the part's first row and column among the features of the tile's window.
        origin: Its first row and column among those of the whole picture.
        own: float32 [1, height, width, 1], 1 for the tile's own features, and 0 for others in the part.
    """

    start: np.ndarray
    origin: tuple[int, int]
    own: np.ndarray

    def of(self, whole: np.ndarray) -> np.ndarray:
        """The part of a map of the layer, [1, layer's height, layer's width, ...], as a view."""
        (top, left), (height, width) = self.origin, self.own.shape[1:3]
        return whole[:, top : top + height, left : left + width]

    def guide(self, whole: np.ndarray | None) -> np.ndarray:
        """What each location of the part counts for the tile, given what those of the layer count; 1 each for None."""
        return self.own if whole is None else self.own * self.of(whole)


class Tiling:
    """A picture of one size, cut for the layers of one network.

    Args:
        extractor: Gives the layers.
        height: Of the picture, in pixels.
        width: Likewise.
        tile_size: As `tiles.tiles` takes it.
        halo: Pixels around each tile that its window shows too, a multiple of the network's stride; all that its
            features see, if left out.

    Attributes:
        tiles: Row by row.
        sizes: {layer: height and width of its features} for the whole picture.

    Raises:
        ValueError: A network that cannot be cut, a `tile_size` below its stride, a bad `halo`, or a window that is too
            small for the network, as it may be with less halo than the features see.
    """

    def __init__(
        self, extractor: extractors.FeatureExtractor, height: int, width: int, tile_size: int, halo: int | None = None
    ) -> None:
        reach = receptive_field.reach(extractor.network)
        checks.integer("tile_size", tile_size, minimum=reach.stride)
        if halo is not None:
            if checks.integer("halo", halo, minimum=0) % reach.stride:
                raise ValueError(f"halo must be a multiple of {reach.stride}, but {halo!r} was given.")
            reach = reach._replace(halo=halo)
        self.tiles = tiles.tiles(height, width, tile_size, reach)
        self._along = [list(dict.fromkeys(spans)) for spans in zip(*self.tiles, strict=True)]
        fields = receptive_field.fields(extractor.network)
        self._strides = {name: axes[0].stride for name, axes in zip(extractor.layers, fields, strict=True)}
        window = [span.length for span in self.tiles[0]]
        if not extractor.accepts(*window):
            raise ValueError(
                f"tile_size={tile_size!r} with halo={halo!r} gives windows of {window[1]}x{window[0]} px, too small "
                f"for {extractor.name}. Give a larger one, or leave halo out."
            )
        self.sizes = extractor.sizes(height, width)
        self._window_sizes = extractor.sizes(*window)

    def places(self, tile: tiles.Tile) -> dict[str, Place]:
        """{layer: where the tile's features are}."""
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


def cropped(features: tf.Tensor, start: tf.Tensor, size: tf.Tensor | tf.TensorShape) -> tf.Tensor:
    """The part of a window's features that a `Place` names.

    Args:
        features: [1, window's height, window's width, channels].
        start: `Place.start`.
        size: The height and width of `Place.own`.

    Returns:
        [1, height, width, channels].
    """
    return tf.slice(features, [0, start[0], start[1], 0], [1, size[0], size[1], features.shape[-1]])
