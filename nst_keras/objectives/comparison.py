"""How an image is compared with its targets: the layers, the losses and the regularizers, as one frozen value.

Every evaluator uses these same pieces, whether it sees the image whole or tile by tile.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import tensorflow as tf

from nst_keras import checks, losses
from nst_keras.losses import regularizers, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import base, targets

__all__ = ["Comparison", "make"]

_PLACES = {term: place for place, term in enumerate(base.WEIGHTED_TERMS)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """The layers that are compared, and the losses by which they are.

    Attributes:
        extractor: Network that gives the style and content layers, and no others.
        style_layers: {layer: w_l}; may be empty.
        content_layers: {layer: w_l}; may be empty.
        normalization: Loss convention, a name in `losses.NORMALIZATIONS`.
        statistic: Measures style.
        variation: Kind of total variation, a name in `regularizers.VARIATIONS`.
        seen: Function of the image, [1, height, width, 3] to the same shape. The network and the regularizers see its
            result in place of the image.
    """

    extractor: extractors.FeatureExtractor
    style_layers: Mapping[str, float]
    content_layers: Mapping[str, float]
    normalization: str
    statistic: statistics.StyleStatistic
    variation: str
    seen: Callable[[tf.Tensor], tf.Tensor]

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

    def style_shares(self, layer_losses: Mapping[str, tf.Tensor], weights: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {layer: its share of the style term}, given each layer's loss and the weights of the terms."""
        return _weighted(layer_losses, self.style_layers, weights[_PLACES["style"]])

    def content_shares(self, layer_losses: Mapping[str, tf.Tensor], weights: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {layer: its share of the content term}, given each layer's loss and the weights of the terms."""
        return _weighted(layer_losses, self.content_layers, weights[_PLACES["content"]])

    def regularized(
        self, image: tf.Tensor, gradient: tf.Tensor, weights: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Adds the regularizers, and carries the gradient through `seen` back to the image.

        Args:
            image: float32 [1, height, width, 3], 0..255.
            gradient: Gradient of the style and content terms with respect to `seen(image)`.
            weights: float32 [4], in the order of `base.WEIGHTED_TERMS`.

        Returns:
            {regularizer: its term}, and the gradient of all terms with respect to the image, of its shape.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            seen = self.seen(image)
            terms = self._regularizers(seen, weights)
            total = tf.add_n([*terms.values(), tf.reduce_sum(gradient * seen)])
        return terms, cast("tf.Tensor", tape.gradient(total, image))

    def _regularizers(self, seen: tf.Tensor, weights: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {term: value} of the terms that need no network."""
        variation = losses.total_variation_loss(seen, normalization=self.normalization, variation=self.variation)
        alpha_norm = losses.alpha_norm_loss(seen, normalization=self.normalization)
        return {
            "total_variation": weights[_PLACES["total_variation"]] * variation,
            "alpha_norm": weights[_PLACES["alpha_norm"]] * alpha_norm,
        }


def make(
    extractor: extractors.FeatureExtractor,
    *,
    style_layers: Mapping[str, float],
    content_layers: Mapping[str, float],
    normalization: str,
    style_statistic: str | statistics.StyleStatistic,
    variation: str,
    seen: Callable[[tf.Tensor], tf.Tensor],
) -> Comparison:
    """Checks the options and returns the comparison, its network cut to the layers that it needs.

    Args:
        extractor: Network that gives at least these layers.
        style_layers: {layer: w_l}; may be empty.
        content_layers: {layer: w_l}; may be empty.
        normalization: A name in `losses.NORMALIZATIONS`.
        style_statistic: A name in `statistics.STATISTICS`, or a statistic.
        variation: A name in `regularizers.VARIATIONS`.
        seen: Function of the image, see `Comparison`.

    Raises:
        ValueError: No layer at all, an unknown layer or name, or a statistic that the normalization does not define.
    """
    if not style_layers and not content_layers:
        raise ValueError("style_layers and content_layers are both empty. Name at least one layer.")
    statistic = statistics.get(style_statistic, normalization=normalization)
    return Comparison(
        extractor=extractor.select(dict.fromkeys([*style_layers, *content_layers])),
        style_layers={name: float(weight) for name, weight in style_layers.items()},
        content_layers={name: float(weight) for name, weight in content_layers.items()},
        normalization=normalization,
        statistic=statistic,
        variation=checks.one_of("variation", variation, regularizers.VARIATIONS),
        seen=seen,
    )


def _weighted(
    layer_losses: Mapping[str, tf.Tensor], layer_weights: Mapping[str, float], weight: tf.Tensor
) -> dict[str, tf.Tensor]:
    return {name: weight * layer_weights[name] * loss for name, loss in layer_losses.items()}
