"""The interface of every optimizer: one evaluation of an objective per step."""

from __future__ import annotations

import abc
import contextlib
import inspect
from typing import Any, NamedTuple, Protocol, TypeVar

import keras
import tensorflow as tf

__all__ = ["BOUNDS", "Bounds", "Objective", "Optimizer", "Step", "clipped", "dot", "free", "held", "norm"]

Own = TypeVar("Own", bound="Optimizer")

Bounds = tuple[float, float] | None
BOUNDS = (0.0, 255.0)


class Objective(Protocol):
    """A function of an image that an optimizer lowers."""

    def value_and_gradient(self, image: tf.Tensor, /) -> tuple[Any, tf.Tensor]:
        """Returns the terms of the loss, among them its `total`, and the gradient of that, of the image's shape."""
        ...


class Step(NamedTuple):
    """The result of one step.

    Attributes:
        terms: The objective's terms at the image that was evaluated; with L-BFGS, at the image that is kept.
        gradient_norm: Euclidean norm of the gradient at that image, with respect to the values that are optimised. The
            run must stop where it is not finite.
        accepted: Whether the run goes on from the image that was evaluated. Otherwise it was a trial that failed.
    """

    terms: Any
    gradient_norm: tf.Tensor
    accepted: bool | tf.Tensor = True


class Optimizer(abc.ABC):
    """An optimizer of an image, which evaluates its objective once per step.

    Args:
        on_host: Whether the variables lie, and each update is computed, on the CPU. An accelerator then holds only
            what the objective puts there.

    Attributes:
        image: The variable that holds the present image; `start` makes it.
        keras_optimizer: The Keras optimizer at work, for Keras's callbacks; None where there is none.
        bounds: Lowest and highest value of what is optimised, or None.
        name: A name for messages. Default: the name of the class.
    """

    image: tf.Variable
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    keras_optimizer: keras.optimizers.Optimizer | None = None
    bounds: Bounds = None
    name: str
    built = True  # For Keras's callbacks, where there is no Keras optimizer to ask: a run starts it first.

    def __new__(cls: type[Own], *args: Any, **options: Any) -> Own:
        """Returns the new object, which remembers its arguments for `get_config` and `fresh`."""
        made = object.__new__(cls)
        made._arguments = (args, options)
        made.name = cls.__name__
        return made

    def __init__(self, *, on_host: bool = False) -> None:
        self._on_host = on_host

    def fresh(self: Own) -> Own:
        """Returns another optimizer of the same class and arguments, which has not been started.

        Wrapped optimizers are made anew too. A subclass need not do anything for it.
        """
        args, options = self._arguments
        return type(self)(*map(_fresh, args), **{name: _fresh(value) for name, value in options.items()})

    def get_config(self) -> dict[str, object]:
        """Returns {argument: value} of the constructor call, for records and checkpoints."""
        args, options = self._arguments
        given = inspect.signature(self.__init__).bind(*args, **options).arguments
        return {name: _described(value) for name, value in given.items()}

    def place(self) -> contextlib.AbstractContextManager[object]:
        """Returns the device scope for variables and updates: the CPU for `on_host`, else what TensorFlow chooses."""
        return tf.device("CPU:0") if self._on_host else contextlib.nullcontext()

    @abc.abstractmethod
    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with nothing remembered of an earlier one."""

    @abc.abstractmethod
    def variables(self) -> dict[str, tf.Variable]:
        """Returns {name: variable}: all that a run remembers from one step to the next, once it has been started."""

    def resume(self, objective: Objective) -> None:  # noqa: B027  Nothing to do where the variables say it all.
        """Gets ready to go on, once the variables have been given the values of another run."""

    @abc.abstractmethod
    def step(self, objective: Objective) -> Step:
        """Evaluates the objective once and moves the image."""

    def result(self) -> tf.Tensor:
        """Returns the picture after the steps so far."""
        with self.place():
            return tf.identity(self.image)

    def carry_over(self, other: Optimizer) -> None:  # noqa: B027  Default: nothing.
        """Takes over, after `start`, what another of the same kind has learned on an image of another size."""

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, which a callback has put in the place of the present one."""
        with self.place():
            self.image.assign(image)

    def forget(self) -> None:  # noqa: B027  Default: nothing.
        """Drops what was learned of an objective that has now changed, and goes on from the present image."""

    def stalled(self) -> bool:
        """Returns whether further steps are of no use: the run, or its stage, ends."""
        return False

    def why_stalled(self) -> str:
        """Returns what `stalled` has found, in words that begin a sentence."""
        return "no step lowers the loss any further"


def clipped(image: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """Returns the image, clipped to the bounds if there are any."""
    return image if bounds is None else tf.clip_by_value(image, *bounds)


def held(image: tf.Tensor, gradient: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """Returns whether a bound keeps each pixel from moving down the gradient: bool, of the image's shape."""
    if bounds is None:
        return tf.zeros_like(image, tf.bool)
    lowest, highest = bounds
    return ((image <= lowest) & (gradient > 0)) | ((image >= highest) & (gradient < 0))


def free(values: tf.Tensor, image: tf.Tensor, gradient: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """Returns `values`, set to 0 at pixels that a bound keeps from moving."""
    if bounds is None:
        return tf.identity(values)
    return tf.where(held(image, gradient, bounds), tf.zeros([], values.dtype), values)


def dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Returns the sum of the products of two arrays of one shape, a scalar.

    Images are summed row by row. So no array of products is stored, and float32 keeps six digits. (Added one by one,
    fifty million terms in float32 lose a tenth of their sum.)
    """
    rows = [tf.reshape(values, [*values.shape[:-2], -1]) for values in (a, b)]
    return tf.reduce_sum(tf.einsum("...i,...i->...", *rows))


def norm(values: tf.Tensor) -> tf.Tensor:
    """Returns the Euclidean norm of an array, a scalar."""
    return tf.sqrt(dot(values, values))


def _fresh(argument: object) -> object:
    return argument.fresh() if isinstance(argument, Optimizer) else argument


def _described(argument: object) -> object:
    """Returns the same text for the same argument in every process; the default `repr` names a place in memory."""
    config = getattr(argument, "get_config", None)
    if config is not None:
        return {"class": type(argument).__name__, **config()}
    return getattr(argument, "__qualname__", argument)
