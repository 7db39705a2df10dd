"""From a loss of features back to the image, through a network of any precision.

In half precision a network computes its features, and the way back through them, with 11 bits or fewer; what is made of
features, Gram matrices and losses, stays float32. Of float16 the range is short too: gradients are scaled into it, and
back, by a power of two (as in Micikevicius et al., "Mixed Precision Training", ICLR 2018, but by the gradients at hand
in the place of a scale that is searched for). That of bfloat16 is float32's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from nst_keras.networks import extractors

__all__ = ["through"]

# The largest gradient of a feature in float16: as far below its largest number, 2^16, as the way back may multiply it.
_LARGEST = 1.0


def through(
    extractor: extractors.FeatureExtractor,
    image: tf.Tensor,
    loss: Callable[[dict[str, tf.Tensor]], tuple[tf.Tensor, Any]],
) -> tuple[Any, tf.Tensor]:
    """A loss of an image's features, and its gradient with respect to the image.

    Args:
        extractor: Gives the features.
        image: float32 [1, height, width, 3], 0..255.
        loss: {layer: features, float32} -> (the loss, a float32 scalar; whatever else is made of the features).

    Returns:
        What else the loss gives, and the gradient, of the image's shape.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        features = extractor(image)
    exact = {name: tf.cast(of_layer, tf.float32) for name, of_layer in features.items()}
    with tf.GradientTape(watch_accessed_variables=False) as of_loss:
        of_loss.watch(exact)
        value, found = loss(exact)
    pulls = of_loss.gradient(value, exact, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    scale = _scale(list(pulls.values())) if extractor.has_short_range else 1.0
    scaled = {name: tf.cast(pull * scale, features[name].dtype) for name, pull in pulls.items()}
    return found, tape.gradient(features, image, output_gradients=scaled) / scale


def _scale(pulls: list[tf.Tensor]) -> tf.Tensor:
    """The power of two that brings the largest of these gradients to `_LARGEST` or less."""
    largest = tf.reduce_max([tf.reduce_max(tf.abs(pull)) for pull in pulls])
    exponent = tf.floor(tf.math.log(_LARGEST / tf.maximum(largest, 1e-30)) / tf.math.log(2.0))
    return tf.pow(2.0, tf.clip_by_value(exponent, -100.0, 100.0))
