"""Evaluates an image as a whole: one forward and one backward pass through the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from nst_keras.losses import guidance
from nst_keras.objectives import backpropagation, base, comparison, targets
from nst_keras.runtime import compilation

__all__ = ["Whole", "targets_of", "value_and_gradient"]

# XLA needs an image's size. A graph does better without: with it, layers take forms that are fast in XLA alone.
_ANY_SIZE = (tf.TensorSpec([1, None, None, 3], tf.float32), tf.TensorSpec([len(base.WEIGHTED_TERMS)], tf.float32))


def value_and_gradient(
    compared: comparison.Comparison, against: targets.Targets, image: tf.Tensor, weights: tf.Tensor
) -> tuple[base.LossTerms, tf.Tensor]:
    """Returns the terms of the loss, and the gradient of their total with respect to the image.

    Args:
        compared: Layers and losses.
        against: Targets of these layers.
        image: float32 [1, height, width, 3], 0..255.
        weights: float32 [4], in the order of `base.WEIGHTED_TERMS`.
    """

    def loss(features: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]]:
        """Returns the sum of the style and content terms, and the share of each layer."""
        style = {name: compared.style_loss(name, features[name], against.style) for name in compared.style_layers}
        content = {
            name: compared.content_loss(name, features[name], against.content[name]) for name in compared.content_layers
        }
        style, content = compared.style_shares(style, weights), compared.content_shares(content, weights)
        return tf.add_n([*style.values(), *content.values()]), (style, content)

    (style, content), gradient = backpropagation.through(compared.extractor, compared.seen(image), loss)
    regularizers, gradient = compared.regularized(image, gradient, weights)
    return base.terms_of(style, content, **regularizers), gradient


def targets_of(
    compared: comparison.Comparison, regions: Sequence[guidance.Region], content_image: tf.Tensor | None
) -> targets.Targets:
    """Returns the targets of style and content, computed from whole images.

    Args:
        compared: Layers and losses.
        regions: Style images of each region; may be empty without style layers.
        content_image: float32 [1, height, width, 3], 0..255; may be None without content layers.

    Raises:
        ValueError: There are style layers, but no style image.
    """
    style, content = [], {}
    if compared.style_layers:
        extractor = compared.extractor.select(compared.style_layers)
        style = targets.style_targets(compared.statistic, extractor, regions)
    if compared.content_layers:
        extractor = compared.extractor.select(compared.content_layers)
        content = compilation.as_graph(extractor.__call__)(content_image)
    return targets.Targets(style, content)


class Whole:
    """Evaluates an image as a whole, by one compiled function.

    Args:
        compared: Layers and losses.
        regions: Style images of each region; may be empty without style layers.
        content_image: float32 [1, height, width, 3], 0..255; may be None without content layers.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.

    Attributes:
        comparison: Layers and losses.
        targets: Targets of these layers.

    Raises:
        ValueError: There are style layers but no style image, or `jit_compile` is unknown.
    """

    def __init__(
        self,
        compared: comparison.Comparison,
        regions: Sequence[guidance.Region],
        content_image: tf.Tensor | None,
        *,
        jit_compile: str | bool = "auto",
    ) -> None:
        self.comparison = compared
        self.targets = targets_of(compared, regions, content_image)
        self._compiled = compilation.compiled(
            self._value_and_gradient, jit_compile=jit_compile, graph_signature=_ANY_SIZE
        )

    def evaluate(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[base.LossTerms, tf.Tensor]:
        """Returns the terms of the loss and its gradient, see `base.Evaluator`."""
        return self._compiled(image, weights)

    def tracing_count(self) -> int:
        """Returns how often the step was traced: 1 for a whole run."""
        return self._compiled.tracing_count()

    def _value_and_gradient(self, image: tf.Tensor, weights: tf.Tensor) -> tuple[base.LossTerms, tf.Tensor]:
        return value_and_gradient(self.comparison, self.targets, image, weights)
