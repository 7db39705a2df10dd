"""Sizes of tensors that are known before a step runs, and the floor of divisors."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["FLOOR", "known"]

# The least divisor. Keras's own epsilon would change pictures with a setting of the user's process.
FLOOR = 1e-7


def known(tensor: tf.Tensor, axis: int) -> int:
    """Returns a tensor's size along an axis.

    Raises:
        ValueError: The size is known only when the step runs.
    """
    size = tensor.shape[axis]
    if size is None:
        raise ValueError(f"axis {axis} of a tensor of shape {tensor.shape} must be known. Give an image of fixed size.")
    return size
