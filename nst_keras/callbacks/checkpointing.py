"""Checkpoints written while a run goes on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from nst_keras.callbacks import run_view
from nst_keras.engine import checkpoints

__all__ = ["Checkpointer"]


class Checkpointer(run_view.RunCallback):
    """Writes a checkpoint every `interval` steps and one at the end.

    If a checkpoint cannot be written, it warns once and the run goes on. It must be the last callback that stores
    results, so that a checkpoint never holds more steps than they do.

    Args:
        store: The folder of checkpoints.
        interval: Steps between two checkpoints, 1 or more.
        seed: The run's seed.
        fingerprint: {setting: value} of all that decides the pixels, of types that JSON can hold.
    """

    keeps = True

    def __init__(self, store: checkpoints.Store, interval: int, seed: int, fingerprint: Mapping[str, object]) -> None:
        super().__init__()
        self._store = store
        self._interval = interval
        self._record = {"seed": seed, "fingerprint": fingerprint}
        self._failed = False

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Notes the step at which the run begins."""
        self._store.tidy()
        self._saved = self.run.first_step
        self._is_between_steps = True

    def on_train_batch_begin(self, batch: int, logs: run_view.Logs = None) -> None:
        """Notes that a step is under way. If it is interrupted, the image may have moved unseen by any callback."""
        self._is_between_steps = False

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Writes a checkpoint, every `interval` steps."""
        self._is_between_steps = True
        if self.run.step % self._interval == 0:
            self._save()

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Writes a checkpoint of the last step, unless there is one or that step was interrupted."""
        if self._is_between_steps and self.run.step != self._saved:
            self._save()

    def _save(self) -> None:
        if not np.isfinite(self.run.optimized_image).all():
            return  # No run could go on from it.
        if self.run.changes:  # Only a run of the options as they are now can go on from here.
            self._record["fingerprint"] = self.run.fingerprint
        record = {**self._record, "stage": self.run.stage, "history": self.run.history.history}
        try:
            self._store.save(self.run.step, self.run.optimizer_variables(), record)
        except OSError as error:
            self._warn_once(error)
        else:
            self._saved = self.run.step

    def _warn_once(self, error: OSError) -> None:
        if self._failed:
            return
        self._failed = True
        kept = self._store.steps()
        last = f"that of step {kept[0]} stays" if kept else "there is none yet"
        warnings.warn(
            f"checkpoint_dir: the checkpoint of step {self.run.step} could not be written ({error}); {last}, "
            "and the run goes on.",
            stacklevel=2,
        )
