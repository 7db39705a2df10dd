"""Square roots of symmetric positive matrices, with a gradient that XLA compiles and float32 is enough for."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from nst_keras.losses import shapes

__all__ = ["root", "trace_of_root"]

# Enough for eigenvalues down to a millionth of their sum, whose roots are a thousandth of its root: see `_scalings`.
_ITERATIONS, _LEAST_ROOT = 12, 1e-3


def root(matrix: tf.Tensor) -> tf.Tensor:
    """Returns A^1/2, from eigenvectors in double precision: exact, but too slow for each step, above all with XLA.

    Args:
        matrix: A, float32 [batch, N, N], symmetric, without negative eigenvalues but for rounding.

    Returns:
        float32 [batch, N, N], symmetric.
    """
    values, vectors = tf.linalg.eigh(tf.cast(matrix, tf.float64))
    roots = tf.sqrt(tf.maximum(values, 0.0))
    return tf.cast(tf.einsum("bij,bj,bkj->bik", vectors, roots, vectors), tf.float32)


def trace_of_root(matrix: tf.Tensor) -> tf.Tensor:
    """Returns the sum of the roots of the eigenvalues, tr A^1/2; its gradient is 1/2 A^-1/2.

    The Newton-Schulz iteration (Higham, "Functions of Matrices", 2008, eq. 6.35) gives both A^1/2 and A^-1/2, by
    products alone. Eigenvalues below a millionth of their sum count for less than they should, in value and gradient.

    Args:
        matrix: A, float32 [batch, N, N], symmetric, with positive eigenvalues.

    Returns:
        float32 [batch].
    """
    return _differentiable_trace(matrix)  # pyright: ignore[reportReturnType]  # The decorator has no annotation.


@tf.custom_gradient
def _differentiable_trace(matrix: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    wide = tf.cast(matrix, _type())
    scale = tf.linalg.trace(wide)[:, tf.newaxis, tf.newaxis]
    identity = tf.eye(shapes.known(matrix, -1), dtype=wide.dtype)
    y, z = wide / scale, identity
    for scaling in _scalings(_LEAST_ROOT, _ITERATIONS):
        step = 1.5 * scaling * identity - 0.5 * scaling**3 * (z @ y)
        y, z = y @ step, step @ z

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        """Returns half the inverse root, which the iteration gives too."""
        return 0.5 * upstream[:, tf.newaxis, tf.newaxis] * tf.cast(z / tf.sqrt(scale), tf.float32)

    return tf.cast(tf.linalg.trace(y * tf.sqrt(scale)), tf.float32), gradient


def _scalings(least: float, count: int) -> list[float]:
    """Returns the factors that speed the iteration up (Chen and Chow 2014, "A stable scaling of Newton-Schulz").

    The iteration maps each root x, in (0, 1], to x (3 - x^2) / 2, until it is 1. A small x grows by 1.5 at each step.
    If x is scaled first, so that the least x and 1 have the same image, a small x grows by 2.6 at each step.
    """
    scalings = []
    for _ in range(count):
        scaling = math.sqrt(3.0 / (1.0 + least + least**2))
        least = 0.5 * scaling * least * (3.0 - (scaling * least) ** 2)
        scalings.append(scaling)
    return scalings


def _type() -> tf.DType:
    # Accelerators round the factors of a float32 product to a few bits (TF32, bfloat16), with which the iteration grows
    # without bound. Those of float64 they leave as they are; on a CPU it would take four times as long.
    on_accelerator = any(device.device_type != "CPU" for device in tf.config.list_logical_devices())
    return tf.float64 if on_accelerator else tf.float32
