"""Finds out whether this machine's processor has fast half precision."""

from __future__ import annotations

import functools
import timeit

import tensorflow as tf

__all__ = ["has_instructions_for"]

_HALVES = ("bfloat16", "float16")


@functools.cache
def has_instructions_for(dtype: str) -> bool:
    """Returns whether the processor has instructions for half precision, and there is no accelerator.

    TensorFlow's own convolutions use these instructions, XLA's do not. No public interface reports them, so this times
    a convolution's gradient: with them it takes half as long as in float32, without them 7 to 20 times as long.

    Args:
        dtype: A type's name. The answer is False for all but `bfloat16` and `float16`.
    """
    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return dtype in _HALVES and not accelerated and _seconds(dtype) < 2 * _seconds("float32")


def _seconds(dtype: str) -> float:
    """Times the gradient of a convolution of 300 million operations."""
    upstream, kernel = tf.ones([1, 64, 64, 64], dtype), tf.ones([3, 3, 64, 64], dtype)
    gradient = tf.function(functools.partial(tf.nn.conv2d_transpose, strides=1, padding="SAME"), autograph=False)
    return min(timeit.repeat(lambda: gradient(upstream, kernel, output_shape=upstream.shape), number=1, repeat=6))
