"""Spectral preconditioning: an optimizer in coordinates in which an image's large forms move as easily as its grain.

The losses curve little along an image's low frequencies: a step that suits the grain leaves large forms and colours
where they are. So the optimizer moves coordinates z in place of the image,

    image = start + F^-1 diag((f / 0.1)^-a) F z,

where F is the Fourier transform over rows and columns, and f the frequency in cycles per pixel. Olah, Mordvintsev and
Schubert ("Feature Visualization", Distill 2017, section "Preconditioning and Parameterization") use a = 1, and
decorrelate colours too. Here a is smaller, and colours stay as they are, because that lowers these losses fastest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers import base, shared, wrapper

__all__ = ["EXPONENT", "Spectral", "filtered", "gains"]

# Chosen over pictures, starts and normalizations, see `benchmarks/preconditioning.py`.
EXPONENT = 0.5

# The frequency at which coordinates and pixels have one scale. It affects only the first step of L-BFGS.
_UNIT_FREQUENCY = 0.1


def gains(height: int, width: int, exponent: float) -> np.ndarray:
    """Returns the factor of each frequency of an image, (f / 0.1)^-a; the mean counts as one cycle per side.

    Args:
        height: Image height in pixels.
        width: Image width in pixels.
        exponent: a, 0 to 1.

    Returns:
        float32 [height, width // 2 + 1], in the order of `numpy.fft.rfft2`.
    """
    frequencies = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    frequencies = np.maximum(frequencies, 1.0 / max(height, width))
    return ((frequencies / _UNIT_FREQUENCY) ** -exponent).astype(np.float32)


def filtered(values: tf.Tensor, gains: tf.Tensor) -> tf.Tensor:
    """Returns F^-1 diag(gains) F of values, of their shape; the map is its own transpose.

    Args:
        values: An image, or changes of one: float32 [1, height, width, 3].
        gains: float32 [height, width // 2 + 1], from the function `gains`.
    """

    def of_channel(channel: tf.Tensor) -> tf.Tensor:
        """Returns one channel filtered, float32 [height, width]."""
        spectrum = tf.signal.rfft2d(channel) * tf.cast(gains, tf.complex64)
        return tf.signal.irfft2d(spectrum, values.shape[1:3])

    # One channel after the other, so that no more than one has its spectrum in memory.
    channels = tf.map_fn(of_channel, tf.transpose(values[0], [2, 0, 1]), parallel_iterations=1)
    return tf.transpose(channels, [1, 2, 0])[tf.newaxis]


class Spectral(wrapper.Wrapper):
    """Another optimizer, over the coordinates z of an image in place of its pixels; see the module.

    Bounds are kept by projection over the free pixels alone (two-metric projection: Bertsekas, "Projected Newton
    Methods for Optimization Problems with Simple Constraints", 1982). A pixel at a bound that the gradient pushes
    outwards counts nothing in the gradient and stays where it is. The others are clipped. What a step goes beyond a
    bound is taken off the start, so that each pixel may come back at once.

    Args:
        optimizer: The optimizer of the coordinates, without bounds of its own.
        exponent: a, 0 to 1; at 0 the coordinates are the changes of the pixels.
        bounds: Lowest and highest value of a pixel, or None.
        on_host: Whether the image and the transforms lie, and are computed, on the CPU.

    Raises:
        ValueError: An exponent outside of 0 to 1, or an optimizer with bounds, which would hold for the coordinates.
    """

    def __init__(
        self,
        optimizer: base.Optimizer,
        *,
        exponent: float = EXPONENT,
        bounds: base.Bounds = base.BOUNDS,
        on_host: bool = False,
    ) -> None:
        super().__init__(optimizer, bounds=bounds, on_host=on_host)
        if not 0.0 <= checks.finite("exponent", exponent) <= 1.0:
            raise ValueError(f"exponent must be from 0 to 1, but {exponent!r} was given. {EXPONENT} is usual.")
        if optimizer.bounds is not None:
            raise ValueError(
                f"optimizer must have no bounds of its own, but {optimizer.bounds} was given. Set bounds=None."
            )
        self._exponent = exponent

    def step(self, objective: base.Objective) -> base.Step:
        """Makes a step of the wrapped optimizer, and paints the image of the coordinates that it comes to."""
        seen = self._seen(objective)
        step = self._optimizer.step(seen)
        if step.accepted:
            with self.place():
                coordinates = tf.convert_to_tensor(self._optimizer.image)
                self._settle(coordinates, seen.image, seen.held, *self._state())
        return step

    def variables(self) -> dict[str, tf.Variable]:
        """Returns the image, its start, the held pixels, and all that the wrapped optimizer remembers."""
        others = {f"coordinates_{name}": variable for name, variable in super().variables().items()}
        return {"image": self.image, "start": self._start, "held": self._held, **others}

    def carry_over(self, other: base.Optimizer) -> None:
        """Takes over what the other's wrapped optimizer has learned of its coordinates.

        Coordinates have a place in the image as pixels do, and so can be interpolated to another size. A form's
        frequency changes with the image's size, and its gain with it. Adam does not see that, because it divides one
        moment by the other's root.
        """
        super().carry_over(other)

    def _enter(self, image: tf.Tensor) -> tf.Tensor:
        with self.place():
            if not hasattr(self, "image"):
                self._create_variables(image)
            self.image.assign(image)
            self._start.assign(image)
            self._held.assign(tf.zeros_like(self._held))
            return tf.zeros_like(image)

    def _create_variables(self, image: tf.Tensor) -> None:
        self.image, self._start = tf.Variable(image), tf.Variable(image)
        self._held = tf.Variable(tf.zeros_like(image, tf.bool))
        _, height, width, _ = image.shape  # TensorFlow's annotation says that they may be unknown; an image's are not.
        self._gains = tf.constant(gains(height, width, self._exponent))  # pyright: ignore[reportArgumentType]
        # As graphs: XLA's own Fourier transforms on a CPU take longer.
        options = {"jit_compile": "false", "on_host": self._on_host, "bounds": self.bounds}
        self._paint, self._pull, self._settle = (
            shared.function(body, image, **options) for body in (_painted, _pulled, _settled)
        )

    def _state(self) -> tuple[tf.Tensor, tf.Variable, tf.Variable, tf.Variable]:
        return self._gains, self.image, self._start, self._held

    def _seen(self, objective: base.Objective) -> _InCoordinates:
        return _InCoordinates(objective, self)


class _InCoordinates:
    """An objective, as a function of the coordinates.

    Attributes:
        image: The image that was evaluated last.
        held: Which of its pixels a bound holds: bool, of its shape.
    """

    image: tf.Tensor
    held: tf.Tensor

    def __init__(self, objective: base.Objective, spectral: Spectral) -> None:
        self._objective = objective
        self._spectral = spectral

    def value_and_gradient(self, coordinates: tf.Tensor, /) -> tuple[Any, tf.Tensor]:
        """Returns the objective's terms at the image of these coordinates, and the gradient with respect to these."""
        with self._spectral.place():
            self.image = self._spectral._paint(coordinates, *self._spectral._state())
        terms, gradient = self._objective.value_and_gradient(self.image)
        with self._spectral.place():
            pulled, self.held = self._spectral._pull(tf.identity(gradient), self.image, self._spectral._gains)
        return terms, pulled


def _painted(
    coordinates: tf.Tensor,
    gains: tf.Tensor,
    image: tf.Variable,
    start: tf.Variable,
    held: tf.Variable,
    *,
    bounds: base.Bounds,
) -> tf.Tensor:
    """Returns the image of coordinates."""
    return _bounded(filtered(coordinates, gains), image, start, held, bounds)


def _pulled(
    gradient: tf.Tensor, image: tf.Tensor, gains: tf.Tensor, *, bounds: base.Bounds
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the gradient with respect to the coordinates, and which pixels a bound holds."""
    is_held = base.held(image, gradient, bounds)
    return filtered(tf.where(is_held, 0.0, gradient), gains), is_held


def _settled(
    coordinates: tf.Tensor,
    evaluated: tf.Tensor,
    is_held: tf.Tensor,
    gains: tf.Tensor,
    image: tf.Variable,
    start: tf.Variable,
    held: tf.Variable,
    *,
    bounds: base.Bounds,
) -> None:
    """Makes the image of coordinates the present one, and the start such that nothing of it is clipped.

    Args:
        coordinates: The wrapped optimizer's present image: what it has evaluated, or what it has moved to since.
        evaluated: The image that was evaluated.
        is_held: Which of its pixels stay: bool, of its shape.
        gains: float32 [height, width // 2 + 1], from the function `gains`.
        image: The present image.
        start: Its part that the coordinates do not make.
        held: Which of its pixels stay: bool, of its shape.
        bounds: Lowest and highest value of a pixel, or None.
    """
    changes = filtered(coordinates, gains)
    image.assign(tf.where(is_held, evaluated, _bounded(changes, image, start, held, bounds)))
    start.assign(image - changes)
    held.assign(is_held)


def _bounded(
    changes: tf.Tensor, image: tf.Variable, start: tf.Variable, held: tf.Variable, bounds: base.Bounds
) -> tf.Tensor:
    """Returns start + changes, within the bounds. Held pixels keep the image's values."""
    return tf.where(held, image, base.clipped(start + changes, bounds))
