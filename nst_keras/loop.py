"""The loop: Keras's callbacks around the steps of an optimizer, and how a run ends."""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import images, optimizers
from nst_keras import objective as objective_lib

__all__ = ["Loop"]


class Loop:
    """What Keras's callbacks see as their model while a picture is optimised.

    Attributes:
        generated_image: The picture as it is now, float32 [1, height, width, 3], 0..255.
        objective: What the last run lowered.
        history: Keras `History` of the last run, an entry a step: loss, style_loss, content_loss, var_loss.
        step: Steps made in the last run, through all its epochs.
        first_step: The step after which it began: 0, or that of the checkpoint from which it went on.
        total_steps: Steps that it is to make.
        terms: `LossTerms` of the last step, with the losses of each layer.
        stop_reason: Why the last run ended.
        completed: Whether it came to its end, or to where no step lowers the loss.
        interrupted: Whether Ctrl-C ended it.
        stop_training: Set by callbacks to end the run after the present step.
    """

    def __init__(self, initial_image: tf.Tensor) -> None:
        self._optimizer: optimizers.Optimizer | None = None
        self.objective: objective_lib.Objective | None = None
        self.generated_image = initial_image
        self.history = keras.callbacks.History()
        self.step = self.first_step = self.total_steps = 0
        self.terms: objective_lib.LossTerms | None = None
        self.stop_reason = "not begun"
        self.completed = self.interrupted = self.stop_training = False

    @property
    def image(self) -> np.ndarray:
        """The picture as it is now, uint8 [height, width, 3]."""
        return images.to_uint8(self.generated_image)

    @property
    def optimizer(self) -> Any:
        """The optimizer at work; Keras's own where there is one, for Keras's callbacks to look at."""
        return getattr(self._optimizer, "keras_optimizer", None) or self._optimizer

    def get_weights(self) -> list[np.ndarray]:
        """The picture as the one thing that is trained, as Keras's callbacks take it."""
        return [self.generated_image.numpy()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Puts back a picture that `get_weights` gave."""
        self.generated_image = tf.constant(weights[0])
        self._optimizer.move(self.generated_image)

    def _begin(
        self, optimizer: optimizers.Optimizer, objective: objective_lib.Objective, initial_image: tf.Tensor
    ) -> None:
        self._optimizer, self.objective = optimizer, objective
        optimizer.start(initial_image)
        self.generated_image = self._last_good = initial_image
        self.step = self.first_step = 0
        self.terms, self.stop_reason = None, ""
        self.completed = self.interrupted = self.stop_training = False

    def _run(self, epochs: int, steps_per_epoch: int, callback_list: keras.callbacks.CallbackList) -> None:
        logs: dict[str, float] = {}
        self.total_steps = epochs * steps_per_epoch
        callback_list.on_train_begin()
        try:
            for epoch in range(epochs):
                callback_list.on_epoch_begin(epoch)
                logs = self._run_epoch(steps_per_epoch, callback_list) or logs
                callback_list.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            self.stop_reason = self.stop_reason or self._natural_end()
        except KeyboardInterrupt:
            self.interrupted = True
            self.stop_reason = f"Interrupted after step {self.step}; the picture of that step is kept."
        except Exception as error:
            self.stop_reason = f"Failed after step {self.step}, whose picture is kept: {error}"
            raise
        finally:
            callback_list.on_train_end(logs)

    def _run_epoch(self, steps: int, callback_list: keras.callbacks.CallbackList) -> dict[str, float]:
        logs: dict[str, float] = {}
        for batch in range(steps):
            callback_list.on_train_batch_begin(batch)
            new_logs = self._make_step()
            if new_logs is None:
                break
            logs = new_logs
            callback_list.on_train_batch_end(batch, logs)
            if self.stop_training:
                break
        return logs

    def _make_step(self) -> dict[str, float] | None:
        """One step of the optimizer; its loss terms, or None where it was not finite."""
        before = tf.identity(self._optimizer.image)
        terms, gradient_norm = self._optimizer.step(self.objective)
        loss = float(terms.total)
        if math.isfinite(loss):
            self._last_good = before
        if not (math.isfinite(loss) and math.isfinite(float(gradient_norm))):
            self._stop_not_finite(loss)
            return None
        self.step += 1
        self.terms = terms
        self.generated_image = tf.identity(self._optimizer.image)
        if self._optimizer.stalled():
            self.stop_training, self.completed = True, True
            self.stop_reason = f"no step lowers the loss any further, after step {self.step}"
        return {
            "loss": loss,
            "style_loss": float(terms.style),
            "content_loss": float(terms.content),
            "var_loss": float(terms.total_variation),
        }

    def _stop_not_finite(self, loss: float) -> None:
        what = "the loss's gradient was not finite" if math.isfinite(loss) else f"the loss was {loss}"
        self.generated_image = self._last_good
        self.stop_training = True
        self.stop_reason = (
            f"{what} in step {self.step + 1}; the last good picture is kept. Lower the learning rate or weights."
        )
        warnings.warn(f"The run stopped: {self.stop_reason}", RuntimeWarning, stacklevel=2)

    def _natural_end(self) -> str:
        if self.step < self.total_steps:
            return f"a callback stopped it after step {self.step}"
        self.completed = True
        return f"all {self.total_steps} steps made"
