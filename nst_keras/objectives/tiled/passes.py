"""The two passes over the tiles of a picture, and the loss between them: pure functions, compiled by the evaluator.

The style loss depends on the picture only by sums S over its locations, such as Gram matrices. So its exact gradient
takes two passes. The first adds up S over the tiles, which gives the loss L(S) and dL/dS. The second differentiates
each tile's own sums against them, since dL/dx = <dL/dS, dS/dx>. The content loss is linear in such a sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import tensorflow as tf

from nst_keras import losses
from nst_keras.losses import statistics
from nst_keras.networks import extractors
from nst_keras.objectives import backpropagation, base, comparison, targets
from nst_keras.objectives.tiled import content_features, tiling

__all__ = [
    "ContentPart",
    "Part",
    "Sums",
    "TiledTargets",
    "gradients_of_sums",
    "no_sums",
    "pull_back",
    "style_sums",
]

# A tensor inside a compiled function. Its caller may give an array.
Value = Any

# {layer: {name: the statistic's sum over locations, float32}} of one region.
Sums = dict[str, dict[str, tf.Tensor]]


class TiledTargets(NamedTuple):
    """All that a picture in tiles is compared with.

    Attributes:
        style: One target per region; empty without style layers.
        content: Features of the content image.
        kept: One part of the picture that is kept, or none.
    """

    style: list[targets.StyleTarget]
    content: content_features.TiledContent
    kept: list[targets.Kept]


class Part(NamedTuple):
    """One tile as the network sees it, and which features of its window are its own.

    Attributes:
        window: float32 [1, window's height, window's width, 3], 0..255.
        starts: {layer: int32 [2], first row and column of the tile's part among the window's features}.
        guides: For each region {style layer: how much each location of the part counts, float32
            [1, part's height, part's width, 1]}.
    """

    window: Value
    starts: Mapping[str, Value]
    guides: Sequence[Mapping[str, Value]]


class ContentPart(NamedTuple):
    """What the content layers of one tile are compared with.

    Attributes:
        own: {layer: float32 [1, part's height, part's width, 1], 1 for the tile's own features and 0 for others}.
        features: {layer: P, the content image's features, [1, part's height, part's width, K]}.
        pulls: {layer: gradient of the loss with respect to the layer's sum (F - P)^2, a float32 scalar}.
    """

    own: Mapping[str, Value]
    features: Mapping[str, Value]
    pulls: Mapping[str, Value]


def style_sums(
    statistic: statistics.Additive,
    regions: Sequence[targets.StyleTarget],
    features: Mapping[str, tf.Tensor],
    part: Part,
) -> list[Sums]:
    """Returns for each region the statistic's sums over one tile's own locations, as the first pass adds them up.

    Args:
        statistic: Measures style.
        regions: Targets of all regions.
        features: {layer: features of the tile's window}.
        part: The tile.
    """
    sizes = {name: _size(guide) for name, guide in part.guides[0].items()} if part.guides else {}
    own = {name: tiling.cropped(features[name], part.starts[name], size) for name, size in sizes.items()}
    return [
        {name: statistic.sums(own[name], target.layers[name], guide[name]) for name in own}
        for target, guide in zip(regions, part.guides, strict=True)
    ]


def no_sums(
    statistic: statistics.Additive, regions: Sequence[targets.StyleTarget], coordinates: Mapping[str, int]
) -> list[Sums]:
    """Returns for each region the sums over no location, which are zeros.

    Args:
        statistic: Measures style.
        regions: Targets of all regions.
        coordinates: {style layer: K, how many numbers it has at each location}.
    """
    empty = {name: tf.zeros([1, 0, 0, numbers]) for name, numbers in coordinates.items()}
    return [
        {name: statistic.sums(features, target.layers[name]) for name, features in empty.items()} for target in regions
    ]


def gradients_of_sums(
    compared: comparison.Comparison,
    regions: Sequence[targets.StyleTarget],
    content: content_features.Sizes,
    sums: list[Sums],
    counts: Sequence[Mapping[str, tf.Tensor]],
    weights: base.Weights,
) -> tuple[dict[str, tf.Tensor], list[Sums], dict[str, tf.Tensor]]:
    """Returns the style term and the gradients that the second pass needs.

    Args:
        compared: Layers and losses.
        regions: Targets of all regions.
        content: Sizes of the content image's features.
        sums: For each region the sums over the whole picture.
        counts: For each region {style layer: the sum of its guide over all locations, a float32 scalar}.
        weights: The weights of terms and layers.

    Returns:
        {style layer: its share of the style term}; the gradient of the style term with respect to the sums, of their
        structure; and {content layer: gradient of the content term with respect to its sum (F - P)^2}.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sums)
        style = {
            name: compared.style_score(name, _means(name, sums, counts), regions) for name in compared.style_layers
        }
        style = compared.style_shares(style, weights)
        total = tf.add_n(list(style.values())) if style else tf.constant(0.0)
    of_squares = {
        name: losses.content_score(
            tf.constant(1.0), content.energy[name], content.number[name], normalization=compared.normalization
        )
        for name in compared.content_layers
    }
    pulls = cast("list[Sums]", tape.gradient(total, sums)) if style else []
    return style, pulls, compared.content_shares(of_squares, weights)


def pull_back(
    extractor: extractors.FeatureExtractor,
    statistic: statistics.Additive,
    regions: Sequence[targets.StyleTarget],
    part: Part,
    pulls: list[Sums],
    content: ContentPart,
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Makes the second pass over one tile.

    Args:
        extractor: Network that gives the style and content layers.
        statistic: Measures style.
        regions: Targets of all regions.
        part: The tile.
        pulls: Gradient of the loss with respect to the sums over the whole picture.
        content: What the content layers of the tile are compared with.

    Returns:
        {content layer: sum (F - P)^2 over the tile's own features}, and the tile's part of the gradient, of the shape
        of its window.
    """

    def pulled(_: tf.Tensor, features: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns <pulls, sums>, whose gradient is that of the loss, and each content layer's sum of squares."""
        squares = {
            name: _squares(tiling.cropped(features[name], part.starts[name], _size(own)), content.features[name], own)
            for name, own in content.own.items()
        }
        values = tf.nest.flatten([style_sums(statistic, regions, features, part), squares])
        pairs = zip(tf.nest.flatten([pulls, content.pulls]), values, strict=True)
        return tf.add_n([tf.reduce_sum(pull * value) for pull, value in pairs]), squares

    return backpropagation.through(extractor, part.window, pulled)


def _means(
    layer: str, sums: Sequence[Sums], counts: Sequence[Mapping[str, tf.Tensor]]
) -> Iterator[dict[str, tf.Tensor]]:
    """Yields each region's statistic of the layer: its sums, divided by the guide's sum."""
    for of_region, count in zip(sums, counts, strict=True):
        yield {key: total / count[layer] for key, total in of_region[layer].items()}


def _size(part: tf.Tensor) -> tf.TensorShape | tf.Tensor:
    """Returns height and width of [1, height, width, ...]: a shape where they are known, else a tensor."""
    return part.shape[1:3] if part.shape.is_fully_defined() else tf.shape(part)[1:3]


def _squares(features: tf.Tensor, target: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Returns sum (F - P)^2 over a tile's own features."""
    return tf.reduce_sum(own * tf.math.squared_difference(features, tf.cast(target, tf.float32)))
