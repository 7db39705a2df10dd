"""What an image is compared with: statistics of the style images, and features of the content image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.objectives.tiled import tiling
from nst_keras.runtime import compilation

__all__ = ["StyleTarget", "Targets", "style_targets"]


# {layer: a statistic's summary of its features}, and the function that computes it from an image.
Summaries = dict[str, dict[str, tf.Tensor]]
Summarised = Callable[[tf.Tensor], Summaries]


class StyleTarget(NamedTuple):
    """Style of one region of the picture.

    Attributes:
        layers: {layer: the statistic's target, float32 tensors by name}.
        guides: {layer: how much each location counts, float32 [1, height, width, 1], 0..1}; empty for a region that
            covers the whole picture.
        strength: Weight of the region's loss beside those of other regions.
    """

    layers: dict[str, dict[str, tf.Tensor]]
    guides: dict[str, tf.Tensor]
    strength: float


class Targets(NamedTuple):
    """All that a whole image is compared with.

    Attributes:
        style: One target per region; empty without style layers.
        content: {layer: P, the content image's features, [1, height, width, K]}; empty without content layers.
    """

    style: Sequence[StyleTarget]
    content: dict[str, tf.Tensor]


def style_targets(
    statistic: statistics.StyleStatistic,
    extractor: extractors.FeatureExtractor,
    regions: Sequence[guidance.Region],
    *,
    tile_size: int | None = None,
) -> list[StyleTarget]:
    """Returns one target per region.

    Args:
        statistic: Measures style.
        extractor: Network that gives the style layers, and no others.
        regions: Regions of the picture with the style images of each, one or more.
        tile_size: Size of the tiles in which style images are read, in pixels; needs a `statistics.Additive`. Default:
            whole images.

    Raises:
        ValueError: A region without a style image, or no region.
    """
    if not regions or not all(len(region.images) for region in regions):
        raise ValueError("regions has no style image, but style_layers are given. Give one.")
    summarised = _in_tiles(statistic, extractor, tile_size) if tile_size else _whole(statistic, extractor)
    targets = []
    for region in regions:
        # A style without a share would still tell the others at how many points they are read.
        shares = [(image, share) for image, share in zip(region.images, region.blend, strict=True) if share]
        summaries, blend = [summarised(image) for image, _ in shares], [share for _, share in shares]
        layers = {name: statistic.target([one[name] for one in summaries], blend) for name in extractor.layers}
        targets.append(StyleTarget(layers, _guides(region, extractor), region.strength))
    return targets


def _whole(statistic: statistics.StyleStatistic, extractor: extractors.FeatureExtractor) -> Summarised:
    def summaries_of(image: tf.Tensor) -> Summaries:
        """Layer by layer, of the whole image."""
        return {name: statistic.summary(features) for name, features in extractor(image).items()}

    return compilation.as_graph(summaries_of)


def _in_tiles(statistic: statistics.Additive, extractor: extractors.FeatureExtractor, tile_size: int) -> Summarised:
    def summaries_of(window: tf.Tensor, starts: dict[str, tf.Tensor], guides: dict[str, tf.Tensor]) -> Summaries:
        """Layer by layer, of a tile's own features in its window."""
        parts = {
            name: tiling.cropped(features, starts[name], tf.shape(guides[name])[1:3])
            for name, features in extractor(window).items()
        }
        return {name: statistic.summary(part, guides[name]) for name, part in parts.items()}

    starts = dict.fromkeys(extractor.layers, tf.TensorSpec([2], tf.int32))
    graph = compilation.as_graph(
        summaries_of, starts, dict.fromkeys(extractor.layers, tf.TensorSpec([1, None, None, 1]))
    )

    def summarised(image: tf.Tensor) -> Summaries:
        """Those of all tiles, merged by their shares of the locations."""
        cut = tiling.Tiling(extractor, *image.shape[1:3], tile_size)
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

    return summarised


def _guides(region: guidance.Region, extractor: extractors.FeatureExtractor) -> dict[str, tf.Tensor]:
    """{layer: what each of its locations counts}; none for a region that is all of the picture."""
    if region.mask is None:
        return {}
    sizes = extractor.sizes(*region.mask.shape[1:3])
    return {name: guidance.guide(region.mask, *size) for name, size in sizes.items()}
