"""The arithmetic of L-BFGS, as functions of an optimizer's variables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from nst_keras.optimizers import base

__all__ = ["aimed", "differenced", "judged", "two_loop_direction", "weighed"]


def two_loop_direction(
    gradient: tf.Tensor,
    displacements: Sequence[tf.Tensor],
    gradient_changes: Sequence[tf.Tensor],
    curvatures: Sequence[tf.Tensor] | None = None,
) -> tf.Tensor:
    """Returns the L-BFGS direction -H g (Nocedal and Wright, "Numerical Optimization", algorithm 7.4).

    Args:
        gradient: g, of any shape.
        displacements: s_k = x_{k+1} - x_k, each of g's shape, the newest first.
        gradient_changes: y_k = g_{k+1} - g_k, each of g's shape, the newest first.
        curvatures: s_k . y_k, scalars. Default: computed here. A pair whose curvature is 0 does not count.

    Returns:
        -H g, of g's shape; -g for an empty history.
    """
    pairs = list(zip(displacements, gradient_changes, strict=True))
    if curvatures is None:
        curvatures = [base.dot(s, y) for s, y in pairs]
    inverse_curvatures = [tf.math.divide_no_nan(tf.ones([], gradient.dtype), curvature) for curvature in curvatures]
    direction, shares = -gradient, []
    for (s, y), rho in zip(pairs, inverse_curvatures, strict=True):
        share = rho * base.dot(s, direction)
        direction -= share * y
        shares.append(share)
    scale = tf.math.divide_no_nan(curvatures[0], base.dot(gradient_changes[0], gradient_changes[0]))
    direction *= tf.where(scale > 0, scale, tf.ones_like(scale))
    for (s, y), rho, share in zip(reversed(pairs), reversed(inverse_curvatures), reversed(shares), strict=True):
        direction += (share - rho * base.dot(y, direction)) * s
    return direction


def judged(
    loss: tf.Tensor,
    image: tf.Variable,
    trial: tf.Variable,
    gradient: tf.Variable,
    kept_loss: tf.Variable,
    *,
    decrease: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns whether the trial point becomes the image, and the slope of the loss along the way there."""
    slope = base.dot(gradient, trial - image)
    kept = kept_loss.read_value()  # A tensor, which compares with numbers also under TensorFlow's NumPy behaviour.
    # Less, not equal: below float precision the bound would let a step through that gains nothing.
    lower = (loss <= kept + decrease * slope) & (loss < kept)
    return (kept >= kept.dtype.max) | lower, slope


def differenced(new_gradient: tf.Tensor, image: tf.Variable, trial: tf.Variable, gradient: tf.Variable) -> None:
    """Replaces image and gradient by their changes s and y, in place."""
    image.assign(trial - image)
    gradient.assign(new_gradient - gradient)


def weighed(displacement: tf.Variable, gradient_change: tf.Variable) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the curvature s . y of the changes s and y, and whether it is usable."""
    curvature = base.dot(displacement, gradient_change)
    return curvature, curvature > 1e-10 * base.norm(displacement) * base.norm(gradient_change)


def aimed(
    displacements: list[tf.Variable],
    gradient_changes: list[tf.Variable],
    image: tf.Variable,
    trial: tf.Variable,
    full_gradient: tf.Variable,
    curvatures: tf.Variable,
    length: tf.Variable,
    *,
    history: int,
    bounds: base.Bounds,
    first_change: float,
) -> tf.Tensor:
    """Sets the trial point from the present gradient and history; returns the norm of the gradient."""
    gradient = base.free(full_gradient, image, full_gradient, bounds)
    newest_first = tf.unstack(curvatures, history)  # Indexed, the trace would hold the variable.
    direction = two_loop_direction(gradient, displacements, gradient_changes, newest_first)
    direction = base.free(direction, image, full_gradient, bounds)
    # From here on the full gradient, so that the other's memory is free: the direction is 0 where they differ.
    downhill = base.dot(direction, full_gradient) < 0
    first_norm = tf.cast(first_change * math.sqrt(gradient.shape.num_elements()), gradient.dtype)
    rate = tf.math.divide_no_nan(first_norm, base.norm(gradient))
    steepest = base.free(-rate * full_gradient, image, full_gradient, bounds)
    direction = tf.where(downhill & (newest_first[0] > 0), direction, steepest)
    trial.assign(base.clipped(image + length * direction, bounds))
    return base.norm(full_gradient)
