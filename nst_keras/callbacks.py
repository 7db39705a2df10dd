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
        """Does nothing but stand as the run's history: the steps are kept already."""
        self.model.history = self


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
            self._shown = plt.figure("nst_keras", clear=True).gca().imshow(image)
            self._shown.axes.axis("off")
        if plt.fignum_exists("nst_keras"):  # Whoever closes the window has seen enough.
            self._shown.set_data(image)
            self._shown.axes.set_title(f"step {self.model.step}")
            self._shown.figure.canvas.draw_idle()
            self._shown.figure.canvas.flush_events()


class BalanceCheck(keras.callbacks.Callback):
    """Warns, once, where style and content are so far out of balance that one of them will not be seen.

    The gradients are compared where a step along the style's own would lead, since the terms' gradients come to balance
    each other at any point that an optimizer accepts, and the content's is 0 at a content start. Over three pairs, both
    starts and both optimizers, with VGG19 at 128 px, the content's was there 0.0005 to 0.35 times the style's with
    weights that give a good picture (the least is Gatys's alpha/beta of 1e-3), and 3 to 12 times with the tutorial's
    weights and conv4_2, which leave the photograph as it is. The check costs three evaluations.
    """

    MOST, LEAST, USUAL = 1.0, 1e-4, 0.1  # Of the content's gradient, in shares of the style's.
    PROBE = 5.0  # Levels by which each pixel is moved: a step of Adam at its usual rate.

    def __init__(self, after: int = 5) -> None:
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Compares the gradients of the terms, at one step only."""
        weights = self.model.objective.weights
        if self.model.step != self.after or not (weights["style"] and weights["content"]):
            return
        image = self.model.generated_image
        probe = image - self.PROBE * tf.sign(self.model.objective.term_gradient("style", image))
        style, content = (float(tf.norm(self.model.objective.term_gradient(t, probe))) for t in ("style", "content"))
        if content > 0 and style > 0:
            self._compare(content / style, weights)

    def _compare(self, share: float, weights: dict[str, float]) -> None:
        if share >= self.MOST:
            found = f"the content term pulls back {share:.2g} times as hard as the style term pulls on"
            outcome = "the picture will hardly be stylised"
            cure = f"style_weight={weights['style'] * share / self.USUAL:.3g}"
        elif share <= self.LEAST:
            found = f"the style term pulls {1 / share:.2g} times as hard as the content term"
            outcome = "nothing of the content will be kept"
            cure = f"content_weight={weights['content'] * self.USUAL / share:.3g}"
        else:
            return
        warnings.warn(f"One step from here {found}: {outcome}. {cure} would balance them.", stacklevel=2)


def _is_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    return type(sys.modules["IPython"].get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell")
