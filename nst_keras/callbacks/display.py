"""The picture shown while it forms."""

from __future__ import annotations

import base64
import io
import os
import pathlib
import warnings
from typing import Any, Protocol

import keras
import numpy as np
import PIL.Image

from nst_keras import checks, export
from nst_keras.callbacks import notebook

__all__ = ["ImageDisplay"]

Logs = dict[str, float] | None


class ImageDisplay(keras.callbacks.Callback):
    """Shows the picture while it forms: in place in a notebook, in a window where there is a screen, and in a file.

    It is shown when the run begins, every `interval` steps, and when the run ends. A file that cannot be written, as on
    a full disk, is told once; the run goes on.

    Args:
        interval: Steps between two showings.
        preview: A file to show it in, in any of the formats of stills; each showing replaces it as a whole, so that
            viewers that follow a file, and remote machines, can show it.
        on_screen: Whether it is shown in a notebook or a window.

    Raises:
        ValueError: An interval that is no whole number, 1 or more, or a file name of another format.
        OSError: The preview's folder is missing or may not be written to.
    """

    def __init__(self, interval: int = 90, preview: str | os.PathLike | None = None, *, on_screen: bool = True) -> None:
        super().__init__()
        self._interval = checks.integer("show_interval", interval)
        self._on_screen = on_screen
        self._preview = None if preview is None else pathlib.Path(preview).expanduser()
        if self._preview is not None:
            export.check_destination("preview", self._preview, list(export.STILL_OPTIONS), overwrite=True)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Chooses where to show, and shows the start."""
        screen = (_Cell() if notebook.is_notebook() else _opened_window()) if self._on_screen else None
        file = None if self._preview is None else _File(self._preview)
        self._places = [place for place in (screen, file) if place is not None]
        if not self._places:
            warnings.warn(
                "show_image: there is no screen and no notebook to show it in. preview=PATH would show it in a file.",
                stacklevel=2,
            )
        self._show()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Shows the image if its turn has come."""
        if self.model.step % self._interval == 0:
            self._show()

    def on_train_end(self, logs: Logs = None) -> None:
        """Shows the last image, if it is not shown yet."""
        if self.model.generated_image is not self._shown:
            self._show()

    def _show(self) -> None:
        self._shown = self.model.generated_image
        if self._places:
            image, title = self.model.image, f"step {self.model.step}"
            for place in self._places:
                place.show(image, title)


class _Place(Protocol):
    def show(self, image: np.ndarray, title: str) -> None:
        """Shows an image, uint8 [height, width, 3], in the place of the one before."""


class _Cell:
    """A notebook's cell."""

    def __init__(self) -> None:
        self._cell = notebook.InPlace()

    def show(self, image: np.ndarray, title: str) -> None:
        encoded = io.BytesIO()
        PIL.Image.fromarray(image).save(encoded, "png")
        self._cell.show({"text/plain": title, "image/png": base64.b64encode(encoded.getvalue()).decode("ascii")})


class _Window:
    """A window of matplotlib's. Whoever closes it has seen enough."""

    _NAME = "nst_keras"

    def __init__(self, pyplot: Any) -> None:
        self._pyplot = pyplot
        self._figure = pyplot.figure(self._NAME, clear=True)
        self._axes = self._figure.add_axes((0, 0, 1, 0.94))
        self._axes.axis("off")
        self._image: Any = None

    def show(self, image: np.ndarray, title: str) -> None:
        if not self._pyplot.fignum_exists(self._NAME):
            return
        if self._image is None:
            self._image = self._axes.imshow(image)
            self._figure.show()
        self._image.set_data(image)
        self._axes.set_title(title)
        self._figure.canvas.draw_idle()
        self._figure.canvas.flush_events()


class _File:
    """A file, replaced as a whole."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path, self._warned = path, False

    def show(self, image: np.ndarray, title: str) -> None:
        try:
            export.save_image(image, self._path)
        except OSError as error:
            if not self._warned:
                message = f"preview: {str(self._path)!r} cannot be written ({error}); the run goes on without it."
                warnings.warn(message, stacklevel=2)
            self._warned = True


def _opened_window() -> _Window | None:
    """A window, or None where matplotlib has no screen to open it on."""
    import matplotlib.pyplot as plt  # noqa: PLC0415  Slow to import, and only a window needs it.

    try:
        framework = plt.figure(_Window._NAME).canvas.required_interactive_framework
    except Exception:  # A toolkit that was asked for (MPLBACKEND) but cannot start raises what it likes.
        return None
    if framework is None:  # Agg and its kin, which draw into files.
        plt.close(_Window._NAME)
        return None
    return _Window(plt)
