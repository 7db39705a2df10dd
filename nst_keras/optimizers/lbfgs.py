"""L-BFGS on the device, with bounds on the pixels."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nst_keras import checks, compilation
from nst_keras.optimizers.base import BOUNDS, Bounds, Objective, Optimizer, Step, clipped, root_mean_square

__all__ = ["LBFGS", "two_loop_direction"]


def two_loop_direction(gradient: tf.Tensor, displacements: tf.Tensor, gradient_changes: tf.Tensor) -> tf.Tensor:
    """The L-BFGS direction -H g (Nocedal and Wright, "Numerical Optimization", algorithm 7.4).

    Args:
        gradient: g, of any shape.
        displacements: s_k = x_{k+1} - x_k, [history, *g's shape], the newest first; pairs not yet filled are zero.
        gradient_changes: y_k = g_{k+1} - g_k, likewise.

    Returns:
        -H g, of g's shape; -g for an empty history.
    """
    pairs = list(zip(tf.unstack(displacements), tf.unstack(gradient_changes), strict=True))
    inverse_curvatures = [tf.math.divide_no_nan(tf.ones([], gradient.dtype), _dot(s, y)) for s, y in pairs]
    direction, shares = -gradient, []
    for (s, y), rho in zip(pairs, inverse_curvatures, strict=True):
        share = rho * _dot(s, direction)
        direction -= share * y
        shares.append(share)
    newest_s, newest_y = pairs[0]
    scale = tf.math.divide_no_nan(_dot(newest_s, newest_y), _dot(newest_y, newest_y))
    direction *= tf.where(scale > 0, scale, tf.ones_like(scale))
    for (s, y), rho, share in zip(reversed(pairs), reversed(inverse_curvatures), reversed(shares), strict=True):
        direction += (share - rho * _dot(y, direction)) * s
    return direction


class LBFGS(Optimizer):
    """L-BFGS with bounds on the pixels, on the device, one evaluation a step.

    Each step evaluates one trial point. Where it lowers the loss enough (Armijo's condition) it is accepted, the pair
    of changes enters the history, and the two-loop recursion gives the next direction; otherwise the next trial is
    nearer. So a step never raises the loss, and the steps count the evaluations. Bounds are kept by projection: pixels
    at a bound that the gradient pushes outwards are left out of the direction, and trial points are clipped (Bertsekas
    1982, "Projected Newton methods for optimization problems with simple constraints").

    Differs from SciPy's L-BFGS-B because a search for the curvature condition costs evaluations and reads the loss on
    the host; a pair without positive curvature is left out of the history instead.

    Args:
        history: Pairs remembered; each takes the memory of two images.
        bounds: Lowest and highest value of a pixel, or None.
        first_change: Root mean square change of the very first trial, in levels.
        jit_compile: A name in `compilation.JIT_MODES`.

    Raises:
        ValueError: `history` is not a whole number, 1 or more, or `first_change` is not above 0.
    """

    SUFFICIENT_DECREASE = 1e-4  # Nocedal and Wright, "Numerical Optimization", section 3.1.
    MAX_BACKTRACKS = 10

    def __init__(
        self,
        *,
        history: int = 10,
        bounds: Bounds = BOUNDS,
        first_change: float = 5.0,
        jit_compile: str | bool = "auto",
    ) -> None:
        self._history = checks.integer("history", history)
        if checks.finite("first_change", first_change) <= 0:
            raise ValueError(f"first_change must be above 0, but {first_change!r} was given.")
        self._bounds = bounds
        self._first_change = first_change
        self._advance = compilation.compiled(self._advanced, jit_compile=jit_compile)
        self.image: tf.Variable | None = None

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with an empty history; all runs of one optimizer are of images of one size."""
        if self.image is None:
            self._create_variables(image)
        self.image.assign(image)
        self._trial.assign(image)
        for store in (self._displacements, self._gradient_changes):
            store.assign(tf.zeros_like(store))
        self._loss.assign(float("inf"))
        self._backtracks.assign(0)
        self._restarted.assign(False)
        self._terms: Any = None

    def move(self, image: tf.Tensor) -> None:
        """Goes on from another image, with an empty history."""
        self.start(image)

    def step(self, objective: Objective) -> Step:
        """Evaluates the objective at the trial point: the terms are those of the image that is kept."""
        terms, gradient = objective.value_and_gradient(self._trial)
        if self._terms is None:
            self._terms = terms
        self._terms, norm = self._advance(terms, self._terms, gradient)
        return Step(self._terms, norm)

    def variables(self) -> dict[str, tf.Variable]:
        """The image, the trial point, and all that led to it, the history of pairs among it."""
        names = ("trial", "gradient", "direction", "displacements", "gradient_changes", "loss", "length")
        own = {name: getattr(self, f"_{name}") for name in (*names, "backtracks", "restarted")}
        return {"image": self.image, **own}

    def resume(self, objective: Objective) -> None:
        """Finds the terms of the image anew, which a trial that is not accepted leaves as the step's."""
        self._terms = objective.value_and_gradient(self.image)[0]

    def stalled(self) -> bool:
        """Whether even short steps down the gradient no longer lower the loss, to float precision."""
        return bool(self._restarted) and int(self._backtracks) >= self.MAX_BACKTRACKS

    def _create_variables(self, image: tf.Tensor) -> None:
        self.image, self._trial = tf.Variable(image), tf.Variable(image)
        self._gradient, self._direction = tf.Variable(tf.zeros_like(image)), tf.Variable(tf.zeros_like(image))
        empty = tf.zeros([self._history, *image.shape], image.dtype)
        self._displacements, self._gradient_changes = tf.Variable(empty), tf.Variable(empty)
        self._loss = tf.Variable(tf.zeros([], image.dtype))
        self._length = tf.Variable(tf.ones([], image.dtype))
        self._backtracks = tf.Variable(0)
        self._restarted = tf.Variable(False)

    def _advanced(self, terms: Any, kept: Any, gradient: tf.Tensor) -> tuple[Any, tf.Tensor]:
        first = tf.math.is_inf(self._loss)
        displacement = self._trial - self.image
        bound = self._loss + self.SUFFICIENT_DECREASE * _dot(self._gradient, displacement)
        # Less, not equal: below float precision the bound would let a step through that gains nothing.
        accepted = first | ((terms.total <= bound) & (terms.total < self._loss))
        tf.cond(
            accepted,
            lambda: self._accept(terms.total, gradient, displacement),
            lambda: self._reject(terms.total, displacement),
        )
        self._trial.assign(clipped(self.image + self._length * self._direction, self._bounds))
        chosen = tf.nest.map_structure(lambda new, old: tf.where(accepted, new, old), terms, kept)
        return chosen, tf.norm(self._gradient)

    def _accept(self, loss: tf.Tensor, gradient: tf.Tensor, displacement: tf.Tensor) -> None:
        gradient_change = gradient - self._gradient
        curvature = _dot(displacement, gradient_change)
        usable = curvature > 1e-10 * tf.sqrt(_dot(displacement, displacement) * _dot(gradient_change, gradient_change))
        for store, newest in ((self._displacements, displacement), (self._gradient_changes, gradient_change)):
            store.assign(tf.where(usable, tf.concat([newest[tf.newaxis], store[:-1]], 0), store))
        self.image.assign(self._trial)
        self._gradient.assign(gradient)
        self._loss.assign(loss)
        self._backtracks.assign(0)
        self._restarted.assign(False)
        self._aim()

    def _reject(self, loss: tf.Tensor, displacement: tf.Tensor) -> None:
        self._backtracks.assign_add(1)
        exhausted = (self._backtracks >= self.MAX_BACKTRACKS) & ~self._restarted
        tf.cond(exhausted, self._restart, lambda: self._shorten(loss, displacement))

    def _restart(self) -> None:
        """Forgets the history, and goes down the gradient, where its directions have failed."""
        self._displacements.assign(tf.zeros_like(self._displacements))
        self._gradient_changes.assign(tf.zeros_like(self._gradient_changes))
        self._restarted.assign(True)
        self._backtracks.assign(0)
        self._aim()

    def _shorten(self, loss: tf.Tensor, displacement: tf.Tensor) -> None:
        """To the minimum of the parabola through both losses and the slope, within 0.1 to 0.5 of the length."""
        slope = _dot(self._gradient, displacement)
        share = -slope / (2 * (loss - self._loss - slope))
        share = tf.where(tf.math.is_finite(share), tf.clip_by_value(share, 0.1, 0.5), 0.1)
        self._length.assign(self._length * share)

    def _aim(self) -> None:
        """Sets the direction from the present gradient and history."""
        free = _free(self.image, self._gradient, self._bounds)
        gradient = free * self._gradient
        direction = free * two_loop_direction(gradient, self._displacements, self._gradient_changes)
        size = root_mean_square(gradient)
        steepest = -gradient * tf.math.divide_no_nan(tf.cast(self._first_change, gradient.dtype), size)
        downhill = _dot(direction, gradient) < 0
        known = tf.reduce_any(tf.not_equal(self._displacements[0], 0))
        self._direction.assign(tf.where(downhill & known, direction, steepest))
        self._length.assign(tf.ones_like(self._length))


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b)


def _free(image: tf.Tensor, gradient: tf.Tensor, bounds: Bounds) -> tf.Tensor:
    """1 where a pixel may move down the gradient, 0 where a bound holds it."""
    if bounds is None:
        return tf.ones_like(image)
    held = ((image <= bounds[0]) & (gradient > 0)) | ((image >= bounds[1]) & (gradient < 0))
    return tf.cast(~held, image.dtype)
