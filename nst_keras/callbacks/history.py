"""The losses of a run, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from nst_keras.callbacks import run_view

__all__ = ["StepHistory"]

_LOSSES = ("loss", "style_loss", "content_loss", "var_loss")  # Every history has these, if only as empty lists.


class StepHistory(run_view.RunCallback, keras.callbacks.History):
    """Keras's `History`, with an entry for each step instead of each epoch.

    Args:
        history: {term: values} of the steps made before, for a run that is resumed. Default: none.

    Attributes:
        history: {term: [a value a step]}.
        epoch: The step of each value.
    """

    keeps = True

    def __init__(self, history: Mapping[str, Sequence[float]] | None = None) -> None:
        super().__init__()
        self._before = history or {}

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Starts with the steps made before, if there are any, and becomes the run's `history`."""
        self.history = {name: list(self._before.get(name, ())) for name in dict.fromkeys([*_LOSSES, *self._before])}
        self.epoch = list(range(1, self.run.step + 1))
        self.run.history = self

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Keeps the step's loss terms."""
        self.epoch.append(self.run.step)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Keeps the losses of a step that was interrupted after it was made."""
        if len(self.epoch) < self.run.step and logs:
            self.on_train_batch_end(0, logs)

    def on_epoch_end(self, epoch: int, logs: run_view.Logs = None) -> None:
        """Does nothing: Keras would add an entry here, but the steps have theirs already."""
