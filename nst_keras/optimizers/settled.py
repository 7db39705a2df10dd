"""An end to the steps once the picture hardly changes any more."""

from __future__ import annotations

import math

import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers import base, wrapper

__all__ = ["WINDOW", "Settled"]

_SETTLED = -1  # In place of the number of steps since the last measurement.
WINDOW = 10  # Steps. From one step to the next, a picture may rest while L-BFGS looks for a shorter step.


class Settled(wrapper.Wrapper):
    """An optimizer that stalls once ten steps of another one have moved the picture by less than a tolerance.

    The movement is the root mean square difference between the picture and that of ten steps before. It is measured at
    every tenth step.

    Args:
        optimizer: The optimizer that makes the steps.
        tolerance: The movement, in levels of 0..255, below which the picture has settled; above 0.
        on_host: Whether the picture of ten steps before lies on the CPU.

    Raises:
        ValueError: `tolerance` is not above 0.
    """

    def __init__(self, optimizer: base.Optimizer, *, tolerance: float, on_host: bool = False) -> None:
        super().__init__(optimizer, bounds=optimizer.bounds, on_host=on_host)
        if checks.finite("tolerance", tolerance) <= 0:
            raise ValueError(f"tolerance must be above 0, but {tolerance!r} was given. 5 is usual.")
        self._tolerance = tolerance

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image."""
        super().start(image)
        self.image = self._optimizer.image

    def variables(self) -> dict[str, tf.Variable]:
        """Returns what the wrapped optimizer remembers, the picture of up to ten steps before, and the steps since."""
        return {**super().variables(), "settling_from": self._before, "settling_steps": self._steps}

    def step(self, objective: base.Objective) -> base.Step:
        """Makes a step of the wrapped optimizer, and measures the movement at every tenth one."""
        if self._has_settled():  # A warm start goes on with a settled optimizer.
            self._steps.assign(0)
        made = self._optimizer.step(objective)
        with self.place():
            self._steps.assign_add(1)
            if int(self._steps) == WINDOW:
                self._measure(self.result())
        return made

    def result(self) -> tf.Tensor:
        """Returns the wrapped optimizer's picture."""
        return self._optimizer.result()

    def forget(self) -> None:
        """Makes the wrapped optimizer drop what it learned, and begins to watch the picture anew."""
        super().forget()
        with self.place():
            self._watch(self.result())

    def stalled(self) -> bool:
        """Returns whether the picture has settled, or no step of the wrapped optimizer lowers the loss."""
        return self._has_settled() or super().stalled()

    def why_stalled(self) -> str:
        """Returns what `stalled` has found, in words."""
        if self._has_settled():
            return f"{WINDOW} steps moved the picture by less than {self._tolerance:g} levels"
        return super().why_stalled()

    def _enter(self, image: tf.Tensor) -> tf.Tensor:
        with self.place():
            if not hasattr(self, "_before"):
                self._before, self._steps = tf.Variable(image), tf.Variable(tf.constant(0))
            self._watch(image)
        return image

    def _watch(self, image: tf.Tensor) -> None:
        """Begins ten steps at an image."""
        self._before.assign(image)
        self._steps.assign(0)

    def _measure(self, image: tf.Tensor) -> None:
        """Marks a picture that has settled, or begins another ten steps at it."""
        movement = base.norm(image - self._before) / math.sqrt(image.shape.num_elements())
        self._watch(image)
        if float(movement) < self._tolerance:
            self._steps.assign(_SETTLED)

    def _has_settled(self) -> bool:
        return int(self._steps) == _SETTLED
