"""The loop: Keras's callbacks around the steps of an optimizer, and how a run ends."""

from __future__ import annotations

import gc
import math
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from nst_keras import export, optimizers
from nst_keras.engine import checkpoints, plan
from nst_keras.images import pixels, resizing
from nst_keras.objectives import objective as objective_lib

__all__ = ["Loop"]

# {term: its name in the history}.
_LOGGED = {"style": "style_loss", "content": "content_loss", "total_variation": "var_loss"}


class Loop:
    """What Keras's callbacks see as their model while a picture is optimised.

    Attributes:
        optimized_image: What the optimizer has made of the picture, float32 [1, height, width, 3], 0..255.
        objective: What the last run lowered, at the size of its present stage.
        stage: The place of that stage, from 0.
        stage_count: How many there are.
        history: Keras `History` of the last run, an entry a step: loss, style_loss, content_loss, var_loss,
            and alpha_norm_loss where it has a weight.
        step: Steps made in the last run, through all its epochs.
        first_step: The step after which it began: 0, or that of the checkpoint from which it went on.
        total_steps: Steps that it is to make.
        terms: `LossTerms` of the last step, with the losses of each layer.
        begun: Whether the last run came to its first step, all its arguments found good.
        stop_reason: Why the last run ended.
        completed: Whether it came to its end, or to where no step lowers the loss.
        interrupted: Whether Ctrl-C ended it.
        picture_replaced: Whether a callback has put another picture in the place of the last step's.
        stop_training: Set by callbacks to end the run after the present step.
    """

    def __init__(
        self, initial_image: tf.Tensor, finished: Callable[[tf.Tensor], tf.Tensor] = lambda picture: picture
    ) -> None:
        self._optimizer: optimizers.Optimizer | None = None
        self.objective: objective_lib.Objective | None = None
        self.optimized_image = initial_image
        self.history = keras.callbacks.History()
        self.step = self.first_step = self.total_steps = self.stage = 0
        self._stages: Sequence[plan.Stage] = ()
        self.stage_count = 1
        self.terms: objective_lib.LossTerms | None = None
        self._finished = finished
        self._finished_image: tuple[tf.Tensor, tf.Tensor] | None = None
        self.picture_replaced = False
        self._rounded: tuple[tf.Tensor, np.ndarray] | None = None
        # For Keras's callbacks: there is nothing to build, no graph to draw, and no layer whose weights could be shown.
        self.built, self.train_function, self.layers = True, None, ()
        self.stop_reason = "not begun"
        self.begun = self.completed = self.interrupted = self.stop_training = False

    @property
    def generated_image(self) -> tf.Tensor:
        """The picture as it is now, in the colours that it is shown in, float32 [1, height, width, 3], 0..255."""
        if self._finished_image is None or self._finished_image[0] is not self.optimized_image:
            # Made once, and only for a picture that is looked at.
            self._finished_image = (self.optimized_image, self._finished(self.optimized_image))
        return self._finished_image[1]

    @property
    def image(self) -> np.ndarray:
        """The picture as it is now, uint8 [height, width, 3]."""
        image = self.generated_image
        if self._rounded is None or self._rounded[0] is not image:
            # Fetched from the device once, whoever asks for it.
            self._rounded = (image, pixels.to_uint8(image))
        return self._rounded[1].copy()

    @property
    def optimizer(self) -> Any:
        """The optimizer at work; Keras's own where there is one, for Keras's callbacks to look at."""
        return getattr(self._optimizer, "keras_optimizer", None) or self._optimizer

    def steps_left(self) -> float:
        """Steps still to make, each counted for its pixels: in steps of the present stage, whose pace is known."""
        if self.stage_count == 1:
            return self.total_steps - self.step
        pixels = [math.prod(stage.pictures.size) for stage in self._stages]
        begins = [self.step, *(max(self.step, stage.end) for stage in self._stages[:-1])]
        steps = [max(0, stage.end - begin) for stage, begin in zip(self._stages, begins, strict=True)]
        return sum(count * of / pixels[self.stage] for count, of in zip(steps, pixels, strict=True))

    @property
    def stage_size(self) -> tuple[int, int]:
        """Height and width of the picture in the present stage."""
        return tuple(self._stages[self.stage].pictures.size if self._stages else self.generated_image.shape[1:3])

    def optimizer_variables(self) -> dict[str, tf.Variable]:
        """{name: variable}: the image, and all that the optimizer remembers from one step to the next."""
        return self._optimizer.variables()

    def get_weights(self) -> list[np.ndarray]:
        """The picture as the one thing that is trained, as Keras's callbacks take it."""
        return [self.optimized_image.numpy()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Puts back a picture that `get_weights` gave, also in an earlier and smaller stage."""
        self.optimized_image = resizing.resize_to(tf.constant(weights[0]), *self._optimizer.image.shape[1:3])
        self.picture_replaced = True
        self._optimizer.move(self.optimized_image)

    def save_weights(self, filepath: str | os.PathLike, overwrite: bool = True) -> None:
        """Writes `optimizer_variables` to an HDF5 file, for Keras's `ModelCheckpoint` and `BackupAndRestore`.

        Raises:
            FileExistsError: The file exists, and `overwrite` is False.
            OSError: It cannot be written.
        """
        if os.path.exists(filepath) and not overwrite:
            raise FileExistsError(f"filepath: {str(filepath)!r} exists already. Choose another name.")
        with export.replacing(filepath) as temporary, h5py.File(temporary, "w") as file:
            file["stage"] = self.stage
            for name, variable in self.optimizer_variables().items():
                file[name] = variable.numpy()

    def load_weights(self, filepath: str | os.PathLike) -> None:
        """Reads what `save_weights` wrote: the run goes on from there.

        Raises:
            OSError: The file cannot be read.
        """
        with h5py.File(filepath) as file:
            self._enter(int(file["stage"][()]))
            for name, variable in self.optimizer_variables().items():
                variable.assign(file[name][()])
        self._take_up()

    def _begin(self, stages: Sequence[plan.Stage], checkpoint: checkpoints.Checkpoint | None = None) -> None:
        """Makes ready for a run from its start, or from a checkpoint, in the midst of an epoch if it lies there."""
        self._stages, self.stage_count = stages, len(stages)
        self._enter(0 if checkpoint is None else checkpoint.record["stage"])
        self.optimized_image = self._last_good = tf.identity(self._optimizer.image)
        self.step = self.first_step = self._initial_epoch = 0
        self.terms, self.stop_reason, self.picture_replaced = None, "", False
        self.begun = self.completed = self.interrupted = self.stop_training = False
        self._checkpoint = checkpoint
        if checkpoint is not None:
            self.step = self.first_step = checkpoint.step
            checkpoint.restore(self.optimizer_variables())
            self._take_up()

    def _take_up(self) -> None:
        """Sees to all that follows from the optimizer's variables, where these were given other values."""
        self._optimizer.resume(self.objective)
        self.optimized_image = self._last_good = self._optimizer.result()

    def _enter(self, stage: int, image: tf.Tensor | None = None) -> None:
        """Begins a stage, at an image that is brought to its size; at its own start if there is none."""
        self.stage, entered = stage, self._stages[stage]
        start = entered.pictures.initial_image
        self._optimizer, self.objective = entered.optimizer(), entered.objective
        self._optimizer.start(start if image is None else resizing.resize_to(image, *start.shape[1:3]))

    def _go_up(self) -> None:
        """Goes on to the next stage, where the present one has made its steps or can lower the loss no further."""
        before = self._optimizer
        is_last = self.stage == self.stage_count - 1
        if is_last or not (self.step >= self._stages[self.stage].end or before.stalled()):
            return
        self._enter(self.stage + 1, before.result())
        self._optimizer.carry_over(before)
        del before
        gc.collect()  # With its compiled steps it is a ring, and may hold more than the new one asks for.

    def _run(
        self, epochs: int, steps_per_epoch: int, callbacks: Sequence[keras.callbacks.Callback], verbose: int | str
    ) -> None:
        callback_list = keras.callbacks.CallbackList(
            callbacks,
            model=self,
            verbose=1 if verbose == "auto" else verbose,  # For Keras's ProgbarLogger, where it is given.
            epochs=epochs,
            steps=steps_per_epoch,
        )
        logs: dict[str, float] = {}
        self.total_steps = epochs * steps_per_epoch
        callback_list.on_train_begin()
        self.begun = True
        try:
            for epoch in range(self._first_epoch(steps_per_epoch), epochs):
                callback_list.on_epoch_begin(epoch)
                logs = self._run_epoch(epoch * steps_per_epoch, steps_per_epoch, callback_list) or logs
                callback_list.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            self.stop_reason = self.stop_reason or self._natural_end()
        except KeyboardInterrupt:
            self.interrupted = True
            kept = f"after step {self.step}; the picture of that step is kept."
            self.stop_reason = f"Interrupted {kept if self.step else 'before the first step.'}"
        except Exception as error:
            self.stop_reason = f"Failed after step {self.step}, whose picture is kept: {error}"
            raise
        finally:
            self._end(callback_list, logs)

    def _end(self, callback_list: keras.callbacks.CallbackList, logs: dict[str, float]) -> None:
        """Tells the callbacks; those that keep what was made are told also where another's end fails."""
        try:
            callback_list.on_train_end(logs)
        except BaseException as error:
            for callback in callback_list.callbacks:
                if getattr(callback, "keeps", False):
                    callback.on_train_end(logs)
            if not isinstance(error, KeyboardInterrupt):
                raise
            self.interrupted = True  # Nothing is lost: whoever waits for the end goes on to write the picture.

    def _first_epoch(self, steps_per_epoch: int) -> int:
        """Where the run begins: after a checkpoint its epoch, whose end is come to again if it was the last step."""
        if self._initial_epoch and self._checkpoint is not None:
            raise ValueError(
                "callbacks: BackupAndRestore and resume would go on from different steps. Give one of them."
            )
        if self._initial_epoch:  # Set by Keras's BackupAndRestore, which has put back the variables too.
            self.step = self.first_step = self._initial_epoch * steps_per_epoch
            return self._initial_epoch
        return max(0, self.step - 1) // steps_per_epoch

    def _run_epoch(self, before: int, steps: int, callback_list: keras.callbacks.CallbackList) -> dict[str, float]:
        """The steps of an epoch that are still to be made, and the last one's terms; `before` it so many were made."""
        logs: dict[str, float] = {}
        if self._checkpoint is not None:
            # Again, since the epoch's beginning came again too: a callback that halves the rate there has done it once.
            self._checkpoint.restore(self.optimizer_variables())
            logs = {name: values[-1] for name, values in self.history.history.items()}
            self._checkpoint = None
            self._check_stalled()
        for batch in range(self.step - before, steps):
            if self.stop_training:
                break
            callback_list.on_train_batch_begin(batch)
            new_logs = self._make_step()
            if new_logs is None:
                break
            logs = new_logs
            callback_list.on_train_batch_end(batch, logs)
        return logs

    def _make_step(self) -> dict[str, float] | None:
        """One step of the optimizer; its loss terms, or None where it was not finite."""
        self._go_up()
        before = self._optimizer.result()
        made = self._optimizer.step(self.objective)
        terms, loss = made.terms, float(made.terms.total)
        if math.isfinite(loss):
            self._last_good = before
        if not (math.isfinite(loss) and math.isfinite(float(made.gradient_norm))):
            self._stop_not_finite(loss)
            return None
        self.step += 1
        self.terms = terms
        self.optimized_image = self._optimizer.result()
        self._check_stalled()
        logs = {name: float(getattr(terms, term)) for term, name in _LOGGED.items()}
        if self.objective.weights["alpha_norm"]:  # The one term that hardly anyone asks for.
            logs["alpha_norm_loss"] = float(terms.alpha_norm)
        return {"loss": loss, **logs}

    def _check_stalled(self) -> None:
        if self._optimizer.stalled() and self.stage == self.stage_count - 1:
            self.stop_training, self.completed = True, True
            self.stop_reason = f"no step lowers the loss any further, after step {self.step}"

    def _stop_not_finite(self, loss: float) -> None:
        what = "the loss's gradient was not finite" if math.isfinite(loss) else f"the loss was {loss}"
        self.optimized_image = self._last_good
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
