"""The picture shown while it forms."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import keras
import numpy as np
import PIL.Image

__all__ = ["ImageDisplay"]

Logs = dict[str, float] | None


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


def _is_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    return type(sys.modules["IPython"].get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell")
