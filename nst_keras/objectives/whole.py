"""Evaluates an image as a whole: one forward and one backward pass through the network."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from nst_keras.objectives import backpropagation, base, comparison, remembered, targets
from nst_keras.runtime import compilation

__all__ = ["Whole", "value_and_gradient"]

Shares = tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], dict[str, tf.Tensor]]


def value_and_gradient(
    compared: comparison.Comparison, image: tf.Tensor, weights: base.Weights, against: targets.Targets
) -> tuple[base.LossTerms, tf.Tensor]:
    """Returns the terms of the loss, and the gradient of their total with respect to the image.

    Args:
        compared: Layers and losses.
        image: float32 [1, height, width, 3], 0..255.
        weights: The weights of terms and layers.
        against: Targets of these layers.
    """

    def loss(seen: tf.Tensor, features: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, Shares]:
        """Returns the sum of all terms of features, and the share of each layer and further term."""
        style = {name: compared.style_loss(name, features[name], against.style) for name in compared.style_layers}
        content = {
            name: compared.content_loss(name, features[name], against.content[name]) for name in compared.content_layers
        }
        style, content = compared.style_shares(style, weights), compared.content_shares(content, weights)
        further = compared.further_terms(seen, features, weights)
        return tf.add_n([*style.values(), *content.values(), *further.values()]), (style, content, further)

    seen = compared.shown(image, against.kept)
    (style, content, further), gradient = backpropagation.through(compared.extractor, seen, loss)
    regularizers, gradient = compared.regularized(image, gradient, weights, against.kept)
    return base.terms_of(style, content, **regularizers, further=further), gradient


class Whole:
    """Evaluates an image as a whole, by one compiled function.

    Args:
        compared: Layers and losses.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.

    Attributes:
        comparison: Layers and losses.

    Raises:
        ValueError: `jit_compile` is unknown.
    """

    def __init__(self, compared: comparison.Comparison, *, jit_compile: str | bool = "auto") -> None:
        self.comparison = compared
        self._memory = remembered.Remembered()
        self._compiled = compilation.compiled(self._value_and_gradient, jit_compile=jit_compile, any_size=True)
        if compared.style_layers:
            self._style = compared.extractor.select(compared.style_layers)
            self._summarise = targets.whole_summary(compared.statistic, self._style)
        if compared.content_layers:
            content = compared.extractor.select(compared.content_layers)
            self._features = compilation.compiled(content.__call__, jit_compile="false", any_size=True)

    def targets_of(self, reference: targets.Reference, strength: float = 1.0) -> targets.Targets:
        """Returns what a picture is compared with, see `base.Evaluator`."""
        compared, style, content = self.comparison, [], {}
        if compared.style_layers:
            style = targets.style_targets(
                compared.statistic,
                self._style,
                reference,
                strength=strength,
                summarise=self._summarise,
                memory=self._memory,
            )
        if compared.content_layers:
            image = base.content_of(reference)
            content = self._memory.get("content", (image,), lambda: self._features(image))
        return targets.Targets(style, content, list(reference.kept))

    def evaluate(
        self, image: tf.Tensor, weights: base.Weights, against: targets.Targets
    ) -> tuple[base.LossTerms, tf.Tensor]:
        """Returns the terms of the loss and its gradient, see `base.Evaluator`."""
        return self._compiled(image, weights, against)

    def tracing_count(self) -> int:
        """Returns how often the step was traced: once for each size with XLA, else once for all."""
        return self._compiled.tracing_count()

    def _value_and_gradient(
        self, image: tf.Tensor, weights: base.Weights, against: targets.Targets
    ) -> tuple[base.LossTerms, tf.Tensor]:
        return value_and_gradient(self.comparison, image, weights, against)
