"""Checkpoints written while a run goes on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from nst_keras.engine import checkpoints

__all__ = ["Checkpointer"]


class Checkpointer(keras.callbacks.Callback):
    """Writes a checkpoint every `interval` steps, and one at the end. It must be the last callback to keep anything.

    Where one cannot be written, it warns, and the run goes on.

    Args:
        store: Where.
        seed: Of the run.
        interval: Steps.
        fingerprint: {setting: value} of what decides the pixels, as JSON takes it.
    """

    keeps = True  # Its end is told also where another callback fails.

    def __init__(self, store: checkpoints.Store, interval: int, seed: int, fingerprint: Mapping[str, Any]) -> None:
        super().__init__()
        self._store = store
        self._interval = interval
        self._record = {"seed": seed, "fingerprint": fingerprint}
        self._failed = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Notes where the run begins."""
        self._store.tidy()
        self._saved = self.model.first_step
        self._is_between_steps = True

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Notes that a step is under way: an interrupted one may have moved the image, and no callback seen it."""
        self._is_between_steps = False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes a checkpoint if its turn has come."""
        self._is_between_steps = True
        if self.model.step % self._interval == 0:
            self._save()

    def on_train_end(self, logs: Any = None) -> None:
        """Writes one of the last step, unless that was cut short."""
        if self._is_between_steps and self.model.step != self._saved:
            self._save()

    def _save(self) -> None:
        if not np.isfinite(self.model.optimized_image).all():
            return  # Nothing to go on from.
        record = {**self._record, "stage": self.model.stage, "history": self.model.history.history}
        try:
            self._store.save(self.model.step, self.model.optimizer_variables(), record)
        except OSError as error:
            self._tell(error)
        else:
            self._saved = self.model.step

    def _tell(self, error: OSError) -> None:
        """Warns, at the first failure."""
        if self._failed:
            return
        self._failed = True
        kept = self._store.steps()
        last = f"that of step {kept[0]} stays" if kept else "there is none yet"
        warnings.warn(
            f"checkpoint_dir: the checkpoint of step {self.model.step} could not be written ({error}); {last}, "
            "and the run goes on.",
            stacklevel=2,
        )
