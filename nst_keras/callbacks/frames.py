"""The frames of a run."""

from __future__ import annotations

import keras
import numpy as np

__all__ = ["FrameRecorder"]

Logs = dict[str, float] | None


class FrameRecorder(keras.callbacks.Callback):
    """Keeps every `interval`-th step's image, and the last.

    Attributes:
        frames: uint8 arrays [height, width, 3], with the values of the image: never stretched.
    """

    def __init__(self, interval: int = 1) -> None:
        super().__init__()
        self.interval = interval
        self.frames: list[np.ndarray] = []

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Keeps the frame if its turn has come."""
        if self.model.step % self.interval == 0:
            self.frames.append(self.model.image)

    def on_train_end(self, logs: Logs = None) -> None:
        """Keeps the last image, if it is not kept yet."""
        if not self.frames or not np.array_equal(self.frames[-1], self.model.image):
            self.frames.append(self.model.image)
