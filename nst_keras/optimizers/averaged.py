"""The average of the iterates as the result."""

from __future__ import annotations

import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers.base import Objective, Optimizer, Step, clipped
from nst_keras.runtime import compilation

__all__ = ["Averaged"]


class Averaged(Optimizer):
    """Another optimizer, whose result is the average of its images.

    Exponential and moving, with decay d: (1 - d) sum_k d^(n-k) x_k, divided by its weights' sum, 1 - d^n, as Adam
    corrects its moments.

    Args:
        optimizer: Any other.
        decay: d, above 0 and below 1.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: As `Optimizer` takes it.

    Raises:
        ValueError: A decay outside of these.
    """

    def __init__(
        self, optimizer: Optimizer, *, decay: float, jit_compile: str | bool = "auto", on_host: bool = False
    ) -> None:
        super().__init__(on_host=on_host)
        if not 0.0 < checks.finite("averaging", decay) < 1.0:
            raise ValueError(f"averaging must be 0 or more and below 1, but {decay!r} was given. 0.99 is usual.")
        self._optimizer, self._decay = optimizer, decay
        self.keras_optimizer, self.bounds = optimizer.keras_optimizer, optimizer.bounds
        self._add = compilation.compiled(self._added, jit_compile=jit_compile)
        self._average: tf.Variable | None = None

    @property
    def image(self) -> tf.Variable:
        """The other's present image."""
        return self._optimizer.image

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, and an average of nothing."""
        self._optimizer.start(image)
        with self.place():
            if self._average is None:
                self._average, self._count = tf.Variable(tf.zeros_like(image)), tf.Variable(0)
        self._forget()

    def variables(self) -> dict[str, tf.Variable]:
        """All that the other remembers, the average, and of how many images it is."""
        return {**self._optimizer.variables(), "average": self._average, "averaged": self._count}

    def resume(self, objective: Objective) -> None:
        """Makes the other ready."""
        self._optimizer.resume(objective)

    def step(self, objective: Objective) -> Step:
        """A step of the other's."""
        step = self._optimizer.step(objective)
        with self.place():
            self._add(tf.convert_to_tensor(self.image))
        return step

    def result(self) -> tf.Tensor:
        """The average; before the first step, the image that the run starts from."""
        if not int(self._count):
            return self._optimizer.result()
        with self.place():
            # Within the bounds but for rounding.
            return clipped(self._average / (1.0 - self._decay ** int(self._count)), self.bounds)

    def carry_over(self, other: Averaged) -> None:
        """As the other's carries over; an average is of images of one size."""
        self._optimizer.carry_over(other._optimizer)

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, where a new average begins."""
        self._optimizer.move(image)
        self._forget()

    def stalled(self) -> bool:
        """Whether the other is."""
        return self._optimizer.stalled()

    def _added(self, image: tf.Tensor) -> None:
        self._average.assign(self._decay * self._average + (1.0 - self._decay) * image)
        self._count.assign_add(1)

    def _forget(self) -> None:
        with self.place():
            self._average.assign(tf.zeros_like(self._average))
            self._count.assign(0)
