"""Keras's own optimizers, over the pixels of an image."""

from __future__ import annotations

import contextvars
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers import base, keras_sharing, shared
from nst_keras.runtime import compilation, defaults

__all__ = ["LEARNING_RATE", "KerasOptimizer", "LearningRate", "adam", "checked_rate"]

LearningRate = float | keras.optimizers.schedules.LearningRateSchedule

# TensorFlow's tutorial: Adam(learning_rate=0.02, beta_1=0.99, epsilon=0.1) on an image in 0..1, here on 0..255. Its
# epsilon is negligible beside its own gradients, but would stop those of "relative", which are a billion times smaller.
LEARNING_RATE = 0.02 * 255
_BETA_1 = 0.99
_EPSILON = 1e-12

# Endings of the names of Keras's variables that hold squares of gradients, or of changes of the image. The others hold
# gradients, or multiples of them.
_OF_SQUARES = ("velocity", "velocity_hat", "accumulator", "accumulated_grad")
_OF_CHANGES = ("accumulated_delta_var",)


class KerasOptimizer(base.Optimizer):
    """Any Keras optimizer over the pixels, kept in range.

    Args:
        optimizer: A Keras optimizer, or a function that makes one. An optimizer is copied from its config, so that runs
            are alike and yours stays as it was.
        bounds: Lowest and highest value of a pixel, or None.
        largest_rate: The upper limit of the learning rate; None for no limit. Adam moves every pixel by about its rate
            at first: at 80 levels per step a picture turns to noise, and never settles.
        unit_gradients: Whether gradients are divided by the root mean square of the run's first one. A rate then is in
            levels of 0..255, and epsilons have the weight that Keras means, however the losses are normalized.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the variables lie, and each update is computed, on the CPU.

    Raises:
        ValueError: The optimizer cannot be copied from its config.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer | Callable[[], keras.optimizers.Optimizer],
        *,
        bounds: base.Bounds = base.BOUNDS,
        largest_rate: float | None = None,
        unit_gradients: bool = False,
        jit_compile: str | bool = "auto",
        on_host: bool = False,
    ) -> None:
        super().__init__(on_host=on_host)
        with self.place(), defaults.keras_defaults():
            self._keras = self.keras_optimizer = (
                _copy(optimizer) if isinstance(optimizer, keras.optimizers.Optimizer) else optimizer()
            )
        self.bounds = bounds
        self._largest_rate = largest_rate
        self._unit_gradients = unit_gradients
        self._jit_compile = compilation.jit_mode(jit_compile)
        self._shared_as = keras_sharing.shared_as(optimizer, self._keras)

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with fresh moments; all runs of one optimizer are of images of one size."""
        with self.place():
            if self._keras.built:
                self.image.assign(image)
                self._unit.assign(tf.zeros_like(self._unit))
                for variable, value in zip(self._keras.variables, self._initial_values, strict=True):
                    variable.assign(tf.broadcast_to(value, variable.shape))
            else:
                self._create_variables(image)

    def carry_over(self, other: base.Optimizer) -> None:
        """Takes over the step count, the learning rate and the moments, interpolated to the image's size.

        The moments are scaled too: the first by the ratio r of the pixels before to those now, the second by r^2,
        because the gradient of a mean over pixels thins out as they grow in number. (The gradient of a sum, such as the
        content term of `"gatys2015"`, does not; there Adam has to find its pace again.) Moments of fewer dimensions
        than the image, such as Adafactor's, begin anew.
        """
        if not isinstance(other, KerasOptimizer):
            return
        size = self.image.shape[1:3]
        ratio = other.image.shape.num_elements() / self.image.shape.num_elements()
        if self._unit_gradients:  # The unit thins out, and the moments are in units.
            self._unit.assign(other._unit * ratio)
            ratio = 1.0
        for mine, others in zip(self._keras.variables, other._keras.variables, strict=True):
            if others.shape == other.image.shape:
                with self.place():
                    interpolated = tf.image.resize(others.value, size)
                    mine.assign(interpolated * ratio ** _power_of_gradients(others.name))
            elif others.shape == mine.shape:
                mine.assign(others)

    def variables(self) -> dict[str, tf.Variable]:
        """Returns the image and the Keras optimizer's own variables: its steps, its rate, its moments."""
        own = {f"optimizer_{place}": variable.value for place, variable in enumerate(self._keras.variables)}
        unit = {"gradient_unit": self._unit} if self._unit_gradients else {}
        return {"image": self.image, **unit, **own}

    def forget(self) -> None:
        """Drops the momentum, which leads where the objective was lower before; scales of gradients stay."""
        for variable in self._keras.variables:
            if variable.shape == self.image.shape and _power_of_gradients(variable.name) < 2:
                variable.assign(tf.zeros_like(variable.value))

    def step(self, objective: base.Objective) -> base.Step:
        """Evaluates the objective at the image, then moves the image; the step's terms are those before the move."""
        terms, gradient = objective.value_and_gradient(tf.convert_to_tensor(self.image))
        with self.place():
            return base.Step(terms, self._move(tf.identity(gradient)))

    @defaults.keras_defaults()
    def _create_variables(self, image: tf.Tensor) -> None:
        self.image = tf.Variable(image)
        self._unit = tf.Variable(tf.zeros([], image.dtype))
        self._keras.build([self.image])
        self._initial_values = [_without_repetition(v.value) for v in self._keras.variables]
        fixed = {name: getattr(self, f"_{name}") for name in ("largest_rate", "unit_gradients")}
        fixed["bounds"] = self.bounds
        if self._shared_as is None:
            own = functools.partial(_updated, optimizer=self._keras, **fixed)
            self._update = compilation.compiled(own, jit_compile=self._jit_compile)
        else:
            options = {"jit_compile": self._jit_compile, "on_host": self._on_host}
            self._update = shared.function(_updated_for_any, image, kind=self._shared_as, **fixed, **options)

    def _move(self, gradient: tf.Tensor) -> tf.Tensor:
        """Moves the image; returns the norm of the gradient."""
        if self._shared_as is None:
            return self._update(gradient, self.image, self._unit)
        token, theirs = _AT_WORK.set(self), [variable.value for variable in self._keras.variables]
        try:
            return self._update(gradient, self.image, self._unit, theirs)
        finally:
            _AT_WORK.reset(token)


