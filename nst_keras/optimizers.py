"""Optimizers of an image: one evaluation of the objective a step, over any objective.

An objective is anything with `value_and_gradient(image) -> (terms, gradient)`, where `terms.total` is the loss.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
import tensorflow as tf

from nst_keras import checks, compilation

__all__ = ["OPTIMIZERS", "KerasOptimizer", "LBFGS", "Objective", "Optimizer", "Step", "get", "two_loop_direction"]

LearningRate = float | keras.optimizers.schedules.LearningRateSchedule

# TensorFlow's tutorial: Adam(learning_rate=0.02, beta_1=0.99, epsilon=0.1) on an image in 0..1, here on 0..255. Its
# epsilon is next to nothing beside its own gradients, but would hold up those of "relative", many million times smaller.
_ADAM_LEARNING_RATE = 0.02 * 255
_ADAM_BETA_1 = 0.99
_ADAM_EPSILON = 1e-12
# The default rate: Adam never exceeds it there, and a larger rate is led in by the data, not by a jump to noise.
_ADAM_LARGEST_CHANGE = _ADAM_LEARNING_RATE


class Objective(Protocol):
    """What an optimizer asks of an objective, whole or in tiles."""

    def value_and_gradient(self, image: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """The terms of the loss, with their `total`, and its gradient."""


class Step(NamedTuple):
    """What one step found.

    Attributes:
        terms: The objective's terms at the image that was evaluated and kept.
        gradient_norm: Euclidean norm of the gradient there; not finite where the run must stop.
    """

    terms: Any
    gradient_norm: tf.Tensor


class Optimizer(abc.ABC):
    """Lowers an objective, one evaluation a step.

    Attributes:
        image: The variable that holds the present image; made by `start`.
        keras_optimizer: The Keras optimizer at work, where there is one: Keras's callbacks look for it.
    """

    image: tf.Variable
    keras_optimizer: keras.optimizers.Optimizer | None = None

    @abc.abstractmethod
    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with nothing remembered of an earlier one."""

    @abc.abstractmethod
    def step(self, objective: Objective) -> Step:
        """Evaluates the objective once and moves the image."""

    def stalled(self) -> bool:
        """Whether no further step can lower the loss."""
        return False


