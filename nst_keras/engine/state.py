"""The present state of a run: its picture, step and losses, and why it ended."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine import inputs
from nst_keras.images import pixels
from nst_keras.objectives import objective as objective_lib

__all__ = ["RunState", "Stop", "StopReason", "is_interruption", "logs"]

# {term: its name in the history}.
_LOGGED = {"style": "style_loss", "content": "content_loss", "total_variation": "var_loss"}


class StopReason(enum.Enum):
    """Why a run ended."""

    NOT_BEGUN = "not begun"
    RUNNING = "running"
    ALL_STEPS = "all steps made"
    CONVERGED = "no step lowers the loss any further, or the picture has settled"
    CALLBACK = "stopped by a callback"
    NOT_FINITE = "a loss or gradient that is not finite"
    INTERRUPTED = "interrupted"
    FAILED = "an error"


class Stop(NamedTuple):
    """Why a run ended.

    Attributes:
        reason: The reason, for programs.
        sentence: The reason for readers, with the step.
    """

    reason: StopReason
    sentence: str


class RunState:
    """The present state of a run, which callbacks and `NeuralStyleTransfer` read during the run.

    Args:
        pictures: The pictures at the size of the result.

    Attributes:
        pictures: The pictures at the size of the result; another style during the run replaces them.
        optimized_image: The image that the optimizer works on, float32 [1, height, width, 3], 0..255.
        history: Keras `History` with one entry per step: loss, style_loss, content_loss and var_loss, and
            alpha_norm_loss if it has a weight.
        step: Number of steps made, over all epochs.
        first_step: The step after which the run began: 0, or the step of its checkpoint.
        initial_epoch: The epoch at which the run began.
        total_steps: Number of steps of the whole run.
        stage: Index of the present stage, from 0.
        stage_ends: For each stage, the step after which it ends.
        stage_sizes: For each stage, height and width of the picture in pixels.
        terms: `LossTerms` of the last step, with the loss of each layer; None before the first step.
        objective: The objective of the present stage; None before the run.
        solver: The optimizer of the present stage; None before the run.
        begun: Whether the run has begun.
        interrupted: Whether Ctrl-C ended the run, or came while it ended.
        changes: The changes made during the run: for each the step after which it was made, and the change in words.
        picture_replaced: Whether a callback has replaced the picture of the last step.
        stop_called: Whether `Steering.stop` has been called.
        stop_training: Callbacks set it to True to end the run after the present step.
        stop: Why the run ended.
        frames: The frames kept, uint8 arrays [height, width, 3], also if an error ended the run.
        frame_steps: The step of each frame.
    """

    def __init__(self, pictures: inputs.Inputs) -> None:
        self.optimized_image: tf.Tensor = pictures.initial_image
        self.history: keras.callbacks.History = keras.callbacks.History()
        self.history.epoch = []
        self.step = self.first_step = self.initial_epoch = self.total_steps = self.stage = 0
        self.stage_ends: Sequence[int] = (0,)
        self.stage_sizes: Sequence[tuple[int, int]] = (pictures.size,)
        self.terms: objective_lib.LossTerms | None = None
        self.objective: objective_lib.Objective | None = None
        self.solver: optimizers.Optimizer | None = None
        self.begun = self.interrupted = self.picture_replaced = self.stop_training = self.stop_called = False
        self.changes: list[tuple[int, str]] = []
        self.stop = Stop(StopReason.NOT_BEGUN, "not begun")
        self.frames: Sequence[np.ndarray] = []
        self.frame_steps: Sequence[int] = []
        self.pictures = pictures
        self._finished: tuple[tf.Tensor, tf.Tensor] | None = None
        self._rounded: tuple[tf.Tensor, np.ndarray] | None = None

    @property
    def generated_image(self) -> tf.Tensor:
        """The picture in its final colours, before rounding, float32 [1, height, width, 3], 0..255."""
        if self._finished is None or self._finished[0] is not self.optimized_image:
            # Computed once per picture, and only when someone reads it.
            self._finished = (self.optimized_image, self.pictures.finished(self.optimized_image))
        return self._finished[1]

    @property
    def image(self) -> np.ndarray:
        """The picture, uint8 [height, width, 3]."""
        image = self.generated_image
        if self._rounded is None or self._rounded[0] is not image:
            # Fetched from the device once per picture.
            self._rounded = (image, pixels.to_uint8(image))
        return self._rounded[1].copy()

    @property
    def stop_reason(self) -> str:
        """Why the run ended, as a sentence."""
        return self.stop.sentence

    def natural_end(self) -> Stop:
        """Returns why a run ended without an error."""
        if self.step < self.total_steps:
            what = "a call of stop" if self.stop_called else "a callback"
            return Stop(StopReason.CALLBACK, f"{what} stopped it after step {self.step}")
        return Stop(StopReason.ALL_STEPS, f"all {self.total_steps} steps made")

    def interruption(self) -> Stop:
        """Returns why a run ended that Ctrl-C stopped."""
        kept = f"after step {self.step}; the picture of that step is kept."
        return Stop(StopReason.INTERRUPTED, f"Interrupted {kept if self.step else 'before the first step.'}")

    @property
    def completed(self) -> bool:
        """Whether the run made all its steps, or converged: further ones were of no use."""
        return self.stop.reason in (StopReason.ALL_STEPS, StopReason.CONVERGED)

    @property
    def stage_count(self) -> int:
        """Number of stages."""
        return len(self.stage_ends)

    @property
    def stage_size(self) -> tuple[int, int]:
        """Height and width of the picture in the present stage, in pixels."""
        return self.stage_sizes[self.stage]

    @property
    def content_image(self) -> tf.Tensor | None:
        """The content image as resized, float32 [1, height, width, 3], 0..255; None for a run without content."""
        return self.pictures.content_image

    @property
    def style_images(self) -> list[tf.Tensor]:
        """The style images as resized, each float32 [1, height, width, 3], 0..255."""
        return self.pictures.style_images

    def steps_left(self) -> float:
        """Returns the work left, in steps of the present stage: a step costs in proportion to its stage's pixels."""
        if self.stage_count == 1:
            return self.total_steps - self.step
        costs = [math.prod(size) / math.prod(self.stage_size) for size in self.stage_sizes]
        begins = [self.step, *(max(self.step, end) for end in self.stage_ends[:-1])]
        counts = [max(0, end - begin) for end, begin in zip(self.stage_ends, begins, strict=True)]
        return sum(count * cost for count, cost in zip(counts, costs, strict=True))

    def optimizer_variables(self) -> dict[str, tf.Variable]:
        """Returns {name: variable} of the optimizer: the image, and its state between steps."""
        return self.working_optimizer.variables()

    @property
    def working_optimizer(self) -> optimizers.Optimizer:
        """The optimizer of the present stage; raises `RuntimeError` before the run."""
        if self.solver is None:
            raise RuntimeError("The run has not begun, and has no optimizer yet. Read it in a callback.")
        return self.solver

    @property
    def optimizer(self) -> Any:
        """The Keras optimizer if there is one, else the optimizer of the present stage; None before the run."""
        return getattr(self.solver, "keras_optimizer", None) or self.solver


def logs(terms: objective_lib.LossTerms, weights: Mapping[str, float]) -> dict[str, float]:
    """Returns {name in the history: loss} of a step, the total first.

    Args:
        terms: The losses of the step.
        weights: {term: weight}.
    """
    found = {name: float(getattr(terms, term)) for term, name in _LOGGED.items()}
    if weights["alpha_norm"]:  # Few users weigh this term: it is logged only for them.
        found["alpha_norm_loss"] = float(terms.alpha_norm)
    return {"loss": float(terms.total), **found, **{f"{name}_loss": float(v) for name, v in terms.further.items()}}


def is_interruption(error: BaseException, outer: BaseException | None) -> bool:
    """Returns whether an error is an interruption, or what TensorFlow made of one.

    TensorFlow raises `RuntimeError` on the way out of its device scopes, if the interruption came between two of them.

    Args:
        error: The error.
        outer: The error that was being handled when the run began; None for none.
    """
    behind = error.__context__ if isinstance(error, RuntimeError) else error
    return isinstance(behind, KeyboardInterrupt) and behind is not outer
