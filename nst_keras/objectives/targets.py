"""What an image is compared with: statistics of the style images, and features of the content image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, cast

import tensorflow as tf

from nst_keras.losses import guidance, statistics
from nst_keras.networks import extractors
from nst_keras.runtime import compilation

__all__ = ["StyleTarget", "Summarise", "Summary", "Targets", "style_targets", "whole_summary"]


# A statistic's summary of one layer: float32 tensors by name.
Summary = dict[str, tf.Tensor]


class Summarise(Protocol):
    """Function that summarises one style image."""

    def __call__(self, image: tf.Tensor, /) -> dict[str, Summary]:
        """Returns {layer: summary} of an image, float32 [1, height, width, 3], 0..255."""
        ...


class StyleTarget(NamedTuple):
    """Style of one region of the picture.

    Attributes:
        layers: {layer: the statistic's target, float32 tensors by name}.
        guides: {layer: how much each location counts, float32 [1, height, width, 1], 0..1}; empty for a region that
            covers the whole picture.
        strength: Weight of the region's loss beside those of other regions.
    """

    layers: dict[str, Summary]
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
    summarise: Summarise | None = None,
) -> list[StyleTarget]:
    """Returns one target per region.

    Args:
        statistic: Measures style.
        extractor: Network that gives the style layers, and no others.
        regions: Regions of the picture with the style images of each, one or more.
        summarise: Function: style image -> {layer: summary}. Default: `whole_summary`.

    Raises:
        ValueError: A region without a style image, or no region.
    """
    if not regions or not all(len(region.images) for region in regions):
        raise ValueError(
            "regions has no style image, but style_layers are given. Give one style image or more to each."
        )
    summarise = summarise or whole_summary(statistic, extractor)
    return [
        StyleTarget(
            _blended(statistic, extractor.layers, region, summarise), _guides(region, extractor), region.strength
        )
        for region in regions
    ]


def whole_summary(statistic: statistics.StyleStatistic, extractor: extractors.FeatureExtractor) -> Summarise:
    """Returns a function that summarises an image as a whole: image -> {layer: summary}."""

    def summaries_of(image: tf.Tensor) -> dict[str, Summary]:
        """Returns {layer: summary} of an image, float32 [1, height, width, 3]."""
        return {name: statistic.summary(features) for name, features in extractor(image).items()}

    return compilation.as_graph(summaries_of)


def _blended(
    statistic: statistics.StyleStatistic, layers: Iterable[str], region: guidance.Region, summarise: Summarise
) -> dict[str, Summary]:
    """Returns {layer: target} of the blend of a region's styles."""
    # A style without a share is not summarised: its size would change at how many points other styles are sampled.
    shares = [(image, share) for image, share in zip(region.images, region.blend, strict=True) if share]
    summaries, blend = [summarise(image) for image, _ in shares], [share for _, share in shares]
    return {name: statistic.target([one[name] for one in summaries], blend) for name in layers}


def _guides(region: guidance.Region, extractor: extractors.FeatureExtractor) -> dict[str, tf.Tensor]:
    """Returns {layer: how much each location counts}; empty for a region that covers the whole picture."""
    if region.mask is None:
        return {}
    height, width = cast("tuple[int, int]", region.mask.shape[1:3])
    sizes = extractor.sizes(height, width)
    return {name: guidance.guide(region.mask, *size) for name, size in sizes.items()}
