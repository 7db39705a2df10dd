"""Backpropagates a loss of features to the image, through a network of any precision.

A network in half precision computes its features and their gradients with 11 bits or fewer. Gram matrices and losses,
which are made of the features, stay float32.

float16 also has a short range. Gradients are scaled into it by a power of two, and back afterwards (as in Micikevicius
et al., "Mixed Precision Training", ICLR 2018; here the scale comes from the gradients themselves, not from a search).
bfloat16 has the range of float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import tensorflow as tf

from nst_keras.networks import extractors

__all__ = ["through"]

Found = TypeVar("Found")

# Largest gradient of a feature in float16: far below its largest number, 2^16, since the way back may multiply it.
_LARGEST = 1.0


def through(
    extractor: extractors.FeatureExtractor,
    image: tf.Tensor,
    loss: Callable[[tf.Tensor, dict[str, tf.Tensor]], tuple[tf.Tensor, Found]],
) -> tuple[Found, tf.Tensor]:
    """Returns what a loss finds in an image's features, and its gradient with respect to the image.

    Args:
        extractor: Network that gives the features.
        image: float32 [1, height, width, 3], 0..255.
        loss: Function of the image, and of {layer: features, float32 [1, layer's height, layer's width, K]}. It
            returns the loss, a float32 scalar, and a value of any kind.

    Returns:
        The second value that `loss` returns, and the gradient of the first, of the image's shape.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        features = extractor(image)
    exact = {name: tf.cast(of_layer, tf.float32) for name, of_layer in features.items()}
    with tf.GradientTape(watch_accessed_variables=False) as of_loss:
        of_loss.watch([image, exact])
        value, found = loss(image, exact)
    sources = of_loss.gradient(value, (image, exact))
    direct, pulls = cast("tuple[tf.Tensor | None, dict[str, tf.Tensor | None]]", sources)
    pulls = {name: tf.zeros_like(exact[name]) if pull is None else pull for name, pull in pulls.items()}
    scale = _scale(list(pulls.values())) if extractor.has_short_range else 1.0
    scaled = {name: tf.cast(pull * scale, features[name].dtype) for name, pull in pulls.items()}
    # TensorFlow's stub lacks gradients of a dictionary.
    gradient = tape.gradient(features, image, output_gradients=scaled)  # pyright: ignore[reportCallIssue, reportArgumentType]
    through_features = gradient / scale
    return found, through_features if direct is None else through_features + direct


def _scale(pulls: list[tf.Tensor]) -> tf.Tensor:
    """Returns the power of two that scales the largest of these gradients to `_LARGEST` or less."""
    largest = tf.reduce_max([tf.reduce_max(tf.abs(pull)) for pull in pulls])
    exponent = tf.floor(tf.math.log(_LARGEST / tf.maximum(largest, 1e-30)) / tf.math.log(2.0))
    return tf.pow(2.0, tf.clip_by_value(exponent, -100.0, 100.0))
