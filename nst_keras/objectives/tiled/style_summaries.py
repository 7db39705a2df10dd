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
    """Returns a function that summarises an image tile by tile: image, guides -> {layer: summary}.

    Args:
        statistic: Measures style.
        extractor: Network that gives the style layers, and no others.
        tile_size: Size of a tile in pixels, without its halo; see `tiles.tiles`.
    """

    def summaries_of(
        window: tf.Tensor, starts: dict[str, tf.Tensor], guides: dict[str, tf.Tensor]
    ) -> targets.Summaries:
        """Returns {layer: summary} of one tile's own features."""
        parts = {
            name: tiling.cropped(features, starts[name], tf.shape(guides[name])[1:3])
            for name, features in extractor(window).items()
        }
        return {name: statistic.summary(part, guides[name]) for name, part in parts.items()}

    graph = compilation.compiled(summaries_of, jit_compile="false", any_size=True)

    def summarise(image: tf.Tensor, whole: dict[str, tf.Tensor]) -> targets.Summaries:
        """Returns {layer: summary} of all tiles, each weighted by the share of its locations in the guides' sums."""
        cut = tiling.Tiling(extractor, *tiling.size_of(image), tile_size)
        summaries, counts = {}, dict.fromkeys(extractor.layers, 0.0)
        for tile in cut.tiles:
            places = cut.places(tile)
            starts = {name: tf.constant(place.start) for name, place in places.items()}
            guides = {name: tf.constant(place.guide(whole.get(name))) for name, place in places.items()}
            of_tile = graph(image[tile.window], starts, guides)
            for name in places:  # Merged one by one: those of a thousand tiles take gigabytes.
                before, count = counts[name], float(np.sum(guides[name], dtype=np.float64))
                counts[name] = total = before + count
                parts = [summaries.get(name, of_tile[name]), of_tile[name]]
                if count:
                    summaries[name] = statistic.merged(parts, [before / total, count / total])
        return summaries

    return summarise
