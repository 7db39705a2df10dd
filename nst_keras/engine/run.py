"""A run: an optimizer's steps with Keras's callbacks around them, stage after stage, to one of several ends."""

from __future__ import annotations

import gc
import math
import sys
import warnings
from collections.abc import Sequence

import keras
import tensorflow as tf

from nst_keras import optimizers
from nst_keras.engine import checkpoints, compiled, keras_model, steering
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.engine import state as state_lib
from nst_keras.engine.state import RunState, Stop, StopReason
from nst_keras.images import resizing
from nst_keras.objectives import objective as objective_lib
from nst_keras.runtime import phases

__all__ = ["Run"]


class Run:
    """One run of a plan, from its start or from a checkpoint.

    Args:
        plan: The plan of the run.
        callbacks: Keras callbacks, called as in `keras.Model.fit`.
        built: Objectives and the optimizer of earlier runs, to be reused. Default: none.
        solver: An optimizer that goes on from where an earlier run left it. Default: one that begins at the plan's
            start.
        checkpoint: The checkpoint to continue from, also in the middle of an epoch. Default: the run starts at step 0.
        input_digests: {option: SHA-256} of the pictures and weights that were read, for the result.

    Attributes:
        plan: The plan of the run, as it began.
        present: The plan as it is now, after the changes made while it was going.
        state: The present state of the run.
        model: The object that callbacks see as `self.model`.
        steering: The handle by which callbacks and other threads change the run.
    """

    def __init__(
        self,
        plan: plan_lib.Plan,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        *,
        built: compiled.Compiled | None = None,
        solver: optimizers.Optimizer | None = None,
        checkpoint: checkpoints.Checkpoint | None = None,
        input_digests: dict[str, str] | None = None,
    ) -> None:
        self.plan = self.present = plan
        self.state = RunState(plan.setup.pictures)
        self.state.stage_ends = [stage.end for stage in plan.stages]
        self.state.stage_sizes = [stage.pictures.size for stage in plan.stages]
        self.state.total_steps = plan.total_steps
        self.model = keras_model.RunModel(self)
        self._callbacks = callbacks
        self.steering = steering.Steering(self)
        self._built = built or compiled.Compiled()
        self._checkpoint = checkpoint
        self._input_digests = input_digests or {}
        with self.model.telling(callbacks), phases.named("preparing"):
            self._begin(solver)

    def execute(self) -> result_lib.Result:
        """Makes the steps, and returns the result.

        A loss or gradient that is not finite, or Ctrl-C, ends the run early and keeps the last good picture.

        Raises:
            Exception: A step or a callback raised it. The picture and the frames so far stay in `state`.
        """
        outer = sys.exc_info()[1]
        with self.model.telling(self._callbacks):
            state, callback_list = self.state, self._begun_callbacks()
            state.begun = True
            self._logs: dict[str, float] = {}
            try:
                self._run_epochs(callback_list)
                if state.stop.reason is StopReason.RUNNING:
                    state.stop = state.natural_end()
            except (Exception, KeyboardInterrupt) as error:
                if not state_lib.is_interruption(error, outer):
                    kept = f"Failed after step {state.step}, whose picture is kept: {error}"
                    state.stop = Stop(StopReason.FAILED, kept)
                    raise
                state.interrupted = True
                state.stop = state.interruption()
            finally:
                self._end(callback_list, self._logs)
        return self.result()

    def result(self) -> result_lib.Result:
        """Returns the result of the run so far."""
        return result_lib.of(self.plan, self.state, self._input_digests)

    def enter(self, stage: int, image: tf.Tensor | None = None) -> None:
        """Begins a stage.

        Args:
            stage: Index of the stage, from 0.
            image: The image to start from, float32 [1, height, width, 3], 0..255, resized to the stage. Default: the
                stage's own initial image.
        """
        state, entered = self.state, self.present.stages[stage]
        start = entered.pictures.initial_image
        state.stage, state.objective = stage, self._built.objective(self.present, entered)
        state.solver = self._built.optimizer(self.present, entered)
        state.solver.start(start if image is None else resizing.resize_to(image, *resizing.size_of(start)))

    def take_up(self) -> None:
        """Takes up values that were assigned to the optimizer's variables: the run continues from their image."""
        optimizer = self.state.working_optimizer
        optimizer.resume(self._objective)
        self.state.optimized_image = self._last_good = optimizer.result()

    def leave(self) -> None:
        """Lets go of the callbacks, which know the run too: what nobody else holds, such as its frames, is freed."""
        self._callbacks = ()
        self.plan, self.present = plan_lib.without_callbacks(self.plan), plan_lib.without_callbacks(self.present)
        self.state.history.set_model(None)
        self.steering.leave()
        del self.model

    @property
    def _objective(self) -> objective_lib.Objective:
        """The objective of the present stage."""
        if self.state.objective is None:
            raise RuntimeError("The run has not begun, and has no objective yet. Read it in a callback.")
        return self.state.objective

    def _begin(self, solver: optimizers.Optimizer | None) -> None:
        """Prepares the first step: at the start, where an earlier run left its optimizer, or at the checkpoint."""
        state, checkpoint, stages = self.state, self._checkpoint, self.plan.stages
        if solver is None:
            self.enter(0 if checkpoint is None else checkpoint.record["stage"])
        else:
            state.objective, state.solver = self._built.objective(self.plan, stages[0]), solver
        state.optimized_image = self._last_good = state.working_optimizer.result()
        state.stop = Stop(StopReason.RUNNING, "")
        if checkpoint is not None:
            state.step = state.first_step = checkpoint.step
            checkpoint.restore(state.optimizer_variables())
            self.take_up()

    def _begun_callbacks(self) -> keras.callbacks.CallbackList:
        """Returns the callbacks, after their `on_train_begin`. If one raises, the run has ended before its start."""
        fit = self.plan.fit
        try:
            callback_list = keras.callbacks.CallbackList(
                list(self._callbacks),
                model=self.model,
                verbose=1 if fit.verbose == "auto" else fit.verbose,  # For a ProgbarLogger among the callbacks.
                epochs=fit.epochs,
                steps=fit.steps_per_epoch,
            )
            callback_list.on_train_begin()
        except BaseException as error:
            what = str(error) or type(error).__name__
            self.state.stop = Stop(StopReason.FAILED, f"Failed before the first step: {what}")
            raise
        return callback_list

    def _run_epochs(self, callback_list: keras.callbacks.CallbackList) -> None:
        """Runs the epochs, and keeps {term: loss} of the last step for the callbacks' `on_train_end`."""
        fit = self.plan.fit
        for epoch in range(self._first_epoch(), fit.epochs):
            callback_list.on_epoch_begin(epoch)
            self._logs = self._run_epoch(epoch * fit.steps_per_epoch, callback_list) or self._logs
            callback_list.on_epoch_end(epoch, self._logs)
            if self.state.stop_training:
                break

    def _first_epoch(self) -> int:
        """Returns the epoch at which the run begins.

        After a checkpoint it is the checkpoint's epoch, also if that had only its end to come.
        """
        state, steps_per_epoch = self.state, self.plan.fit.steps_per_epoch
        if state.initial_epoch and self._checkpoint is not None:
            raise ValueError(
                "callbacks: BackupAndRestore and resume would continue from different steps. Give one of them."
            )
        if state.initial_epoch:  # Keras's BackupAndRestore has set it, and has restored the variables.
            state.step = state.first_step = state.initial_epoch * steps_per_epoch
            return state.initial_epoch
        return max(0, state.step - 1) // steps_per_epoch

    def _run_epoch(self, before: int, callback_list: keras.callbacks.CallbackList) -> dict[str, float]:
        """Makes the remaining steps of an epoch, and returns {term: loss} of the last one.

        Args:
            before: Number of steps before the epoch.
            callback_list: The callbacks to call.
        """
        logs: dict[str, float] = {}
        if self._checkpoint is not None:
            # Restored again: the epoch began again, and a callback that changes the learning rate there acted twice.
            self._checkpoint.restore(self.state.optimizer_variables())
            logs = {name: values[-1] for name, values in self.state.history.history.items()}
            self._checkpoint = None
            self._check_converged()
        for batch in range(self.state.step - before, self.plan.fit.steps_per_epoch):
            if self.state.stop_training:
                break
            callback_list.on_train_batch_begin(batch)
            new_logs = self._make_step()
            if new_logs is None:
                break
            logs = new_logs
            callback_list.on_train_batch_end(batch, logs)
        return logs

    def _make_step(self) -> dict[str, float] | None:
        """Makes a step of the optimizer, and returns {term: loss}; None if loss or gradient was not finite."""
        self._go_up()
        self._steer()
        state, optimizer = self.state, self.state.working_optimizer
        before = optimizer.result()
        made = optimizer.step(self._objective)
        terms, loss = made.terms, float(made.terms.total)
        if math.isfinite(loss):
            self._last_good = before
        if not (math.isfinite(loss) and math.isfinite(float(made.gradient_norm))):
            self._stop_not_finite(loss)
            return None
        # At once, so that an interruption finds picture, step and losses of one step: `on_train_end` is given these.
        logs, image = state_lib.logs(terms, self._objective.weights), optimizer.result()
        self._logs, state.terms, state.optimized_image, state.step = logs, terms, image, state.step + 1
        self._check_converged()
        return logs

    def _go_up(self) -> None:
        """Begins the next stage if the present one has made its steps, or its optimizer has stalled."""
        state, before = self.state, self.state.working_optimizer
        is_last = state.stage == state.stage_count - 1
        if is_last or not (state.step >= state.stage_ends[state.stage] or before.stalled()):
            return
        self.enter(state.stage + 1, self._carried(before.result()))
        state.working_optimizer.carry_over(before)
        del before
        gc.collect()  # The old optimizer and its compiled steps refer to each other, and may hold much memory.

    def _carried(self, image: tf.Tensor) -> tf.Tensor | None:
        """Returns the image that the next stage starts from; None for its own, where strength 0 has moved nothing."""
        if self.present.fit.strength != 0.0:
            return image
        moved = tf.reduce_max(tf.abs(image - self.present.stages[self.state.stage].pictures.initial_image))
        return image if moved > 0.01 else None  # Averaging rounds.

    def _steer(self) -> None:
        """Makes the changes that were asked for since the last step."""
        state = self.state
        self.present, made = self.steering.taken()
        state.changes.extend((state.step, what) for what in made)
        if made:
            state.pictures = self.present.setup.pictures
            state.objective = self._built.objective(self.present, self.present.stages[state.stage])
            state.working_optimizer.forget()

    def _check_converged(self) -> None:
        """Ends the run if the optimizer of the last stage has stalled."""
        state = self.state
        if state.working_optimizer.stalled() and state.stage == state.stage_count - 1:
            state.stop_training = True
            why = state.working_optimizer.why_stalled()
            state.stop = Stop(StopReason.CONVERGED, f"{why}, after step {state.step}")

    def _stop_not_finite(self, loss: float) -> None:
        """Ends the run with the last good picture, and warns."""
        state = self.state
        what = "the loss's gradient was not finite" if math.isfinite(loss) else f"the loss was {loss}"
        kept = "the last good picture is kept" if state.step else "there is no picture yet"
        state.optimized_image = self._last_good
        state.stop_training = True
        state.stop = Stop(
            StopReason.NOT_FINITE,
            f"{what} in step {state.step + 1}; {kept}. Lower the learning rate or weights.",
        )
        warnings.warn(f"The run stopped: {state.stop.sentence}", RuntimeWarning, stacklevel=2)

    def _end(self, callback_list: keras.callbacks.CallbackList, logs: dict[str, float]) -> None:
        """Calls the callbacks' `on_train_end`. If one raises, those that store results are called all the same."""
        try:
            callback_list.on_train_end(logs)
        except BaseException as error:
            is_interruption = isinstance(error, KeyboardInterrupt)
            self.state.interrupted |= is_interruption  # Nothing is lost: the caller can still write the picture.
            for callback in callback_list.callbacks:
                if getattr(callback, "keeps", False):
                    callback.on_train_end(logs)
            if not is_interruption:
                raise
