"""The objective: targets and weights -> value_and_gradient(image) -> (LossTerms, gradient)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from nst_keras import checks, compilation, extractors, guidance, losses, priors, statistics

__all__ = ["WEIGHTED_TERMS", "LossTerms", "Objective"]

# The weights' names, in the order in which the terms stand in `LossTerms`.
WEIGHTED_TERMS: dict[str, str] = {
    "style": "style_weight",
    "content": "content_weight",
    "total_variation": "var_weight",
    "alpha_norm": "alpha_norm_weight",
}

# XLA needs an image's size. A graph does better without: with it, layers take forms that are fast in XLA alone.
_ANY_SIZE = (tf.TensorSpec([1, None, None, 3], tf.float32), tf.TensorSpec([len(WEIGHTED_TERMS)], tf.float32))


class LossTerms(NamedTuple):
    """The loss at one image, in its parts: float32 scalars, each times its weights, so that they add up.

    Attributes:
        total: alpha L_content + beta L_style (Gatys et al. 2015, eq. 7), and the two below.
        style: beta sum_l w_l E_l (eq. 5).
        content: alpha sum_l w_l L_l.
        total_variation: var_weight times the total variation.
        alpha_norm: alpha_norm_weight times the alpha-norm.
        style_layers: {layer: its share of `style`}.
        content_layers: {layer: its share of `content`}.
    """

    total: tf.Tensor
    style: tf.Tensor
    content: tf.Tensor
    total_variation: tf.Tensor
    alpha_norm: tf.Tensor
    style_layers: dict[str, tf.Tensor]
    content_layers: dict[str, tf.Tensor]


class Objective:
    """Style, content and the image's own terms, against targets that are computed once.

    Args:
        extractor: Gives at least the layers named below.
        regions: Where the picture takes on which styles (`guidance.everywhere` for images whose style goes all over
            it); may be empty where `style_layers` is. The style term is the sum of theirs.
        content_image: [1, height, width, 3] in 0..255, or None where `content_layers` is empty.
        style_layers: {layer: w_l}; empty for no style.
        content_layers: {layer: w_l}; empty for no content.
        style_weight: beta, 0 or more.
        content_weight: alpha, 0 or more.
        var_weight: Of the total variation, 0 or more.
        alpha_norm_weight: Of the alpha-norm, likewise.
        normalization: A name in `losses.NORMALIZATIONS`.
        style_statistic: A name in `statistics.STATISTICS`.
        variation: The kind of total variation, a name in `priors.VARIATIONS`.
        seen: What the network sees of the image, of the same shape; the image itself if left out.
        jit_compile: A name in `compilation.JIT_MODES`.

    Raises:
        ValueError: A negative weight, an unknown name, or neither style nor content.
    """

    def __init__(
        self,
        extractor: extractors.FeatureExtractor,
        *,
        regions: Sequence[guidance.Region],
        content_image: tf.Tensor | None,
        style_layers: Mapping[str, float],
        content_layers: Mapping[str, float],
        style_weight: float = 1.0,
        content_weight: float = 1.0,
        var_weight: float = 0.0,
        alpha_norm_weight: float = 0.0,
        normalization: str = "mean",
        style_statistic: str = "gram",
        variation: str = "l1",
        seen: Callable[[tf.Tensor], tf.Tensor] = lambda image: image,
        jit_compile: str | bool = "auto",
    ) -> None:
        if not style_layers and not content_layers:
            raise ValueError("style_layers and content_layers are both empty. Name at least one layer.")
        self._statistic = statistics.get(style_statistic, normalization=normalization)
        self._extractor = extractor.select(dict.fromkeys([*style_layers, *content_layers]))
        self._style_layers = {name: float(weight) for name, weight in style_layers.items()}
        self._content_layers = {name: float(weight) for name, weight in content_layers.items()}
        self._normalization = normalization
        self._variation = checks.one_of("variation", variation, priors.VARIATIONS)
        self._seen = seen
        self._regions: list[_Target] = []
        if style_layers:
            self._regions = _targets(self._statistic, extractor.select(style_layers), regions)
        self._content = _as_graph(extractor.select(content_layers).__call__)(content_image) if content_layers else {}
        self._compiled = compilation.compiled(
            self._value_and_gradient, jit_compile=jit_compile, graph_signature=_ANY_SIZE
        )
        self.set_weights(
            style_weight=style_weight,
            content_weight=content_weight,
            var_weight=var_weight,
            alpha_norm_weight=alpha_norm_weight,
        )

    def set_weights(
        self, *, style_weight: float, content_weight: float, var_weight: float, alpha_norm_weight: float = 0.0
    ) -> None:
        """Sets the terms' weights; nothing is compiled again.

        Raises:
            ValueError: A weight that is negative or not finite.
        """
        self.weights = {
            "style": checks.non_negative("style_weight", style_weight),
            "content": checks.non_negative("content_weight", content_weight),
            "total_variation": checks.non_negative("var_weight", var_weight),
            "alpha_norm": checks.non_negative("alpha_norm_weight", alpha_norm_weight),
        }

    def value_and_gradient(self, image: tf.Tensor) -> tuple[LossTerms, tf.Tensor]:
        """The loss and its gradient with respect to the image, in one forward and one backward pass.

        Args:
            image: float32 [1, height, width, 3], 0..255; of the content image's size where there is content.

        Returns:
            The terms, and the gradient of their total, of the image's shape.
        """
        return self._compiled(tf.convert_to_tensor(image), self._weights_of(*self.weights))

    def term_gradient(self, term: str, image: tf.Tensor) -> tf.Tensor:
        """The gradient of one weighted term alone, by the same compiled function, at the cost of an evaluation.

        Args:
            term: A name in `WEIGHTED_TERMS`.
            image: As in `value_and_gradient`.

        Returns:
            The gradient, of the image's shape; zeros for a term of weight 0.

        Raises:
            ValueError: An unknown term.
        """
        checks.one_of("term", term, WEIGHTED_TERMS)
        return self._compiled(tf.convert_to_tensor(image), self._weights_of(term))[1]

    def tracing_count(self) -> int:
        """How often the step was traced: 1 for a whole run."""
        return self._compiled.tracing_count()

    def _weights_of(self, *terms: str) -> tf.Tensor:
        """The weights as an argument of the compiled function, those of other terms put to 0."""
        return tf.constant([self.weights[term] if term in terms else 0.0 for term in WEIGHTED_TERMS], tf.float32)

    def _value_and_gradient(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[LossTerms, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            terms = self._terms(image, weights)
        return terms, tape.gradient(terms.total, image)

    def _terms(self, image: tf.Tensor, weights: tf.Tensor) -> LossTerms:
        style_weight, content_weight, var_weight, alpha_norm_weight = tf.unstack(weights)
        image = self._seen(image)
        features = self._extractor(image)
        style_layers = {
            name: style_weight * layer_weight * self._style_loss(name, features[name])
            for name, layer_weight in self._style_layers.items()
        }
        content_layers = {
            name: content_weight * layer_weight * self._content_loss(name, features[name])
            for name, layer_weight in self._content_layers.items()
        }
        variation = losses.total_variation_loss(image, normalization=self._normalization, variation=self._variation)
        shares = {
            "style": _sum(style_layers),
            "content": _sum(content_layers),
            "total_variation": var_weight * variation,
            "alpha_norm": alpha_norm_weight * losses.alpha_norm_loss(image, normalization=self._normalization),
        }
        total = tf.add_n(list(shares.values()))
        return LossTerms(total, **shares, style_layers=style_layers, content_layers=content_layers)

    def _content_loss(self, name: str, features: tf.Tensor) -> tf.Tensor:
        channels = self._extractor.channels[name]
        return losses.content_loss(features, self._content[name], normalization=self._normalization, channels=channels)

    def _style_loss(self, name: str, features: tf.Tensor) -> tf.Tensor:
        channels = self._extractor.channels[name]
        of_regions = [
            strength
            * self._statistic.loss(
                features, layers[name], normalization=self._normalization, channels=channels, guide=guides.get(name)
            )
            for layers, guides, strength in self._regions
        ]
        return tf.add_n(of_regions)


class _Target(NamedTuple):
    """What a region of the picture is compared with: {layer: target}, {layer: guide}, and how much that counts."""

    layers: dict[str, dict[str, tf.Tensor]]
    guides: dict[str, tf.Tensor]
    strength: float


def _targets(
    statistic: statistics.StyleStatistic, extractor: extractors.FeatureExtractor, regions: Sequence[guidance.Region]
) -> list[_Target]:
    if not regions or not all(len(region.images) for region in regions):
        raise ValueError("regions has no style image, but style_layers are given. Give one.")

    def summaries_of(image: tf.Tensor) -> dict[str, dict[str, tf.Tensor]]:
        features = extractor(image)
        return {name: statistic.summary(features[name]) for name in extractor.layers}

    graph, targets = _as_graph(summaries_of), []
    for region in regions:
        # A style without a share would still tell the others at how many points they are read.
        shares = [(image, share) for image, share in zip(region.images, region.blend, strict=True) if share]
        summaries, blend = [graph(image) for image, _ in shares], [share for _, share in shares]
        layers = {name: statistic.target([one[name] for one in summaries], blend) for name in extractor.layers}
        targets.append(_Target(layers, _guides(region, extractor), region.strength))
    return targets


def _guides(region: guidance.Region, extractor: extractors.FeatureExtractor) -> dict[str, tf.Tensor]:
    """{layer: what each of its locations counts}; none for a region that is all of the picture."""
    if region.mask is None:
        return {}
    sizes = extractor.sizes(*region.mask.shape[1:3])
    return {name: guidance.guide(region.mask, *size) for name, size in sizes.items()}


def _as_graph(function: Callable[[tf.Tensor], dict[str, Any]]) -> Callable[[tf.Tensor], dict[str, Any]]:
    """The function of an image of any size as a graph, which lets go of features that nothing needs any more.

    Called eagerly, a Keras model holds the features of all its layers until its end.
    """
    # The concrete one: called by itself, a `tf.function` made for each of many stages is taken for a mistake.
    return tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec([1, None, None, 3], tf.float32))


def _sum(shares: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.add_n(list(shares.values())) if shares else tf.constant(0.0)
