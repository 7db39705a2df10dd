"""Summarises style images tile by tile, for style images larger than memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nst_keras.losses import statistics
from nst_keras.networks import extractors
from nst_keras.objectives import targets
from nst_keras.objectives.tiled import tiling
from nst_keras.runtime import compilation

__all__ = ["tiled_summary"]


def tiled_summary(
    statistic: statistics.Additive, extractor: extractors.FeatureExtractor, tile_size: int
) -> targets.Summarise:
    """Returns a function that summarises an image tile by tile: image -> {layer: summary}.

    Args:
        statistic: Measures style.
        extractor: Network that gives the style layers, and no others.
        tile_size: Size of a tile in pixels, without its halo; see `tiles.tiles`.
    """

    def summaries_of(
        window: tf.Tensor, starts: dict[str, tf.Tensor], guides: dict[str, tf.Tensor]
    ) -> dict[str, targets.Summary]:
        """Returns {layer: summary} of one tile's own features."""
        parts = {
            name: tiling.cropped(features, starts[name], tf.shape(guides[name])[1:3])
            for name, features in extractor(window).items()
        }
        return {name: statistic.summary(part, guides[name]) for name, part in parts.items()}

    of_starts = dict.fromkeys(extractor.layers, tf.TensorSpec([2], tf.int32))
    of_guides = dict.fromkeys(extractor.layers, tf.TensorSpec([1, None, None, 1]))
    graph = compilation.as_graph(summaries_of, of_starts, of_guides)

    def summarise(image: tf.Tensor) -> dict[str, targets.Summary]:
        """Returns {layer: summary} of all tiles, each weighted by its share of the locations."""
        cut = tiling.Tiling(extractor, *tiling.size_of(image), tile_size)
        summaries, counts = {}, dict.fromkeys(extractor.layers, 0.0)
        for tile in cut.tiles:
            places = cut.places(tile)
            starts = {name: tf.constant(place.start) for name, place in places.items()}
            guides = {name: tf.constant(place.own) for name, place in places.items()}
            of_tile = graph(image[tile.window], starts, guides)
            for name, place in places.items():  # Merged one by one: those of a thousand tiles take gigabytes.
                before, count = counts[name], float(np.sum(place.own))
                counts[name] = total = before + count
                parts = [summaries.get(name, of_tile[name]), of_tile[name]]
                if count:
                    summaries[name] = statistic.merged(parts, [before / total, count / total])
        return summaries

    return summarise