class KerasOptimizer(Optimizer):
    """Any Keras optimizer over the pixels, kept in range.

    Args:
        optimizer: Copied at each `start`, so that runs are alike and yours stays as it was.
        bounds: Lowest and highest value of a pixel, or None.
        largest_change: The root mean square change of a step, in levels, that a longer one is scaled down to; None for
            no such limit. As the update clipping of Adafactor (Shazeer and Stern 2018, section 6): at a learning rate
            of 80, Adam's first steps would move every pixel by 80 levels.
        jit_compile: A name in `compilation.JIT_MODES`.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        *,
        bounds: tuple[float, float] | None = (0.0, 255.0),
        largest_change: float | None = None,
        jit_compile: str = "auto",
    ) -> None:
        self._template = optimizer
        self._bounds = bounds
        self._largest_change = largest_change
        self._jit_compile = jit_compile

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with fresh moments."""
        self.image = tf.Variable(image)
        self.keras_optimizer = type(self._template).from_config(self._template.get_config())
        self.keras_optimizer.build([self.image])
        self._update = compilation.compiled(self._updated, jit_compile=self._jit_compile)

    def step(self, objective: Objective) -> Step:
        """Evaluates the objective at the image, then moves it: the terms are those before the move."""
        terms, gradient = objective.value_and_gradient(self.image)
        return Step(terms, self._update(gradient))

    def _updated(self, gradient: tf.Tensor) -> tf.Tensor:
        before = tf.identity(self.image)
        self.keras_optimizer.apply([gradient], [self.image])
        change = _limited(self.image - before, self._largest_change)
        norm = tf.norm(gradient)
        # A gradient that is not finite leaves the image as it was, for the run to stop with it.
        self.image.assign(tf.where(tf.math.is_finite(norm), _clipped(before + change, self._bounds), before))
        return norm


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
        ValueError: `history` is not a whole number, 1 or more.
    """

    SUFFICIENT_DECREASE = 1e-4  # Nocedal and Wright, "Numerical Optimization", section 3.1.
    MOST_REJECTIONS = 10

    def __init__(
        self,
        *,
        history: int = 10,
        bounds: tuple[float, float] | None = (0.0, 255.0),
        first_change: float = 5.0,
        jit_compile: str = "auto",
    ) -> None:
        self._history = checks.integer("history", history)
        self._bounds = bounds
        self._first_change = first_change
        self._jit_compile = jit_compile

    def start(self, image: tf.Tensor) -> None:
        """Begins a run at an image, with an empty history."""
        self.image = tf.Variable(image)
        self._trial = tf.Variable(image)
        self._gradient = tf.Variable(tf.zeros_like(image))
        self._direction = tf.Variable(tf.zeros_like(image))
        self._moves = tf.Variable(tf.zeros([self._history, *image.shape], image.dtype))
        self._turns = tf.Variable(tf.zeros([self._history, *image.shape], image.dtype))
        self._loss = tf.Variable(tf.constant(float("inf"), image.dtype))
        self._length = tf.Variable(tf.ones([], image.dtype))
        self._rejections = tf.Variable(0)
        self._restarted = tf.Variable(False)
        self._terms: Any = None
        self._advance = compilation.compiled(self._advanced, jit_compile=self._jit_compile)

    def step(self, objective: Objective) -> Step:
        """Evaluates the objective at the trial point: the terms are those of the image that is kept."""
        terms, gradient = objective.value_and_gradient(self._trial)
        if self._terms is None:
            self._terms = terms
        self._terms, norm = self._advance(terms, self._terms, gradient)
        return Step(self._terms, norm)

    def stalled(self) -> bool:
        """Whether even short steps down the gradient no longer lower the loss, to float precision."""
        return bool(self._restarted) and int(self._rejections) >= self.MOST_REJECTIONS

    def _advanced(self, terms: Any, kept: Any, gradient: tf.Tensor) -> tuple[Any, tf.Tensor]:
        first = tf.math.is_inf(self._loss)
        move = self._trial - self.image
        bound = self._loss + self.SUFFICIENT_DECREASE * _dot(self._gradient, move)
        # Less, not equal: below float precision the bound would let a step through that gains nothing.
        accepted = first | ((terms.total <= bound) & (terms.total < self._loss))
        tf.cond(accepted, lambda: self._accept(terms.total, gradient, move), lambda: self._reject(terms.total, move))
        self._trial.assign(_clipped(self.image + self._length * self._direction, self._bounds))
        chosen = tf.nest.map_structure(lambda new, old: tf.where(accepted, new, old), terms, kept)
        return chosen, tf.norm(self._gradient)

    def _accept(self, loss: tf.Tensor, gradient: tf.Tensor, move: tf.Tensor) -> None:
        turn = gradient - self._gradient
        curvature = _dot(move, turn)
        usable = curvature > 1e-10 * tf.sqrt(_dot(move, move) * _dot(turn, turn))
        for store, newest in ((self._moves, move), (self._turns, turn)):
            store.assign(tf.where(usable, tf.concat([newest[tf.newaxis], store[:-1]], 0), store))
        self.image.assign(self._trial)
        self._gradient.assign(gradient)
        self._loss.assign(loss)
        self._rejections.assign(0)
        self._restarted.assign(False)
        self._aim()

    def _reject(self, loss: tf.Tensor, move: tf.Tensor) -> None:
        self._rejections.assign_add(1)
        exhausted = (self._rejections >= self.MOST_REJECTIONS) & ~self._restarted
        tf.cond(exhausted, self._restart, lambda: self._shorten(loss, move))

    def _restart(self) -> None:
        """Forgets the history, and goes down the gradient, where its directions have failed."""
        self._moves.assign(tf.zeros_like(self._moves))
        self._turns.assign(tf.zeros_like(self._turns))
        self._restarted.assign(True)
        self._rejections.assign(0)
        self._aim()

    def _shorten(self, loss: tf.Tensor, move: tf.Tensor) -> None:
        """To the minimum of the parabola through both losses and the slope, within 0.1 to 0.5 of the length."""
        slope = _dot(self._gradient, move)
        share = -slope / (2 * (loss - self._loss - slope))
        share = tf.where(tf.math.is_finite(share), tf.clip_by_value(share, 0.1, 0.5), 0.1)
        self._length.assign(self._length * share)

    def _aim(self) -> None:
        """Sets the direction from the present gradient and history."""
        free = _free(self.image, self._gradient, self._bounds)
        gradient = free * self._gradient
        direction = free * two_loop_direction(gradient, self._moves, self._turns)
        size = tf.sqrt(tf.reduce_mean(tf.square(gradient)))
        steepest = -gradient * tf.math.divide_no_nan(tf.cast(self._first_change, gradient.dtype), size)
        downhill = _dot(direction, gradient) < 0
        known = tf.reduce_any(tf.not_equal(self._moves[0], 0))
        self._direction.assign(tf.where(downhill & known, direction, steepest))
        self._length.assign(tf.ones_like(self._length))


def two_loop_direction(gradient: tf.Tensor, moves: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """The L-BFGS direction -H g (Nocedal and Wright, "Numerical Optimization", algorithm 7.4).

    Args:
        gradient: g, of any shape.
        moves: s_k = x_{k+1} - x_k, [history, *g's shape], the newest first; pairs not yet filled are zero.
        turns: y_k = g_{k+1} - g_k, likewise.

    Returns:
        -H g, of g's shape; -g for an empty history.
    """
    pairs = list(zip(tf.unstack(moves), tf.unstack(turns), strict=True))
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


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b)


def _clipped(image: tf.Tensor, bounds: tuple[float, float] | None) -> tf.Tensor:
    return image if bounds is None else tf.clip_by_value(image, *bounds)


def _free(image: tf.Tensor, gradient: tf.Tensor, bounds: tuple[float, float] | None) -> tf.Tensor:
    """1 where a pixel may move down the gradient, 0 where a bound holds it."""
    if bounds is None:
        return tf.ones_like(image)
    held = ((image <= bounds[0]) & (gradient > 0)) | ((image >= bounds[1]) & (gradient < 0))
    return tf.cast(~held, image.dtype)


def _limited(change: tf.Tensor, largest: float | None) -> tf.Tensor:
    if largest is None:
        return change
    size = tf.sqrt(tf.reduce_mean(tf.square(change)))
    return change * tf.minimum(1.0, tf.math.divide_no_nan(largest, size))


def get(
    identifier: str | keras.optimizers.Optimizer,
    *,
    learning_rate: LearningRate | None = None,
    jit_compile: str = "auto",
) -> Optimizer:
    """The optimizer that a name or a Keras optimizer stands for.

    Args:
        identifier: A name in `OPTIMIZERS`, or any Keras optimizer.
        learning_rate: For `"adam"`, levels of 0..255 a step: a number above 0, or a Keras schedule; 5.1 if left out.
            L-BFGS chooses its own steps, and a Keras optimizer has its own rate: both refuse one.
        jit_compile: A name in `compilation.JIT_MODES`.

    Raises:
        ValueError: Unknown name, or a learning rate that does not fit.
        TypeError: An `identifier` of another type.
    """
    if isinstance(identifier, keras.optimizers.Optimizer):
        _refuse_learning_rate(learning_rate, f"{type(identifier).__name__} has its own")
        return KerasOptimizer(identifier, jit_compile=jit_compile)
    if not isinstance(identifier, str):
        raise TypeError(
            f"optimizer must be one of {', '.join(OPTIMIZERS)} or a keras.optimizers.Optimizer, "
            f"but {type(identifier).__name__} was given."
        )
    return OPTIMIZERS[checks.one_of("optimizer", identifier, OPTIMIZERS)](learning_rate, jit_compile)


def _adam(learning_rate: LearningRate | None, jit_compile: str) -> Optimizer:
    if learning_rate is None:
        learning_rate = _ADAM_LEARNING_RATE
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        if checks.finite("learning_rate", learning_rate) <= 0:
            raise ValueError(f"learning_rate must be above 0, but {learning_rate!r} was given.")
    adam = keras.optimizers.Adam(learning_rate, beta_1=_ADAM_BETA_1, epsilon=_ADAM_EPSILON)
    return KerasOptimizer(adam, largest_change=_ADAM_LARGEST_CHANGE, jit_compile=jit_compile)


def _lbfgs(learning_rate: LearningRate | None, jit_compile: str) -> Optimizer:
    _refuse_learning_rate(learning_rate, "lbfgs chooses its own steps")
    return LBFGS(jit_compile=jit_compile)


def _refuse_learning_rate(learning_rate: LearningRate | None, reason: str) -> None:
    if learning_rate is not None:
        raise ValueError(f"learning_rate={learning_rate!r} has no effect here: {reason}. Leave learning_rate out.")


OPTIMIZERS: dict[str, Callable[[LearningRate | None, str], Optimizer]] = {"adam": _adam, "lbfgs": _lbfgs}
