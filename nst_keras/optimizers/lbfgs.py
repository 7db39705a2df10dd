"""L-BFGS on the device, with bounds on the pixels."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from nst_keras import checks
from nst_keras.optimizers import base, lbfgs_updates, shared
from nst_keras.runtime import compilation

__all__ = ["HISTORY", "LBFGS", "MOST_HISTORY"]

HISTORY = 10
MOST_HISTORY = 1000  # Curvature hardly gains from more than 20; far more would exhaust the compiler's stack.


class LBFGS(base.Optimizer):
    """L-BFGS with bounds on the pixels, on the device, one evaluation per step.

    Each step evaluates one trial point. Where it lowers the loss enough (Armijo's condition), the trial point is
    accepted: the pair of changes enters the history, and the two-loop recursion gives the next direction. Otherwise the
    next trial point is nearer. So a step never raises the loss, and there are as many evaluations as steps.

    Bounds are kept by projection: pixels at a bound that the gradient pushes outwards are left out of the direction,
    and trial points are clipped (Bertsekas 1982, "Projected Newton methods for optimization problems with simple
    constraints").

    Unlike SciPy's L-BFGS-B, no search looks for the curvature condition, because it costs evaluations. A pair without
    positive curvature is left out of the history instead.

    The history is a ring: the newest pair is written over the oldest, and nothing is shifted. The direction is not
    kept: a trial that is not accepted, which is rare, computes it again.

    Args:
        history: Number of pairs remembered, up to 1000; each takes the memory of two images.
        bounds: Lowest and highest value of a pixel, or None.
        first_change: Root mean square change of the very first trial, in levels of 0..255.
        jit_compile: A name in `compilation.JIT_MODES`, or a bool.
        on_host: Whether the variables lie, and each update is computed, on the CPU.

    Raises:
        ValueError: `history` is not a whole number from 1 to 1000, or `first_change` is not above 0.
    """

    SUFFICIENT_DECREASE = 1e-4  # Nocedal and Wright, "Numerical Optimization", section 3.1.
    MAX_BACKTRACKS = 10
    LEAST_SHARE = 0.01

    def __init__(
        self,
        *,
        history: int = HISTORY,
        bounds: base.Bounds = base.BOUNDS,
        first_change: float = 5.0,
        jit_compile: str | bool = "auto",
        on_host: bool = False,
    ) -> None:
        super().__init__(on_host=on_host)
        self._history = checks.integer("history", history, maximum=MOST_HISTORY)
        if checks.finite("first_change", first_change) <= 0:
            raise ValueError(f"first_change must be above 0, but {first_change!r} was given.")
        self.bounds = bounds
        self._first_change = first_change
        self._jit_compile = compilation.jit_mode(jit_compile)

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with an empty history; all runs of one optimizer are of images of one size."""
        with self.place():
            if not hasattr(self, "image"):
                self._create_variables(image)
            self.image.assign(image)
            self._trial.assign(image)
            self._loss.assign(self._loss.dtype.max)  # No loss yet. Infinity would trip `tf.debugging`'s checks.
            self._length.assign(1.0)
            self._backtracks.assign(0)
            self._restarted.assign(False)
            self._empty_history()
        self._terms: Any = None

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, with an empty history."""
        self.start(image)

    def forget(self) -> None:
        """Drops the history and the loss of an objective that has now changed, and goes on from the present image.

        The next step evaluates the image again. The trial after it goes down the gradient, as far as the last pair in
        the history did, but at least a hundredth and at most all of `first_change`: at the start of a run a picture is
        far from any minimum, and later it is not.
        """
        with self.place():
            self._length.assign(self._length_after_change())
            self._trial.assign(self.image)
            self._loss.assign(self._loss.dtype.max)
            self._backtracks.assign(0)
            self._restarted.assign(False)
            self._empty_history()

    def step(self, objective: base.Objective) -> base.Step:
        """Evaluates the objective at the trial point; the step's terms are those of the image that is kept."""
        terms, gradient = objective.value_and_gradient(tf.convert_to_tensor(self._trial))
        with self.place():
            loss, gradient = tf.identity(terms.total), tf.identity(gradient)
            accepted, slope = self._judge(loss, self.image, self._trial, self._gradient, self._loss)
            if accepted:
                self._terms = terms
                self._accept(loss, gradient)
            else:
                self._reject(loss, slope)
            present = (self.image, self._trial, self._gradient, self._curvatures, self._length)
            norm = self._aim(*self._pairs(), *present)
        return base.Step(self._terms, norm, accepted)

    def variables(self) -> dict[str, tf.Variable]:
        """Returns the image, the trial point, and all that led to it, with the history and its newest pair's place."""
        names = ("trial", "gradient", "curvatures", "newest", "loss", "length", "backtracks", "restarted")
        pairs = {
            f"{name}_{place}": variable
            for name, ring in (("displacement", self._displacements), ("gradient_change", self._gradient_changes))
            for place, variable in enumerate(ring)
        }
        return {"image": self.image, **{name: getattr(self, f"_{name}") for name in names}, **pairs}

    def resume(self, objective: base.Objective) -> None:
        """Evaluates the image again, because a step that is not accepted reports the terms of the image."""
        self._terms = objective.value_and_gradient(tf.convert_to_tensor(self.image))[0]

    def stalled(self) -> bool:
        """Returns whether even short steps down the gradient no longer lower the loss, to float precision."""
        return bool(self._restarted) and int(self._backtracks) >= self.MAX_BACKTRACKS

    def _create_variables(self, image: tf.Tensor) -> None:
        self.image, self._trial = tf.Variable(image), tf.Variable(image)
        self._gradient = tf.Variable(tf.zeros_like(image))
        self._displacements = [tf.Variable(tf.zeros_like(image)) for _ in range(self._history)]
        self._gradient_changes = [tf.Variable(tf.zeros_like(image)) for _ in range(self._history)]
        self._curvatures = tf.Variable(tf.zeros([self._history], image.dtype))  # The newest pair's first.
        self._newest = tf.Variable(tf.constant(0))  # The newest pair's place; older ones follow.
        self._loss = tf.Variable(tf.zeros([], image.dtype))
        self._length = tf.Variable(tf.ones([], image.dtype))
        self._backtracks = tf.Variable(tf.constant(0))
        self._restarted = tf.Variable(tf.constant(False))
        options = {"jit_compile": self._jit_compile, "on_host": self._on_host}
        self._judge = shared.function(lbfgs_updates.judged, image, decrease=self.SUFFICIENT_DECREASE, **options)
        self._difference = shared.function(lbfgs_updates.differenced, image, **options)
        self._weigh = shared.function(lbfgs_updates.weighed, image, **options)
        self._aim = shared.function(
            lbfgs_updates.aimed,
            image,
            history=self._history,
            bounds=self.bounds,
            first_change=self._first_change,
            **options,
        )

    def _pairs(self) -> tuple[list[tf.Variable], list[tf.Variable]]:
        """Returns the displacements and the gradient changes, the newest first."""
        newest = int(self._newest)
        displacements, gradient_changes = self._displacements, self._gradient_changes
        return displacements[newest:] + displacements[:newest], gradient_changes[newest:] + gradient_changes[:newest]

    def _length_after_change(self) -> tf.Tensor:
        """Returns the next trial's length, as a share of `first_change`; the present one if there is no history."""
        last = self._displacements[int(self._newest)]
        spread = base.norm(last) / math.sqrt(last.shape.num_elements())
        usual = tf.clip_by_value(spread / self._first_change, self.LEAST_SHARE, 1.0)
        return tf.where(self._curvatures[0] > 0, usual, tf.maximum(self._length, self.LEAST_SHARE))

    def _empty_history(self) -> None:
        self._curvatures.assign(tf.zeros_like(self._curvatures))

    def _accept(self, loss: tf.Tensor, gradient: tf.Tensor) -> None:
        self._difference(gradient, self.image, self._trial, self._gradient)
        # In two calls: in one, XLA would compute sums and differences at once, and hold copies.
        curvature, usable = self._weigh(self.image, self._gradient)
        if usable:
            self._remember(curvature)
        # An assignment shares memory: image and trial point take that of one until the next trial point is set.
        self.image.assign(self._trial)
        self._gradient.assign(gradient)
        if self._loss < self._loss.dtype.max:  # Else it is the first, and the next trial's length is set.
            self._length.assign(1.0)
        self._loss.assign(loss)
        self._backtracks.assign(0)
        self._restarted.assign(False)

    def _remember(self, curvature: tf.Tensor) -> None:
        """Writes the differences, which image and gradient hold, over the oldest pair."""
        oldest = (int(self._newest) - 1) % self._history
        self._displacements[oldest].assign(self.image)
        self._gradient_changes[oldest].assign(self._gradient)
        self._newest.assign(oldest)
        self._curvatures.assign(tf.concat([curvature[tf.newaxis], self._curvatures[:-1]], 0))

    def _reject(self, loss: tf.Tensor, slope: tf.Tensor) -> None:
        self._backtracks.assign_add(1)
        if not self._restarted and self._backtracks >= self.MAX_BACKTRACKS:
            self._restart()
        else:
            self._shorten(loss, slope)

    def _restart(self) -> None:
        """Forgets the history, whose directions have failed, and goes down the gradient."""
        self._empty_history()
        self._length.assign(1.0)
        self._backtracks.assign(0)
        self._restarted.assign(True)

    def _shorten(self, loss: tf.Tensor, slope: tf.Tensor) -> None:
        """Shortens the step, to 0.1 to 0.5 of its length, towards the minimum of a parabola.

        The parabola goes through both losses, with the slope at the image (Nocedal and Wright, "Numerical
        Optimization", section 3.5).
        """
        share = -slope / (2 * (loss - self._loss - slope))
        share = tf.where(tf.math.is_finite(share), tf.clip_by_value(share, 0.1, 0.5), 0.1)
        self._length.assign(self._length * share)
