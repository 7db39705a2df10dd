"""A run: Keras's callbacks around the steps of an optimizer, stage after stage, and how it ends."""

from __future__ import annotations

import gc
import math
import warnings
from collections.abc import Sequence

import keras
import tensorflow as tf

from nst_keras.engine import checkpoints, compiled, keras_model
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.engine.state import RunState, Stop, StopReason
from nst_keras.images import resizing

__all__ = ["Run"]

# {term: its name in the history}.
_LOGGED = {"style": "style_loss", "content": "content_loss", "total_variation": "var_loss"}


class Run:
    """One run of a plan, from its start or from a checkpoint.

    Args:
        plan: What it does.
        callbacks: Keras callbacks, called as in `keras.Model.fit`.
        stages: The plan's, ready to be run; built where none are given.
        checkpoint: What it goes on from, in the midst of an epoch if it lies there.
        input_digests: {option: SHA-256} of the pictures that were read, for the result.

    Attributes:
        plan: What it does.
        state: What it has come to.
        model: What the callbacks see as their model.
    """

    def __init__(
        self,
        plan: plan_lib.Plan,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        *,
        stages: Sequence[compiled.Stage] | None = None,
        checkpoint: checkpoints.Checkpoint | None = None,
        input_digests: dict[str, str] | None = None,
    ) -> None:
        self.plan = plan
        self.state = RunState(plan.setup.pictures)
        self.model = keras_model.RunModel(self)
        self._callbacks = callbacks
        self._stages = compiled.Compiled().stages(plan) if stages is None else stages
        self._checkpoint = checkpoint
        self._input_digests = input_digests or {}
        self._begin()

    def execute(self) -> result_lib.Result:
        """Makes the steps, and returns what they have made.

        A loss or gradient that is not finite, or Ctrl-C, ends the run early: the last good picture stays.

        Raises:
            Exception: What a step or a callback raises. The picture and the frames so far stay in `state`.
        """
        fit, state = self.plan.fit, self.state
        callback_list = keras.callbacks.CallbackList(
            list(self._callbacks),
            model=self.model,
            verbose=1 if fit.verbose == "auto" else fit.verbose,  # For Keras's ProgbarLogger, where it is given.
            epochs=fit.epochs,
            steps=fit.steps_per_epoch,
        )
        callback_list.on_train_begin()
        state.begun = True
        logs: dict[str, float] = {}
        try:
            logs = self._run_epochs(callback_list)
            if state.stop.reason is StopReason.RUNNING:
                state.stop = self._natural_end()
        except KeyboardInterrupt:
            state.interrupted = True
            state.stop = self._interruption()
        except Exception as error:
            state.stop = Stop(StopReason.FAILED, f"Failed after step {state.step}, whose picture is kept: {error}")
            raise
        finally:
            self._end(callback_list, logs)
        return self.result()

    def result(self) -> result_lib.Result:
        """Returns what the run has made so far."""
        return result_lib.of(self.plan, self.state, self._input_digests)

    def enter(self, stage: int, image: tf.Tensor | None = None) -> None:
        """Begins a stage, at an image that is brought to its size; at its own start if there is none."""
        state, entered = self.state, self._stages[stage]
        start = entered.plan.pictures.initial_image
        state.stage, state.objective = stage, entered.objective
        state.solver = entered.optimizer()
        state.solver.start(start if image is None else resizing.resize_to(image, *start.shape[1:3]))

    def take_up(self) -> None:
        """Sees to all that follows from the optimizer's variables, where these were given other values."""
        optimizer = self.state.working_optimizer
        optimizer.resume(self.state.objective)
        self.state.optimized_image = self._last_good = optimizer.result()

    def _begin(self) -> None:
        """Makes ready for the first step."""
        state, checkpoint = self.state, self._checkpoint
        state.stage_ends = [stage.plan.end for stage in self._stages]
        state.stage_sizes = [stage.plan.pictures.size for stage in self._stages]
        state.total_steps = self.plan.total_steps
        self.enter(0 if checkpoint is None else checkpoint.record["stage"])
        state.optimized_image = self._last_good = tf.identity(state.working_optimizer.image)
        state.stop = Stop(StopReason.RUNNING, "")
        if checkpoint is not None:
            state.step = state.first_step = checkpoint.step
            checkpoint.restore(state.optimizer_variables())
            self.take_up()

    def _run_epochs(self, callback_list: keras.callbacks.CallbackList) -> dict[str, float]:
        """Runs the epochs, and returns the last step's terms."""
        fit, logs = self.plan.fit, dict[str, float]()
        for epoch in range(self._first_epoch(), fit.epochs):
            callback_list.on_epoch_begin(epoch)
            logs = self._run_epoch(epoch * fit.steps_per_epoch, callback_list) or logs
            callback_list.on_epoch_end(epoch, logs)
            if self.state.stop_training:
                break
        return logs

    def _first_epoch(self) -> int:
        """Where the run begins: after a checkpoint its epoch, whose end is come to again if it was the last step."""
        state, steps_per_epoch = self.state, self.plan.fit.steps_per_epoch
        if state.initial_epoch and self._checkpoint is not None:
            raise ValueError(
                "callbacks: BackupAndRestore and resume would go on from different steps. Give one of them."
            )
        if state.initial_epoch:  # Set by Keras's BackupAndRestore, which has put back the variables too.
            state.step = state.first_step = state.initial_epoch * steps_per_epoch
            return state.initial_epoch
        return max(0, state.step - 1) // steps_per_epoch

    def _run_epoch(self, before: int, callback_list: keras.callbacks.CallbackList) -> dict[str, float]:
        """Makes the steps of an epoch that are still to be made, and returns the last one's terms.

        Args:
            before: Steps made before the epoch.
            callback_list: What is told.
        """
        logs: dict[str, float] = {}
        if self._checkpoint is not None:
            # Again, since the epoch's beginning came again too: a callback that halves the rate there has done it once.
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
        """Makes a step of the optimizer, and returns its loss terms; None where it was not finite."""
        self._go_up()
        state, optimizer = self.state, self.state.working_optimizer
        before = optimizer.result()
        made = optimizer.step(state.objective)
        terms, loss = made.terms, float(made.terms.total)
        if math.isfinite(loss):
            self._last_good = before
        if not (math.isfinite(loss) and math.isfinite(float(made.gradient_norm))):
            self._stop_not_finite(loss)
            return None
        state.step += 1
        state.terms = terms
        state.optimized_image = optimizer.result()
        self._check_converged()
        logs = {name: float(getattr(terms, term)) for term, name in _LOGGED.items()}
        if state.objective.weights["alpha_norm"]:  # The one term that hardly anyone asks for.
            logs["alpha_norm_loss"] = float(terms.alpha_norm)
        return {"loss": loss, **logs}

    def _go_up(self) -> None:
        """Goes on to the next stage, where the present one has made its steps or can lower the loss no further."""
        state, before = self.state, self.state.working_optimizer
        is_last = state.stage == state.stage_count - 1
        if is_last or not (state.step >= state.stage_ends[state.stage] or before.stalled()):
            return
        self.enter(state.stage + 1, before.result())
        state.working_optimizer.carry_over(before)
        del before
        gc.collect()  # With its compiled steps it is a ring, and may hold more than the new one asks for.

    def _check_converged(self) -> None:
        state = self.state
        if state.working_optimizer.stalled() and state.stage == state.stage_count - 1:
            state.stop_training = True
            state.stop = Stop(StopReason.CONVERGED, f"no step lowers the loss any further, after step {state.step}")

    def _stop_not_finite(self, loss: float) -> None:
        state = self.state
        what = "the loss's gradient was not finite" if math.isfinite(loss) else f"the loss was {loss}"
        state.optimized_image = self._last_good
        state.stop_training = True
        state.stop = Stop(
            StopReason.NOT_FINITE,
            f"{what} in step {state.step + 1}; the last good picture is kept. Lower the learning rate or weights.",
        )
        warnings.warn(f"The run stopped: {state.stop.sentence}", RuntimeWarning, stacklevel=2)

    def _natural_end(self) -> Stop:
        if self.state.step < self.state.total_steps:
            return Stop(StopReason.CALLBACK, f"a callback stopped it after step {self.state.step}")
        return Stop(StopReason.ALL_STEPS, f"all {self.state.total_steps} steps made")

    def _interruption(self) -> Stop:
        kept = f"after step {self.state.step}; the picture of that step is kept."
        return Stop(StopReason.INTERRUPTED, f"Interrupted {kept if self.state.step else 'before the first step.'}")

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
            self.state.interrupted = True  # Nothing is lost: whoever waits for the end goes on to write the picture.
