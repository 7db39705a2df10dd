"""How an image is compared with its targets: the layers, the losses and the regularizers, as one frozen value.

Every evaluator uses these same pieces, whether it sees the image whole or tile by tile.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import tensorflow as tf

from nst_keras import checks, losses
from nst_keras.losses import regularizers, statistics, terms
from nst_keras.networks import extractors
from nst_keras.objectives import base, targets

__all__ = ["Comparison", "make"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The layers that are compared, and the losses by which they are.

    Attributes:
        extractor: Network that gives the style and content layers, and no others.
        style_layers: Names; may be empty.
        content_layers: Names; may be empty.
        normalization: Loss convention, a name in `losses.NORMALIZATIONS`.
        statistic: Measures style.
        variation: Kind of total variation, a name in `regularizers.VARIATIONS`.
        seen: Function of the image, [1, height, width, 3], to one of the same shape. The network and the regularizers
            see its result in place of the image, except where a part of the picture is kept.
        further: Further terms of the loss.
    """

    extractor: extractors.FeatureExtractor
    style_layers: tuple[str, ...]
    content_layers: tuple[str, ...]
    normalization: str
    statistic: statistics.StyleStatistic
    variation: str
    seen: Callable[[tf.Tensor], tf.Tensor]
    further: tuple[terms.Term, ...] = ()

    def shown(self, image: tf.Tensor, kept: Sequence[targets.Kept]) -> tf.Tensor:
        """Returns what the network and the regularizers see of an image, of its shape.

        Args:
            image: float32 [1, height, width, 3], 0..255.
            kept: One part of the picture that is kept, or none.
        """
        seen = self.seen(image)
        for mask, own in kept:
            seen = mask * own + (1.0 - mask) * seen
        return seen

    def style_loss(self, layer: str, features: tf.Tensor, regions: Sequence[targets.StyleTarget]) -> tf.Tensor:
        """Returns the style loss E_l of one layer, summed over the regions (Gatys et al. 2015, eq. 4).

        Args:
            layer: Name of the layer.
            features: F, the layer's features of the whole image, float32 [1, height, width, K].
            regions: Targets of all regions.
        """
        measured = (
            self.statistic.measured(features, target.layers[layer], target.guides.get(layer)) for target in regions
        )
        return self.style_score(layer, measured, regions)

    def style_score(
        self, layer: str, measured: Iterable[dict[str, tf.Tensor]], regions: Sequence[targets.StyleTarget]
    ) -> tf.Tensor:
        """Returns the style loss E_l of one layer, given the image's statistic in place of its features.

        Args:
            layer: Name of the layer.
            measured: The layer's statistic in each region, as `statistics.StyleStatistic.measured` returns it.
            regions: Targets of all regions.
        """
        options = {"normalization": self.normalization, "channels": self.extractor.channels[layer]}
        pairs = zip(regions, measured, strict=True)
        return tf.add_n(
            [target.strength * self.statistic.score(one, target.layers[layer], **options) for target, one in pairs]
        )

    def content_loss(self, layer: str, features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Returns the content loss L_l of one layer (Gatys et al. 2015, eq. 1).

        Args:
            layer: Name of the layer.
            features: F, the layer's features of the image, float32 [1, height, width, K].
            target: P, those of the content image, of the same shape.
        """
        channels = self.extractor.channels[layer]
        return losses.content_loss(features, target, normalization=self.normalization, channels=channels)

    def style_shares(self, layer_losses: Mapping[str, tf.Tensor], weights: base.Weights) -> dict[str, tf.Tensor]:
        """Returns {layer: its share of the style term}, given each layer's loss and the weights."""
        return _weighted(layer_losses, weights.style_layers, weights.terms["style"])

    def content_shares(self, layer_losses: Mapping[str, tf.Tensor], weights: base.Weights) -> dict[str, tf.Tensor]:
        """Returns {layer: its share of the content term}, given each layer's loss and the weights."""
        return _weighted(layer_losses, weights.content_layers, weights.terms["content"])

    def further_terms(
        self, image: tf.Tensor, features: Mapping[str, tf.Tensor], weights: base.Weights
    ) -> dict[str, tf.Tensor]:
        """Returns {further term: its value}, multiplied by its weight.

        Args:
            image: float32 [1, height, width, 3], 0..255, as the network sees it.
            features: {layer: the image's features, float32 [1, layer's height, layer's width, K]}.
            weights: The weights of terms and layers.
        """
        return {term.name: weights.further[term.name] * term.value(image, features) for term in self.further}

    def regularized(
        self, image: tf.Tensor, gradient: tf.Tensor, weights: base.Weights, kept: Sequence[targets.Kept] = ()
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Adds the regularizers, and carries the gradient through `shown` back to the image.

        Args:
            image: float32 [1, height, width, 3], 0..255.
            gradient: Gradient of the other terms with respect to `shown(image)`.
            weights: The weights of terms and layers.
            kept: One part of the picture that is kept, or none.

        Returns:
            {regularizer: its term}, and the gradient of all terms with respect to the image, of its shape.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            seen = self.shown(image, kept)
            found = self._regularizers(seen, weights)
            total = tf.add_n([*found.values(), tf.reduce_sum(gradient * seen)])
        return found, cast("tf.Tensor", tape.gradient(total, image))

    def _regularizers(self, seen: tf.Tensor, weights: base.Weights) -> dict[str, tf.Tensor]:
        """Returns {term: value} of the terms that need no network."""
        variation = losses.total_variation_loss(seen, normalization=self.normalization, variation=self.variation)
        alpha_norm = losses.alpha_norm_loss(seen, normalization=self.normalization)
        return {
            "total_variation": weights.terms["total_variation"] * variation,
            "alpha_norm": weights.terms["alpha_norm"] * alpha_norm,
        }


def make(
    extractor: extractors.FeatureExtractor,
    *,
    style_layers: Iterable[str],
    content_layers: Iterable[str],
    normalization: str,
    style_statistic: str | statistics.StyleStatistic,
    variation: str,
    seen: Callable[[tf.Tensor], tf.Tensor],
    further: Sequence[terms.Term] = (),
) -> Comparison:
    """Checks the options and returns the comparison, its network cut to the layers that it needs.

    Args:
        extractor: Network that gives at least these layers.
        style_layers: Names; may be empty.
        content_layers: Names; may be empty.
        normalization: A name in `losses.NORMALIZATIONS`.
        style_statistic: A name in `statistics.STATISTICS`, or a statistic.
        variation: A name in `regularizers.VARIATIONS`.
        seen: Function of the image, see `Comparison`.
        further: Further terms of the loss.

    Raises:
        ValueError: No layer at all, an unknown layer or name, or a statistic that the normalization does not define.
    """
    style, content = tuple(style_layers), tuple(content_layers)
    if not style and not content:
        raise ValueError("style_layers and content_layers are both empty. Name at least one layer.")
    statistic = statistics.get(style_statistic, normalization=normalization)
    of_terms = (layer for term in further for layer in term.layers)
    return Comparison(
        extractor=extractor.select(dict.fromkeys([*style, *content, *of_terms])),
        style_layers=style,
        content_layers=content,
        normalization=normalization,
        statistic=statistic,
        variation=checks.one_of("variation", variation, regularizers.VARIATIONS),
        seen=seen,
        further=tuple(further),
    )


def _weighted(
    layer_losses: Mapping[str, tf.Tensor], layer_weights: Mapping[str, tf.Tensor], weight: tf.Tensor
) -> dict[str, tf.Tensor]:
    return {name: weight * layer_weights[name] * loss for name, loss in layer_losses.items()}
