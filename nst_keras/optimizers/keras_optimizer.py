"""Keras's own optimizers, over the pixels of an image."""

from __future__ import annotations

import keras
import tensorflow as tf

from nst_keras import checks, compilation
from nst_keras.optimizers.base import BOUNDS, Bounds, Objective, Optimizer, Step, clipped, root_mean_square

__all__ = ["KerasOptimizer", "LearningRate", "adam"]

LearningRate = float | keras.optimizers.schedules.LearningRateSchedule

# TensorFlow's tutorial: Adam(learning_rate=0.02, beta_1=0.99, epsilon=0.1) on an image in 0..1, here on 0..255. Its
# epsilon is next to nothing beside its own gradients, but would hold up those of "relative", a billion times smaller.
_LEARNING_RATE = 0.02 * 255
_BETA_1 = 0.99
_EPSILON = 1e-12


class KerasOptimizer(Optimizer):
    """Any Keras optimizer over the pixels, kept in range.

    Args:
        optimizer: Copied at each `start`, so that runs are alike and yours stays as it was.
        bounds: Lowest and highest value of a pixel, or None.
        largest_change: The root mean square change of a step, in levels, that a longer one is scaled down to; None for
            no such limit. As the update clipping of Adafactor (Shazeer and Stern 2018, section 6): at a learning rate
            of 80, Adam's first steps would move every pixel by 80 levels.
        jit_compile: A name in `compilation.JIT_MODES`.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        *,
        bounds: Bounds = BOUNDS,
        largest_change: float | None = None,
        jit_compile: str = "auto",
    ) -> None:
        self._template = optimizer
        self._bounds = bounds
        self._largest_change = largest_change
        self._jit_compile = jit_compile

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with fresh moments."""
        self.image = tf.Variable(image)
        self.keras_optimizer = type(self._template).from_config(self._template.get_config())
        self.keras_optimizer.build([self.image])
        self._update = compilation.compiled(self._updated, jit_compile=self._jit_compile)

    def step(self, objective: Objective) -> Step:
        """Evaluates the objective at the image, then moves it: the terms are those before the move."""
        terms, gradient = objective.value_and_gradient(self.image)
        return Step(terms, self._update(gradient))

    def _updated(self, gradient: tf.Tensor) -> tf.Tensor:
        before = tf.identity(self.image)
        self.keras_optimizer.apply([gradient], [self.image])
        change = _limited(self.image - before, self._largest_change)
        norm = tf.norm(gradient)
        # A gradient that is not finite leaves the image as it was, for the run to stop with it.
        self.image.assign(tf.where(tf.math.is_finite(norm), clipped(before + change, self._bounds), before))
        return norm


def adam(learning_rate: LearningRate | None = None, *, jit_compile: str = "auto") -> KerasOptimizer:
    """Keras's Adam with the tutorial's settings, safe at any learning rate.

    No step is longer than the tutorial's, which Adam at the tutorial's rate never exceeds: a larger rate is led in by
    the data, not by a jump to noise.

    Args:
        learning_rate: Levels of 0..255 a step, a number above 0 or a Keras schedule; 5.1 if left out.
        jit_compile: A name in `compilation.JIT_MODES`.

    Raises:
        ValueError: A learning rate that is not above 0.
    """
    rate = _LEARNING_RATE if learning_rate is None else learning_rate
    is_schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    if not is_schedule and checks.finite("learning_rate", rate) <= 0:
        raise ValueError(f"learning_rate must be above 0, but {rate!r} was given.")
    optimizer = keras.optimizers.Adam(rate, beta_1=_BETA_1, epsilon=_EPSILON)
    return KerasOptimizer(optimizer, largest_change=_LEARNING_RATE, jit_compile=jit_compile)


def _limited(change: tf.Tensor, largest: float | None) -> tf.Tensor:
    if largest is None:
        return change
    return change * tf.minimum(1.0, tf.math.divide_no_nan(largest, root_mean_square(change)))
