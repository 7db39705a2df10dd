"""What every optimizer of an image is: one evaluation of the objective a step, over any objective."""

from __future__ import annotations

import abc
import contextlib
from typing import Any, NamedTuple, Protocol

import keras
import tensorflow as tf

__all__ = ["BOUNDS", "Bounds", "Objective", "Optimizer", "Step", "clipped", "dot", "free", "held", "norm"]

Bounds = tuple[float, float] | None
BOUNDS = (0.0, 255.0)


class Objective(Protocol):
    """What an optimizer asks of an objective, whole or in tiles."""

    def value_and_gradient(self, image: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """The terms of the loss, with their `total`, and its gradient."""


class Step(NamedTuple):
    """What one step found.

    Attributes:
        terms: The objective's terms at the image that was evaluated (L-BFGS: that is kept).
        gradient_norm: Euclidean norm of the gradient there, with respect to what is optimised; not finite where the run
            must stop.
        accepted: Whether the run goes on from what was evaluated; else it was a trial that failed.
    """

    terms: Any
    gradient_norm: tf.Tensor
    accepted: bool | tf.Tensor = True


class Optimizer(abc.ABC):
    """Lowers an objective, one evaluation a step.

    Args:
        on_host: Whether all that a run remembers lies, and each update is computed, on the CPU, so that an accelerator
            holds nothing but what the objective puts there.

    Attributes:
        image: The variable that holds the present image; made by `start`.
        keras_optimizer: The Keras optimizer at work, where there is one: Keras's callbacks look for it.
        bounds: Lowest and highest value of what is optimised, or None.
    """

    image: tf.Variable
    keras_optimizer: keras.optimizers.Optimizer | None = None
    bounds: Bounds = None
    built = True  # For Keras's callbacks, where there is no Keras optimizer to ask: a run starts it first.

    def __init__(self, *, on_host: bool = False) -> None:
        self._on_host = on_host

    def place(self) -> contextlib.AbstractContextManager:
        """Where variables are made and the update is computed: the CPU for `on_host`, or as TensorFlow chooses."""
        return tf.device("CPU:0") if self._on_host else contextlib.nullcontext()

    @abc.abstractmethod
    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with nothing remembered of an earlier one."""

    @abc.abstractmethod
    def variables(self) -> dict[str, tf.Variable]:
        """{name: variable}: all that a run remembers from one step to the next, once it has been started."""

    def resume(self, objective: Objective) -> None:  # noqa: B027  Nothing to do where the variables say it all.
        """Makes ready to go on, once the variables have been given the values of another run."""

    @abc.abstractmethod
    def step(self, objective: Objective) -> Step:
        """Evaluates the objective once and moves the image."""

    def result(self) -> tf.Tensor:
        """The picture that the steps so far have come to."""
        with self.place():
            return tf.identity(self.image)

    def carry_over(self, other: Optimizer) -> None:  # noqa: B027  Nothing, where nothing keeps its meaning.
        """Takes over, after `start`, what another of the same kind has learned on an image of another size."""

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, which a callback has put in the place of the present one."""
        with self.place():
            self.image.assign(image)

    def stalled(self) -> bool:
        """Whether no further step can lower the loss."""
        return False


def clipped(image: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """The image with its values kept within bounds, if there are any."""
    return image if bounds is None else tf.clip_by_value(image, *bounds)


def held(image: tf.Tensor, gradient: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """Whether a bound keeps each pixel from moving down the gradient: bool, of the image's shape."""
    if bounds is None:
        return tf.zeros_like(image, tf.bool)
    lowest, highest = bounds
    return ((image <= lowest) & (gradient > 0)) | ((image >= highest) & (gradient < 0))


def free(values: tf.Tensor, image: tf.Tensor, gradient: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """The values of pixels that may move down the gradient; 0 where a bound holds one."""
    if bounds is None:
        return tf.identity(values)
    return tf.where(held(image, gradient, bounds), tf.zeros([], values.dtype), values)


def dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """The sum of the products of two arrays of one shape, a scalar.

    Row by row, where they are images: no array of products is stored, and float32, in which a sum of fifty million
    terms added one by one loses a tenth of it, keeps six digits.
    """
    rows = [tf.reshape(values, [*values.shape[:-2], -1]) for values in (a, b)]
    return tf.reduce_sum(tf.einsum("...i,...i->...", *rows))


def norm(values: tf.Tensor) -> tf.Tensor:
    """The Euclidean norm of an array, a scalar."""
    return tf.sqrt(dot(values, values))
