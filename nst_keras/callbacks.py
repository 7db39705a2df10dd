"""What happens at each step of a run, as Keras callbacks.

They are handed the run as `self.model`, a `NeuralStyleTransfer`, and read its `step` (counted through all epochs),
`image` (uint8), `generated_image` (float) and `objective`.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import keras
import numpy as np
import PIL.Image
import tensorflow as tf

__all__ = ["BalanceCheck", "FrameRecorder", "ImageDisplay", "StepHistory"]

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
        """Does nothing: the steps are kept already."""


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


class ImageDisplay(keras.callbacks.Callback):
    """Shows the picture while it forms: in place in a notebook, in a matplotlib window in a terminal."""

    def __init__(self, interval: int = 90) -> None:
        super().__init__()
        self.interval = interval
        self._shown: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Chooses where to show."""
        self._show = self._in_notebook if _is_notebook() else self._in_window

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Shows the image if its turn has come."""
        if self.model.step % self.interval == 0:
            self._show(self.model.image)

    def on_train_end(self, logs: Logs = None) -> None:
        """Shows the last image."""
        self._show(self.model.image)

    def _in_notebook(self, image: np.ndarray) -> None:
        import IPython.display  # noqa: PLC0415  Only a notebook is sure to have it.

        picture = PIL.Image.fromarray(image)
        if self._shown is None:
            self._shown = IPython.display.display(picture, display_id=True)
        else:
            self._shown.update(picture)

    def _in_window(self, image: np.ndarray) -> None:
        import matplotlib.pyplot as plt  # noqa: PLC0415  Slow to import, and only a window needs it.

        if plt.get_backend().lower() == "agg":
            if self._shown is None:
                warnings.warn("show_image: there is no screen and no notebook to show it in.", stacklevel=2)
            self._shown = False
            return
        if self._shown is None:
            plt.ion()
            self._shown = plt.figure("nst_keras").gca().imshow(image)
            self._shown.axes.axis("off")
        self._shown.set_data(image)
        self._shown.axes.set_title(f"step {self.model.step}")
        self._shown.figure.canvas.draw_idle()
        self._shown.figure.canvas.flush_events()


class BalanceCheck(keras.callbacks.Callback):
    """Warns, once, where one of style and content pulls so much harder that the other will not be seen.

    It waits a few steps: at a content start, the content term's gradient is 0. The check costs two evaluations.
    """

    RATIO = 1e3

    def __init__(self, after: int = 5) -> None:
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Compares the gradients of the terms, at one step only."""
        if self.model.step != self.after:
            return
        gradients = self.model.objective.term_gradients(self.model.generated_image)
        if {"style", "content"} <= gradients.keys():
            self._compare(*(float(tf.norm(gradients[term])) for term in ("style", "content")))

    def _compare(self, style: float, content: float) -> None:
        weights = self.model.objective.weights
        if content >= self.RATIO * style > 0:
            outcome, stronger, weaker, argument = "nothing will be stylised", "content", "style", "style_weight"
            balanced = weights["style"] * content / style
        elif style >= self.RATIO * content > 0:
            outcome, stronger, weaker, argument = (
                "nothing of the content will be kept",
                "style",
                "content",
                "content_weight",
            )
            balanced = weights["content"] * style / content
        else:
            return
        ratio = max(style / content, content / style)
        warnings.warn(
            f"After {self.after} steps the gradient of the {stronger} term is {ratio:.1e} times that of the {weaker} "
            f"term: {outcome}. {argument}={balanced:.3g} would balance them.",
            stacklevel=2,
        )


def _is_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    return type(sys.modules["IPython"].get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell")
