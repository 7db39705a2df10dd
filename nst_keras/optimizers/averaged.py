"""The average of the images of a run as its result."""

from __future__ import annotations

import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers import base, shared, wrapper
from nst_keras.runtime import compilation

__all__ = ["Averaged"]


class Averaged(wrapper.Wrapper):
    """An optimizer whose result is the average of the images that another one steps through.

    The average is exponential and moving: (1 - d) sum_k d^(n-k) x_k over the images x_1 to x_n, with decay d. It is
    divided by the sum of its weights, 1 - d^n, as Adam corrects its moments (Kingma and Ba, "Adam: A Method for
    Stochastic Optimization", arXiv 1412.6980, section 3).

    Args:
        optimizer: The optimizer that makes the steps.
        decay: d, above 0 and below 1.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the average lies, and is computed, on the CPU.

    Raises:
        ValueError: `decay` is not above 0 and below 1.
    """

    def __init__(
        self, optimizer: base.Optimizer, *, decay: float, jit_compile: str | bool = "auto", on_host: bool = False
    ) -> None:
        super().__init__(optimizer, bounds=optimizer.bounds, on_host=on_host)
        if not 0.0 < checks.finite("averaging", decay) < 1.0:
            raise ValueError(f"averaging must be 0 or more and below 1, but {decay!r} was given. 0.99 is usual.")
        self._decay = decay
        self._jit_compile = compilation.jit_mode(jit_compile)

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with an empty average."""
        super().start(image)
        self.image = self._optimizer.image

    def variables(self) -> dict[str, tf.Variable]:
        """Returns what the wrapped optimizer remembers, the average, and the number of images in it."""
        return {**super().variables(), "average": self._average, "averaged": self._count}

    def step(self, objective: base.Objective) -> base.Step:
        """Makes a step of the wrapped optimizer and adds its image to the average."""
        step = self._optimizer.step(objective)
        with self.place():
            self._add(tf.convert_to_tensor(self.image), self._average, self._count)
        return step

    def result(self) -> tf.Tensor:
        """Returns the average; before the first step, the image at which the run starts."""
        if not int(self._count):
            return super().result()
        with self.place():
            # The average of images within the bounds is itself within them, but for rounding.
            return base.clipped(self._average / (1.0 - self._decay ** int(self._count)), self.bounds)

    def _enter(self, image: tf.Tensor) -> tf.Tensor:
        with self.place():
            if not hasattr(self, "_average"):
                self._create_variables(image)
            self._average.assign(tf.zeros_like(self._average))
            self._count.assign(0)
        return image

    def _create_variables(self, image: tf.Tensor) -> None:
        self._average, self._count = tf.Variable(tf.zeros_like(image)), tf.Variable(tf.constant(0))
        options = {"jit_compile": self._jit_compile, "on_host": self._on_host}
        self._add = shared.function(_added, image, decay=self._decay, **options)


def _added(image: tf.Tensor, average: tf.Variable, count: tf.Variable, *, decay: float) -> None:
    """Adds an image to the average, and counts it."""
    average.assign(decay * average + (1.0 - decay) * image)
    count.assign_add(1)
