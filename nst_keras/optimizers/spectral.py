"""Spectral preconditioning: an optimizer in coordinates in which an image's large forms move as easily as its grain.

The losses curve little along an image's low frequencies: a step that suits the grain leaves large forms and colours
where they are. In place of the image its coordinates z are optimised,

    image = start + F^-1 diag((f / 0.1)^-a) F z,

with F the Fourier transform over rows and columns, and f the frequency in cycles a pixel. Olah, Mordvintsev and
Schubert ("Feature Visualization", Distill 2017, section "Preconditioning and Parameterization") do so with a = 1, and
colours decorrelated too. Here a is less, and colours stay as they are, because that lowers these losses fastest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers.base import BOUNDS, Bounds, Objective, Optimizer, Step, clipped, held
from nst_keras.runtime import compilation

__all__ = ["EXPONENT", "Spectral", "filtered", "gains"]

# Chosen over pictures, starts and normalizations, see `benchmarks/preconditioning.py`.
EXPONENT = 0.5

# Where coordinates and pixels are of one size; it has no effect on L-BFGS but for its first step.
_UNIT_FREQUENCY = 0.1


def gains(height: int, width: int, exponent: float) -> np.ndarray:
    """What each frequency of an image is multiplied by, (f / 0.1)^-a; the mean is taken as of one cycle a side.

    Args:
        height: Of the image, in pixels.
        width: Likewise.
        exponent: a.

    Returns:
        float32 [height, width // 2 + 1], in the order of `numpy.fft.rfft2`.
    """
    frequencies = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    frequencies = np.maximum(frequencies, 1.0 / max(height, width))
    return ((frequencies / _UNIT_FREQUENCY) ** -exponent).astype(np.float32)


def filtered(values: tf.Tensor, gains: tf.Tensor) -> tf.Tensor:
    """F^-1 diag(gains) F of values, float32 [1, height, width, 3]; the map is its own transpose.

    Args:
        values: An image, or changes of one.
        gains: As the function of that name has them.
    """

    def of_channel(channel: tf.Tensor) -> tf.Tensor:
        """The same of [height, width]."""
        spectrum = tf.signal.rfft2d(channel) * tf.cast(gains, tf.complex64)
        return tf.signal.irfft2d(spectrum, values.shape[1:3])

    # One channel after the other, so that no more than one has its spectrum in memory.
    channels = tf.map_fn(of_channel, tf.transpose(values[0], [2, 0, 1]), parallel_iterations=1)
    return tf.transpose(channels, [1, 2, 0])[tf.newaxis]


class Spectral(Optimizer):
    """Another optimizer, over the coordinates z of an image in the place of its pixels; see the module.

    Bounds are kept by projection, over the free pixels alone (two-metric projection: Bertsekas, "Projected Newton
    Methods for Optimization Problems with Simple Constraints", 1982): pixels at a bound that the gradient pushes
    outwards do not count in it and stay where they are, others are clipped; and what a step went beyond a bound is
    taken off the start, so that each pixel may come back at once.

    Args:
        optimizer: Any other, without bounds of its own.
        exponent: a, 0 to 1; at 0 the coordinates are the changes of the pixels.
        bounds: Lowest and highest value of a pixel, or None.
        on_host: As `Optimizer` takes it.

    Raises:
        ValueError: An exponent outside of 0 to 1, or an optimizer with bounds, which would be taken for coordinates'.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        exponent: float = EXPONENT,
        bounds: Bounds = BOUNDS,
        on_host: bool = False,
    ) -> None:
        super().__init__(on_host=on_host)
        if not 0.0 <= checks.finite("exponent", exponent) <= 1.0:
            raise ValueError(f"exponent must be from 0 to 1, but {exponent!r} was given. {EXPONENT} is usual.")
        if optimizer.bounds is not None:
            raise ValueError(
                f"optimizer must have no bounds of its own, but {optimizer.bounds} was given. Set bounds=None."
            )
        self._exponent = exponent
        self._optimizer = optimizer
        self.bounds = bounds
        self.keras_optimizer = optimizer.keras_optimizer
        # As graphs: XLA's own Fourier transforms on a CPU take longer.
        self._paint = compilation.compiled(self._painted, jit_compile="false")
        self._settle = compilation.compiled(self._settled, jit_compile="false")
        self._pull = compilation.compiled(self._pulled, jit_compile="false")
        self.image: tf.Variable | None = None

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, whose coordinates are 0; all runs of one optimizer are of images of one size."""
        with self.place():
            if self.image is None:
                self.image, self._start = tf.Variable(image), tf.Variable(image)
                self._held = tf.Variable(tf.zeros_like(image, tf.bool))
                self._gains = tf.constant(gains(*image.shape[1:3], self._exponent))
            self._begin(image)
            self._optimizer.start(tf.zeros_like(image))

    def step(self, objective: Objective) -> Step:
        """A step of the other optimizer."""
        seen = _InCoordinates(objective, self)
        step = self._optimizer.step(seen)
        if step.accepted:
            with self.place():
                self._settle(tf.convert_to_tensor(self._optimizer.image), seen.image, seen.held)
        return step

    def variables(self) -> dict[str, tf.Variable]:
        """The image, where it started, which pixels are held, and all that the other remembers."""
        others = {f"coordinates_{name}": variable for name, variable in self._optimizer.variables().items()}
        return {"image": self.image, "start": self._start, "held": self._held, **others}

    def resume(self, objective: Objective) -> None:
        """Makes the other ready."""
        self._optimizer.resume(_InCoordinates(objective, self))

    def carry_over(self, other: Spectral) -> None:
        """Takes over what the other's has learned of its coordinates, which have a place in the image as pixels do.

        A form's frequency, and with it its gain, changes with the image's size; Adam, which divides one moment by the
        other's root, does not see it.
        """
        self._optimizer.carry_over(other._optimizer)

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, whose coordinates are 0."""
        with self.place():
            self._begin(image)
            self._optimizer.move(tf.zeros_like(image))

    def stalled(self) -> bool:
        """Whether the other is."""
        return self._optimizer.stalled()

    def _begin(self, image: tf.Tensor) -> None:
        self.image.assign(image)
        self._start.assign(image)
        self._held.assign(tf.zeros_like(self._held))

    def _painted(self, coordinates: tf.Tensor) -> tf.Tensor:
        """The image of coordinates."""
        return self._bounded(filtered(coordinates, self._gains))

    def _pulled(self, gradient: tf.Tensor, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The gradient with respect to the coordinates, and which pixels a bound holds."""
        is_held = held(image, gradient, self.bounds)
        return filtered(tf.where(is_held, 0.0, gradient), self._gains), is_held

    def _settled(self, coordinates: tf.Tensor, evaluated: tf.Tensor, is_held: tf.Tensor) -> None:
        """Makes the image of coordinates the present one, and the start such that nothing of it is clipped.

        Args:
            coordinates: Those that the other has come to: what it has evaluated, or what it has moved on to from there.
            evaluated: The image that was evaluated.
            is_held: The pixels of it that stay.
        """
        changes = filtered(coordinates, self._gains)
        self.image.assign(tf.where(is_held, evaluated, self._bounded(changes)))
        self._start.assign(self.image - changes)
        self._held.assign(is_held)

    def _bounded(self, changes: tf.Tensor) -> tf.Tensor:
        """The start and its changes, but for the pixels that are held."""
        return tf.where(self._held, self.image, clipped(self._start + changes, self.bounds))


class _InCoordinates:
    """An objective, as a function of the coordinates.

    Attributes:
        image: That was evaluated last.
        held: The pixels of it that a bound holds.
    """

    def __init__(self, objective: Objective, spectral: Spectral) -> None:
        self._objective = objective
        self._spectral = spectral
        self.image: tf.Tensor | None = None
        self.held: tf.Tensor | None = None

    def value_and_gradient(self, coordinates: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """The objective's terms at the image of these coordinates, and the gradient with respect to the latter."""
        with self._spectral.place():
            self.image = self._spectral._paint(coordinates)
        terms, gradient = self._objective.value_and_gradient(self.image)
        with self._spectral.place():
            pulled, self.held = self._spectral._pull(tf.identity(gradient), self.image)
        return terms, pulled