# Whose step is being made. A shared function reads it while it is traced, and holds nothing of it afterwards.
_AT_WORK: contextvars.ContextVar[KerasOptimizer] = contextvars.ContextVar("_AT_WORK")


def _updated_for_any(
    gradient: tf.Tensor,
    image: tf.Variable,
    unit: tf.Variable,
    variables: Sequence[tf.Variable],
    *,
    kind: str,
    **fixed: Any,
) -> tf.Tensor:
    """Moves an image with the variables of any Keras optimizer of a kind; returns the norm of the gradient."""
    del kind  # It tells functions apart.
    traced = _AT_WORK.get()
    with keras_sharing.in_place_of(traced._keras.variables, variables):
        # By this attribute Keras knows the variables that it was built for.
        setattr(image, "_unique_id", traced.image._unique_id)  # noqa: B010  A type checker does not know it.
        return _updated(gradient, image, unit, optimizer=traced._keras, **fixed)


def _updated(
    gradient: tf.Tensor,
    image: tf.Variable,
    unit: tf.Variable,
    *,
    optimizer: keras.optimizers.Optimizer,
    bounds: base.Bounds,
    largest_rate: float | None,
    unit_gradients: bool,
) -> tf.Tensor:
    """Moves an image with a Keras optimizer; returns the norm of the gradient."""
    before = tf.identity(image)
    optimizer.apply([_in_units(gradient, unit) if unit_gradients else gradient], [image])
    share = 1.0 if largest_rate is None else tf.minimum(1.0, largest_rate / _rate(optimizer))
    change = share * (image - before)
    gradient_norm = base.norm(gradient)
    # A gradient that is not finite leaves the image as it was, for the run to stop with it.
    image.assign(tf.where(tf.math.is_finite(gradient_norm), base.clipped(before + change, bounds), before))
    return gradient_norm


def _in_units(gradient: tf.Tensor, unit: tf.Variable) -> tf.Tensor:
    """Returns the gradient divided by the unit: the root mean square of the first gradient that is finite and not 0."""
    size = base.norm(gradient) / math.sqrt(gradient.shape.num_elements())
    unit.assign(tf.where((unit == 0) & tf.math.is_finite(size), size, unit))
    return tf.math.divide_no_nan(gradient, unit)


def _rate(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    return tf.cast(optimizer.learning_rate, tf.float32)


def adam(
    learning_rate: LearningRate | None = None,
    *,
    bounds: base.Bounds = base.BOUNDS,
    jit_compile: str | bool = "auto",
    on_host: bool = False,
) -> KerasOptimizer:
    """Returns Keras's Adam with the settings of TensorFlow's tutorial, safe at any learning rate.

    The learning rate is limited to the tutorial's, 5.1 levels: users come with rates of 80, at which a picture turns to
    noise.

    Args:
        learning_rate: Levels of 0..255 per step: a number above 0, or a Keras schedule. Default: 5.1.
        bounds: Lowest and highest value of a pixel, or None.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the variables lie, and each update is computed, on the CPU.

    Raises:
        ValueError: The learning rate is not above 0.
    """
    rate = checked_rate(LEARNING_RATE if learning_rate is None else learning_rate)
    return KerasOptimizer(
        # Keras's own annotation names the number alone.
        lambda: keras.optimizers.Adam(rate, beta_1=_BETA_1, epsilon=_EPSILON),  # pyright: ignore[reportArgumentType]
        bounds=bounds,
        largest_rate=LEARNING_RATE,
        jit_compile=jit_compile,
        on_host=on_host,
    )


def checked_rate(rate: LearningRate) -> LearningRate:
    """Returns a learning rate that is a number above 0 or a Keras schedule; raises `ValueError` for another."""
    is_schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    if not is_schedule and checks.finite("learning_rate", rate) <= 0:
        raise ValueError(f"learning_rate must be above 0, but {rate!r} was given.")
    return rate


def _power_of_gradients(name: str) -> int:
    """Returns the power of a gradient's unit in the unit of one of Keras's variables."""
    return 0 if name.endswith(_OF_CHANGES) else 2 if name.endswith(_OF_SQUARES) else 1


def _without_repetition(values: tf.Tensor) -> tf.Tensor:
    """Returns a copy, or a scalar where all values are equal, as in Keras's moments at first."""
    if values.shape.num_elements() < 2 or not tf.reduce_all(values == tf.reshape(values, [-1])[0]):
        return tf.identity(values)
    return tf.reshape(values, [-1])[0]


def _copy(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    try:
        return type(optimizer).from_config(optimizer.get_config())
    except Exception as error:  # Whatever a class of the user's own raises.
        raise ValueError(
            f"optimizer: {type(optimizer).__name__} cannot be copied from its config ({error}). Register its "
            "parts with keras.saving.register_keras_serializable, and give them get_config."
        ) from error
