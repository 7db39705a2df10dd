"""The seconds of a run's steps, and the memory of this process."""

from __future__ import annotations

import gc
import os
import pathlib
import time

import keras

__all__ = ["StepTimer", "resident"]


class StepTimer(keras.callbacks.Callback):
    """The seconds of the steps of a run: it stands before all other callbacks but the history."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begins a run."""
        self.seconds = 0.0

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Begins to count."""
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Adds the seconds of a step."""
        self.seconds += time.perf_counter() - self._begun


def resident() -> int:
    """Mebibytes that the process holds."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
