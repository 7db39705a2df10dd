"""The content image's features, tile by tile: kept on the host, or computed again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

from nst_keras.networks import extractors
from nst_keras.objectives.tiled import tiles, tiling
from nst_keras.runtime import compilation

__all__ = ["KEPT_IMAGES", "TiledContent", "kept_layers"]

# Layers' features are kept while they take no more memory than so many images together. Those of layers at full size
# would take what tiles are there to save, and are computed again at each step.
KEPT_IMAGES = 4


class TiledContent:
    """P, the content image's features, of one tile at a time.

    Args:
        extractor: Gives the layers.
        layers: Names of the content layers, maybe none.
        image: The content image, [1, height, width, 3] in 0..255; None where there are no layers.
        cut: The image, cut for the extractor of the picture, whose tiles are asked for; None likewise.

    Attributes:
        energy: {layer: sum P^2}, float32.
        size: {layer: the number of its features, M N}, float32.
    """

    def __init__(
        self,
        extractor: extractors.FeatureExtractor,
        layers: Iterable[str],
        image: tf.Tensor | None,
        cut: tiling.Tiling | None,
    ) -> None:
        self._image = image
        self._features = {name: compilation.as_graph(extractor.select([name]).__call__) for name in layers}
        self._kept, self.size, self.energy = {}, {}, {}
        if self._features:
            sizes = extractor.sizes(*image.shape[1:3])
            self.size = {name: np.float32(math.prod(sizes[name]) * extractor.channels[name]) for name in self._features}
            shapes = kept_layers(extractor, self._features, *image.shape[1:3])
            self._kept = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
            self.energy = self._take(cut)

    def of(self, tile: tiles.Tile, places: Mapping[str, tiling.Place]) -> dict[str, np.ndarray | tf.Tensor]:
        """{layer: the features at a tile's places}, each [1, part's height, part's width, channels]."""
        return {
            name: places[name].of(self._kept[name]) if name in self._kept else self._computed(name, tile, places)
            for name in self._features
        }

    def _computed(self, name: str, tile: tiles.Tile, places: Mapping[str, tiling.Place]) -> tf.Tensor:
        window, place = self._image[tile.window], places[name]
        features = tf.cast(self._features[name](window)[name], tf.float32)
        return tiling.cropped(features, place.start, place.own.shape[1:3])

    def _take(self, cut: tiling.Tiling) -> dict[str, np.float32]:
        """Goes through all tiles once, keeps what is to be kept, and gives the energies."""
        energy = dict.fromkeys(self._features, 0.0)
        for tile in cut.tiles:
            places = cut.places(tile)
            for name in self._features:
                part, own = self._computed(name, tile, places).numpy(), places[name].own
                energy[name] += float(np.vdot(part, own * part))
                if name in self._kept:
                    np.copyto(places[name].of(self._kept[name]), part, where=own.astype(bool))
        return {name: np.float32(total) for name, total in energy.items()}


def kept_layers(
    extractor: extractors.FeatureExtractor, layers: Iterable[str], height: int, width: int
) -> dict[str, tuple[int, ...]]:
    """{layer: shape of its features} for the content layers whose features are kept."""
    sizes = extractor.sizes(height, width)
    kept, room = {}, KEPT_IMAGES * height * width * 3
    for name in layers:
        shape = (1, *sizes[name], extractor.coordinates[name])
        if math.prod(shape) <= room:
            kept[name], room = shape, room - math.prod(shape)
    return kept
