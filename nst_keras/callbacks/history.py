"""The losses of a run, step by step."""

from __future__ import annotations

import keras

__all__ = ["StepHistory"]

Logs = dict[str, float] | None


class StepHistory(keras.callbacks.History):
    """Keras's `History`, with an entry for each step instead of each epoch; `epoch` holds the steps.

    Args:
        history: {term: values} of the steps made before, where a run goes on.
    """

    def __init__(self, history: dict[str, list[float]] | None = None) -> None:
        super().__init__()
        self._before = history or {}

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begins anew, or with the steps made before."""
        self.history = {name: list(values) for name, values in self._before.items()}
        self.epoch = list(range(1, self.model.step + 1))
        self.model.history = self

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Keeps the step's loss terms."""
        self.epoch.append(self.model.step)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Does nothing: the steps are kept already."""
