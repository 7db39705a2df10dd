"""Optimizers over another optimizer: a wrapper adds one thing and passes the rest on."""

from __future__ import annotations

import abc

import tensorflow as tf

from nst_keras.optimizers import base

__all__ = ["Wrapper"]


class Wrapper(base.Optimizer):
    """An optimizer over another one, which makes the steps.

    A subclass says what it adds in `step`, and in `_enter`, which `start` and `move` call. All else goes to the
    wrapped optimizer.

    Args:
        optimizer: The optimizer to wrap. Only the wrapper starts it and makes its steps.
        bounds: Lowest and highest value of a pixel, or None.
        on_host: Whether the wrapper's own variables lie, and are computed, on the CPU.
    """

    def __init__(self, optimizer: base.Optimizer, *, bounds: base.Bounds, on_host: bool = False) -> None:
        super().__init__(on_host=on_host)
        self._optimizer = optimizer
        self.bounds = bounds
        self.keras_optimizer = optimizer.keras_optimizer

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image; all runs of one optimizer are of images of one size."""
        self._optimizer.start(self._enter(image))

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, which a callback has put in the place of the present one."""
        self._optimizer.move(self._enter(image))

    def variables(self) -> dict[str, tf.Variable]:
        """Returns {name: variable}: all that the wrapped optimizer remembers."""
        return self._optimizer.variables()

    def resume(self, objective: base.Objective) -> None:
        """Makes the wrapped optimizer ready to go on, once the variables have been given the values of another run."""
        self._optimizer.resume(self._seen(objective))

    def carry_over(self, other: base.Optimizer) -> None:
        """Takes over what the optimizer wrapped by another of the same kind has learned on an image of another size."""
        if isinstance(other, Wrapper):
            self._optimizer.carry_over(other._optimizer)

    def forget(self) -> None:
        """Makes the wrapped optimizer drop what it learned of an objective that has now changed."""
        self._optimizer.forget()

    def stalled(self) -> bool:
        """Returns whether no further step of the wrapped optimizer can lower the loss."""
        return self._optimizer.stalled()

    def why_stalled(self) -> str:
        """Returns what `stalled` has found, in words."""
        return self._optimizer.why_stalled()

    @abc.abstractmethod
    def _enter(self, image: tf.Tensor) -> tf.Tensor:
        """Sets the wrapper's own variables for an image to begin at; returns where the wrapped optimizer begins."""

    def _seen(self, objective: base.Objective) -> base.Objective:
        """Returns the objective that the wrapped optimizer lowers. Default: the wrapper's own."""
        return objective
