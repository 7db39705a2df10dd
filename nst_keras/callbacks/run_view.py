"""What callbacks may read of a run, as types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import keras
import numpy as np
import tensorflow as tf

from nst_keras.objectives import objective as objective_lib

__all__ = ["Logs", "ObjectiveView", "RunCallback", "RunView"]

# What Keras hands a callback after a step: {"loss": value, "style_loss": value, ...}.
Logs = dict[str, float] | None


class ObjectiveView(Protocol):
    """What callbacks may read of the objective."""

    @property
    def weights(self) -> Mapping[str, float]:
        """{term: weight}, with the terms `style`, `content`, `total_variation` and `alpha_norm`."""
        ...

    def term_gradient(self, term: str, image: tf.Tensor) -> tf.Tensor:
        """Returns the gradient of one weighted term with respect to the image, of the image's shape.

        Args:
            term: A name in `weights`.
            image: float32 [1, height, width, 3], 0..255.
        """
        ...


class RunView(Protocol):
    """What callbacks may read of the run that Keras hands them as `self.model`.

    Two attributes may be written: `history`, by `StepHistory` alone, and `stop_training`.

    Attributes:
        history: Keras's `History` of the run, with one entry a step.
        stop_training: Whether the run ends after the present step.
    """

    history: keras.callbacks.History
    stop_training: bool

    @property
    def step(self) -> int:
        """Steps made, counted through all epochs and, in a resumed run, from its very beginning."""
        ...

    @property
    def first_step(self) -> int:
        """The step after which the run began: 0, or the step of the checkpoint that it resumed from."""
        ...

    @property
    def total_steps(self) -> int:
        """Steps that the run is to make, counted as `step` is."""
        ...

    def steps_left(self) -> float:
        """Returns the work left, in steps of the present stage: a step costs in proportion to its stage's pixels."""
        ...

    @property
    def stage(self) -> int:
        """Index of the pyramid's present stage, from 0."""
        ...

    @property
    def stage_count(self) -> int:
        """Number of the pyramid's stages, 1 or more."""
        ...

    @property
    def stage_size(self) -> tuple[int, int]:
        """Height and width of the picture in the present stage, in pixels."""
        ...

    @property
    def image(self) -> np.ndarray:
        """The picture as it is now, in its final colours: uint8 [height, width, 3], a copy."""
        ...

    @property
    def generated_image(self) -> tf.Tensor:
        """The picture as it is now, in its final colours: float32 [1, height, width, 3], 0..255."""
        ...

    @property
    def optimized_image(self) -> tf.Tensor:
        """The optimizer's image, before its colours are changed back: float32 [1, height, width, 3], 0..255."""
        ...

    @property
    def objective(self) -> ObjectiveView:
        """What the present stage minimises."""
        ...

    @property
    def terms(self) -> objective_lib.LossTerms | None:
        """Loss terms of the last step, with the share of each layer; None before the first step."""
        ...

    def optimizer_variables(self) -> Mapping[str, tf.Variable]:
        """Returns {name: variable}: the image, and all that the optimizer carries from one step to the next."""
        ...

    @property
    def changes(self) -> Sequence[tuple[int, str]]:
        """The changes made while the run was going: for each its step and the change in words."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, object]:
        """{option: value, or SHA-256} of all that decides the pixels of the next step."""
        ...

    @property
    def content_image(self) -> tf.Tensor | None:
        """The content image, resized: float32 [1, height, width, 3], 0..255; None in a run without content."""
        ...

    @property
    def style_images(self) -> Sequence[tf.Tensor]:
        """The style images, resized: float32 [1, height, width, 3] each, 0..255; empty in a run without style."""
        ...

    @property
    def settings(self) -> Mapping[str, object]:
        """{argument: value} of the run."""
        ...


class RunCallback(keras.callbacks.Callback):
    """A Keras callback that knows the type of its run.

    Attributes:
        keeps: Whether the callback stores results. If so, its `on_train_end` is called even when that of another
            callback fails. Default: False.
    """

    keeps: bool = False

    @property
    def run(self) -> RunView:
        """The run, which is also `self.model`."""
        return cast(RunView, self.model)
