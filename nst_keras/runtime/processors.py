"""What the processor of this machine is fast at."""

from __future__ import annotations

import functools
import timeit

import tensorflow as tf

__all__ = ["has_instructions_for"]

_HALVES = ("bfloat16", "float16")


@functools.cache
def has_instructions_for(dtype: str) -> bool:
    """Whether the processor has instructions for half precision, and no accelerator does its work.

    TensorFlow's own convolutions use them, XLA's do not. Nothing public tells, so a convolution's gradient is timed:
    with them it takes half the time of float32's, without them 7 to 20 times as long.

    Args:
        dtype: A name; for others than `bfloat16` and `float16` the answer is no.
    """
    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return dtype in _HALVES and not accelerated and _seconds(dtype) < 2 * _seconds("float32")


def _seconds(dtype: str) -> float:
    """How long the gradient of a convolution takes, of 300 million operations."""
    upstream, kernel = tf.ones([1, 64, 64, 64], dtype), tf.ones([3, 3, 64, 64], dtype)
    gradient = tf.function(functools.partial(tf.nn.conv2d_transpose, strides=1, padding="SAME"), autograph=False)
    return min(timeit.repeat(lambda: gradient(upstream, kernel, output_shape=upstream.shape), number=1, repeat=6))
