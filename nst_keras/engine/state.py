"""What a run has come to: its picture, its step, its losses, and how it ended."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine import inputs
from nst_keras.images import pixels
from nst_keras.objectives import objective as objective_lib

__all__ = ["RunState", "Stop", "StopReason"]


class StopReason(enum.Enum):
    """Why a run ended."""

    NOT_BEGUN = "not begun"
    RUNNING = "running"
    ALL_STEPS = "all steps made"
    CONVERGED = "no step lowers the loss any further"
    CALLBACK = "stopped by a callback"
    NOT_FINITE = "a loss or gradient that is not finite"
    INTERRUPTED = "interrupted"
    FAILED = "an error"


class Stop(NamedTuple):
    """Why a run ended.

    Attributes:
        reason: One of a few.
        sentence: The same for a reader, with the step.
    """

    reason: StopReason
    sentence: str


class RunState:
    """What a run has come to. Callbacks and `NeuralStyleTransfer` read it while the run goes on.

    Args:
        pictures: At the size of the result.

    Attributes:
        optimized_image: What the optimizer works on, float32 [1, height, width, 3], 0..255.
        history: Keras `History`, an entry a step: loss, style_loss, content_loss, var_loss, and alpha_norm_loss where
            it has a weight.
        step: Steps made, through all epochs.
        first_step: The step after which the run began: 0, or that of a checkpoint.
        initial_epoch: The epoch at which the run began.
        total_steps: Steps to be made.
        stage: Number of the present stage, from 0.
        stage_ends: For each stage, the step after which it ends.
        stage_sizes: For each stage, height and width of the picture.
        terms: `LossTerms` of the last step, with the losses of each layer; None before it.
        objective: What is lowered in the present stage; None before the run.
        solver: The optimizer at work; None before the run.
        begun: Whether the run came to its first step.
        interrupted: Whether Ctrl-C ended the run, or came while it ended.
        picture_replaced: Whether a callback has put another picture in the place of the last step's.
        stop_training: Set by callbacks, to end the run after the present step.
        stop: Why the run ended.
        frames: uint8 arrays [height, width, 3] that were kept, also where an error ended the run.
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
        self.begun = self.interrupted = self.picture_replaced = self.stop_training = False
        self.stop = Stop(StopReason.NOT_BEGUN, "not begun")
        self.frames: Sequence[np.ndarray] = []
        self.frame_steps: Sequence[int] = []
        self._pictures = pictures
        self._finished: tuple[tf.Tensor, tf.Tensor] | None = None
        self._rounded: tuple[tf.Tensor, np.ndarray] | None = None

    @property
    def generated_image(self) -> tf.Tensor:
        """The picture in the colours that it is shown in, float32 [1, height, width, 3], 0..255."""
        if self._finished is None or self._finished[0] is not self.optimized_image:
            # Made once, and only for a picture that is looked at.
            self._finished = (self.optimized_image, self._pictures.finished(self.optimized_image))
        return self._finished[1]

    @property
    def image(self) -> np.ndarray:
        """The picture, uint8 [height, width, 3]."""
        image = self.generated_image
        if self._rounded is None or self._rounded[0] is not image:
            # Fetched from the device once, whoever asks for it.
            self._rounded = (image, pixels.to_uint8(image))
        return self._rounded[1].copy()

    @property
    def stop_reason(self) -> str:
        """Why the run ended, a sentence."""
        return self.stop.sentence

    @property
    def completed(self) -> bool:
        """Whether the run made all its steps, or came to where no step lowers the loss."""
        return self.stop.reason in (StopReason.ALL_STEPS, StopReason.CONVERGED)

    @property
    def stage_count(self) -> int:
        """Number of stages."""
        return len(self.stage_ends)

    @property
    def stage_size(self) -> tuple[int, int]:
        """Height and width of the picture in the present stage."""
        return self.stage_sizes[self.stage]

    @property
    def content_image(self) -> tf.Tensor | None:
        """The content image as resized, float32 [1, height, width, 3], 0..255; None for a run without content."""
        return self._pictures.content_image

    @property
    def style_images(self) -> list[tf.Tensor]:
        """The style images as resized, each float32 [1, height, width, 3], 0..255."""
        return self._pictures.style_images

    def steps_left(self) -> float:
        """Returns the steps still to be made, in steps of the present stage: a step's cost goes by its pixels."""
        if self.stage_count == 1:
            return self.total_steps - self.step
        costs = [math.prod(size) / math.prod(self.stage_size) for size in self.stage_sizes]
        begins = [self.step, *(max(self.step, end) for end in self.stage_ends[:-1])]
        counts = [max(0, end - begin) for end, begin in zip(self.stage_ends, begins, strict=True)]
        return sum(count * cost for count, cost in zip(counts, costs, strict=True))

    def optimizer_variables(self) -> dict[str, tf.Variable]:
        """Returns {name: variable}: the image, and all that the optimizer remembers from one step to the next."""
        return self.working_optimizer.variables()

    @property
    def working_optimizer(self) -> optimizers.Optimizer:
        """The optimizer at work; raises `RuntimeError` before the run."""
        if self.solver is None:
            raise RuntimeError("The run has not begun, and so has no optimizer. Ask again in a callback.")
        return self.solver

    @property
    def optimizer(self) -> Any:
        """Keras's optimizer where there is one, else the optimizer at work; None before the run."""
        return getattr(self.solver, "keras_optimizer", None) or self.solver
