"""Features of the content image, tile by tile: kept on the host, or computed again at each step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras.networks import extractors
from nst_keras.objectives.tiled import tiles, tiling

__all__ = ["KEPT_IMAGES", "Sizes", "TiledContent", "kept_layers"]

# Features are kept in memory while those of all layers together are no larger than this number of images. The first
# layers, at full size, would take the memory that tiles are there to save.
KEPT_IMAGES = 4


class Sizes(NamedTuple):
    """What a loss needs of the content image's features beside the features: float32 scalars.

    Attributes:
        energy: {layer: sum P^2}.
        number: {layer: number of its features, M N}.
    """

    energy: dict[str, tf.Tensor]
    number: dict[str, tf.Tensor]


class TiledContent:
    """P, the content image's features, one tile at a time.

    Args:
        extractor: Network that gives the content layers.
        features: {content layer: function of an image, float32 [1, height, width, 3], to {layer: its features}}; may be
            empty.
        image: Content image, float32 [1, height, width, 3], 0..255; None without layers.
        cut: Tiles of the picture, which has the content image's size; None without layers.

    Attributes:
        sizes: Sizes of the features.
    """

    def __init__(
        self,
        extractor: extractors.FeatureExtractor,
        features: Mapping[str, Callable[[tf.Tensor], dict[str, tf.Tensor]]],
        image: tf.Tensor | None,
        cut: tiling.Tiling | None,
    ) -> None:
        self._features = features
        self._image = tf.zeros([1, 0, 0, 3]) if image is None else image
        self._kept: dict[str, np.ndarray] = {}
        self.sizes = Sizes({}, {})
        if cut is not None:
            size = tiling.size_of(self._image)
            sizes, channels = extractor.sizes(*size), extractor.channels
            counts = {name: tf.constant(math.prod(sizes[name]) * channels[name], tf.float32) for name in features}
            shapes = kept_layers(extractor, features, *size)
            self._kept = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
            self.sizes = Sizes(self._take(cut), counts)

    def of(self, tile: tiles.Tile, places: Mapping[str, tiling.Place]) -> dict[str, tiling.Array]:
        """Returns {layer: features at a tile's place, [1, part's height, part's width, K]}.

        Args:
            tile: The tile.
            places: {layer: the tile's place}.
        """
        return {
            name: places[name].of(self._kept[name]) if name in self._kept else self._computed(name, tile, places)
            for name in self._features
        }

    def _computed(self, name: str, tile: tiles.Tile, places: Mapping[str, tiling.Place]) -> tf.Tensor:
        window, place = self._image[tile.window], places[name]
        features = tf.cast(self._features[name](window)[name], tf.float32)
        return tiling.cropped(features, place.start, place.own.shape[1:3])

    def _take(self, cut: tiling.Tiling) -> dict[str, tf.Tensor]:
        """Computes the features of all tiles once, keeps those of small layers, and returns {layer: sum P^2}."""
        energy = dict.fromkeys(self._features, 0.0)
        for tile in cut.tiles:
            places = cut.places(tile)
            for name in self._features:
                part, own = self._computed(name, tile, places).numpy(), places[name].own
                energy[name] += float(np.vdot(part, own * part))
                if name in self._kept:
                    np.copyto(places[name].of(self._kept[name]), part, where=own.astype(bool))
        return {name: tf.constant(total, tf.float32) for name, total in energy.items()}


def kept_layers(
    extractor: extractors.FeatureExtractor, layers: Iterable[str], height: int, width: int
) -> dict[str, tuple[int, ...]]:
    """Returns {layer: shape of its features} of the content layers whose features are kept.

    Args:
        extractor: Network that gives the content layers.
        layers: Names of the content layers; features of the first are kept first.
        height: Image height in pixels.
        width: Image width in pixels.
    """
    sizes = extractor.sizes(height, width)
    kept, room = {}, KEPT_IMAGES * height * width * 3
    for name in layers:
        shape = (1, *sizes[name], extractor.coordinates[name])
        if math.prod(shape) <= room:
            kept[name], room = shape, room - math.prod(shape)
    return kept
