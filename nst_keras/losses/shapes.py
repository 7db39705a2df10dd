"""Sizes of tensors that are known before a step runs, the floor of divisors, and the bound of ratios."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["FLOOR", "known", "relative"]

# The least divisor. Keras's own epsilon would change pictures with a setting of the user's process.
FLOOR = 1e-7
# The ratio from which `relative` grows as a logarithm. Ordinary pictures stay far below it.
_STEEP = 100.0


def known(tensor: tf.Tensor, axis: int) -> int:
    """Returns a tensor's size along an axis.

    Raises:
        ValueError: The size is known only when the step runs.
    """
    size = tensor.shape[axis]
    if size is None:
        raise ValueError(f"axis {axis} of a tensor of shape {tensor.shape} must be known. Give an image of fixed size.")
    return size


def relative(distance: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Returns a distance as a multiple of a target's own size, bounded for a target that holds nearly nothing.

    Ratios r above 100 count as 100 (1 + ln(r / 100)), which has the same slope there. Without that, a layer in which
    the target is nearly zero (a black picture, or one of few pixels) would have a loss of a billion, and all other
    layers would count for nothing.

    Args:
        distance: float32, 0 or more, of any shape.
        size: float32, 0 or more, of the same shape.
    """
    ratio = distance / tf.maximum(size, FLOOR)
    return tf.where(ratio <= _STEEP, ratio, _STEEP * (1.0 + tf.math.log(tf.maximum(ratio, _STEEP) / _STEEP)))
