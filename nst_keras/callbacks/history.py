"""The losses of a run, step by step."""

from __future__ import annotations

import keras

__all__ = ["StepHistory"]

Logs = dict[str, float] | None


class StepHistory(keras.callbacks.History):
    """Keras's `History`, with an entry for each step instead of each epoch; `epoch` holds the steps."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begins anew."""
        self.epoch = []
        self.history = {}

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Keeps the step's loss terms."""
        self.epoch.append(self.model.step)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Does nothing but stand as the run's history: the steps are kept already."""
        self.model.history = self
