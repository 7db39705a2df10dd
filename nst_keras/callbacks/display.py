"""The picture, shown while it forms."""

from __future__ import annotations

import base64
import os
import pathlib
import types
import warnings
from typing import Protocol

import numpy as np
import PIL.Image

from nst_keras import checks, export
from nst_keras.callbacks import notebook, run_view

__all__ = ["ImageDisplay"]

_WINDOW = "nst_keras"  # Name of the figure, and title of the window.


class ImageDisplay(run_view.RunCallback):
    """Shows the picture while it forms: in place in a notebook, in a window if there is a screen, and in a file.

    It is shown when the run begins, every `interval` steps, and when the run ends. If the file cannot be written, for
    example because the disk is full, it warns once and the run goes on.

    Args:
        interval: Steps between two showings, 1 or more.
        preview: A file that shows the picture, in any format of `export.STILL_OPTIONS`. Each showing replaces the whole
            file, so a viewer that follows it, or a remote machine, always finds a whole picture. Default: no file.
        on_screen: Whether the picture is shown in a notebook or a window.

    Raises:
        ValueError: `interval` is no whole number, 1 or more, or `preview` has another suffix.
        OSError: The preview's folder does not exist or may not be written to.
    """

    def __init__(self, interval: int = 90, preview: str | os.PathLike | None = None, *, on_screen: bool = True) -> None:
        super().__init__()
        self._interval = checks.integer("show_interval", interval)
        self._on_screen = on_screen
        self._preview = None if preview is None else pathlib.Path(preview).expanduser()
        if self._preview is not None:
            export.check_destination("preview", self._preview, list(export.STILL_OPTIONS), overwrite=True)

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Chooses where to show the picture, and shows the start."""
        self._places = self._chosen_places()
        if not self._places:
            warnings.warn(
                "show_image: there is no screen and no notebook. Give preview=PATH to show the picture in a file.",
                stacklevel=2,
            )
        self._show()

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Shows the picture, every `interval` steps."""
        if self.run.step % self._interval == 0:
            self._show()

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Shows the last picture, unless it is shown already."""
        if self.run.generated_image is not self._shown:
            self._show()

    def _chosen_places(self) -> list[_Place]:
        screen = (_Cell() if notebook.is_notebook() else _opened_window()) if self._on_screen else None
        file = None if self._preview is None else _File(self._preview)
        return [place for place in (screen, file) if place is not None]

    def _show(self) -> None:
        self._shown = self.run.generated_image
        if self._places:
            image, title = self.run.image, f"step {self.run.step}"
            for place in self._places:
                place.show(image, title)


class _Place(Protocol):
    def show(self, image: np.ndarray, title: str) -> None:
        """Shows an image, uint8 [height, width, 3], in place of the one before."""


class _Cell:
    """A notebook's cell."""

    def __init__(self) -> None:
        self._cell = notebook.InPlace()

    def show(self, image: np.ndarray, title: str) -> None:
        """Shows the image as PNG; the title where the notebook shows no pictures."""
        picture = export.encoded(PIL.Image.fromarray(image), "PNG")
        self._cell.show({"text/plain": title, "image/png": base64.b64encode(picture).decode("ascii")})


class _Window:
    """A window of matplotlib. Once its user closes it, nothing is shown any more."""

    def __init__(self, pyplot: types.ModuleType) -> None:
        self._pyplot = pyplot
        self._figure = pyplot.figure(_WINDOW, clear=True)
        self._axes = self._figure.add_axes((0, 0, 1, 0.94))
        self._axes.axis("off")

    def show(self, image: np.ndarray, title: str) -> None:
        """Draws the image below its title, without waiting for the user."""
        if not self._pyplot.fignum_exists(_WINDOW):
            return
        if not self._axes.images:
            self._axes.imshow(image)
            self._figure.show()
        self._axes.images[0].set_data(image)
        self._axes.set_title(title)
        self._figure.canvas.draw_idle()
        self._figure.canvas.flush_events()


class _File:
    """A picture file."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path, self._warned = path, False

    def show(self, image: np.ndarray, title: str) -> None:
        """Replaces the whole file. If it cannot be written, warns once."""
        try:
            export.save_image(image, self._path)
        except (OSError, ValueError) as error:  # `ValueError`: the format cannot hold a picture of this size.
            if not self._warned:
                message = f"preview: {str(self._path)!r} cannot be written ({error}); the run goes on without it."
                warnings.warn(message, stacklevel=2)
            self._warned = True


def _opened_window() -> _Window | None:
    """Returns a window, or None if matplotlib has no screen to open it on."""
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415  Slow to import, and only a window needs it.

        framework = plt.figure(_WINDOW).canvas.required_interactive_framework
    except Exception:  # A toolkit chosen by MPLBACKEND that is missing or cannot start may raise anything.
        return None
    if framework is None:  # A backend such as Agg, which draws into files only.
        plt.close(_WINDOW)
        return None
    return _Window(plt)
