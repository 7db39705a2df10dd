"""The objective: targets and weights -> value_and_gradient(image) -> (LossTerms, gradient)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from nst_keras import checks, losses
from nst_keras.losses import guidance, regularizers, statistics
from nst_keras.networks import extractors
from nst_keras.objectives import backpropagation, targets
from nst_keras.runtime import compilation

__all__ = ["WEIGHTED_TERMS", "LossTerms", "Objective", "terms_of"]

# The weights' names, in the order in which the terms stand in `LossTerms`.
WEIGHTED_TERMS: dict[str, str] = {
    "style": "style_weight",
    "content": "content_weight",
    "total_variation": "var_weight",
    "alpha_norm": "alpha_norm_weight",
}

_PLACES = {term: place for place, term in enumerate(WEIGHTED_TERMS)}

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
        variation: The kind of total variation, a name in `regularizers.VARIATIONS`.
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
        self._variation = checks.one_of("variation", variation, regularizers.VARIATIONS)
        self._seen = seen
        self._prepare(regions, content_image, jit_compile)
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
        return self._evaluate(tf.convert_to_tensor(image), self._weights_of(*self.weights))

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
        return self._evaluate(tf.convert_to_tensor(image), self._weights_of(term))[1]

    def tracing_count(self) -> int:
        """How often the step was traced: 1 for a whole run."""
        return self._compiled.tracing_count()

    def _weights_of(self, *terms: str) -> tf.Tensor:
        """The weights as an argument of the compiled function, those of other terms put to 0."""
        return tf.constant([self.weights[term] if term in terms else 0.0 for term in WEIGHTED_TERMS], tf.float32)

    def _prepare(
        self, regions: Sequence[guidance.Region], content_image: tf.Tensor | None, jit_compile: str | bool
    ) -> None:
        """Makes the targets and the compiled function."""
        self._regions: list[targets.Target] = []
        if self._style_layers:
            self._regions = targets.style_targets(self._statistic, self._extractor.select(self._style_layers), regions)
        self._content: dict[str, tf.Tensor] = {}
        if self._content_layers:
            self._content = compilation.as_graph(self._extractor.select(self._content_layers).__call__)(content_image)
        self._compiled = compilation.compiled(
            self._value_and_gradient, jit_compile=jit_compile, graph_signature=_ANY_SIZE
        )

    def _evaluate(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[LossTerms, tf.Tensor]:
        return self._compiled(image, weights)

    def _value_and_gradient(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[LossTerms, tf.Tensor]:
        layers, gradient = backpropagation.through(
            self._extractor, self._seen(image), lambda features: self._of_layers(features, weights)
        )
        priors, gradient = self._closing(image, gradient, weights)
        return terms_of(*layers, **priors), gradient

    def _of_layers(
        self, features: Mapping[str, tf.Tensor], weights: tf.Tensor
    ) -> tuple[tf.Tensor, tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]]:
        """The network's terms together, and the shares of the style and of the content layers."""
        style = {name: self._style_loss(name, features[name]) for name in self._style_layers}
        content = {name: self._content_loss(name, features[name]) for name in self._content_layers}
        style = self._weighted(weights, "style", style, self._style_layers)
        content = self._weighted(weights, "content", content, self._content_layers)
        return tf.add_n([*style.values(), *content.values()]), (style, content)

    def _closing(
        self, image: tf.Tensor, gradient: tf.Tensor, weights: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """The image's own terms, and of all terms the gradient with respect to it.

        Args:
            image: Between two steps.
            gradient: Of the network's terms with respect to what the network sees of the image.
            weights: As `_weights_of` gives them.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            seen = self._seen(image)
            priors = self._priors(seen, weights)
            total = tf.add_n([*priors.values(), tf.reduce_sum(gradient * seen)])
        return priors, tape.gradient(total, image)

    def _weighted(
        self, weights: tf.Tensor, term: str, layers: Mapping[str, tf.Tensor], layer_weights: Mapping[str, float]
    ) -> dict[str, tf.Tensor]:
        """{layer: its share of a term}."""
        weight = weights[_PLACES[term]]
        return {name: weight * layer_weights[name] * loss for name, loss in layers.items()}

    def _priors(self, seen: tf.Tensor, weights: tf.Tensor) -> dict[str, tf.Tensor]:
        """{term: value} of what is asked of the image for itself."""
        variation = losses.total_variation_loss(seen, normalization=self._normalization, variation=self._variation)
        alpha_norm = losses.alpha_norm_loss(seen, normalization=self._normalization)
        return {
            "total_variation": weights[_PLACES["total_variation"]] * variation,
            "alpha_norm": weights[_PLACES["alpha_norm"]] * alpha_norm,
        }

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


def terms_of(
    style_layers: dict[str, tf.Tensor],
    content_layers: dict[str, tf.Tensor],
    total_variation: tf.Tensor,
    alpha_norm: tf.Tensor,
) -> LossTerms:
    """The terms of a loss, added up from their shares, each a float32 scalar times its weights."""
    shares = {
        "style": _sum(style_layers),
        "content": _sum(content_layers),
        "total_variation": total_variation,
        "alpha_norm": alpha_norm,
    }
    total = tf.add_n(list(shares.values()))
    return LossTerms(total, **shares, style_layers=style_layers, content_layers=content_layers)


def _sum(shares: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.add_n(list(shares.values())) if shares else tf.constant(0.0)
