"""The callbacks that show a run while it goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping

import keras

from nst_keras import checks
from nst_keras.callbacks import display, progress
from nst_keras.callbacks import tensorboard as tensorboard_lib

__all__ = ["watching"]


def watching(
    *,
    show_image: bool,
    show_interval: int,
    preview: str | os.PathLike | None,
    tensorboard: str | os.PathLike | None,
    verbose: int | str,
    shown_settings: Mapping[str, object] | None = None,
    header: str | None = None,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that show a run: an `ImageDisplay`, a `TensorBoard` and a `Progress`, each if chosen.

    Args:
        show_image: Whether the picture is shown in a notebook or a window.
        show_interval: Steps between two pictures, on the screen, in the preview and for TensorBoard; 1 or more.
        preview: A picture file that shows the present picture. None: no such file.
        tensorboard: A folder for TensorBoard. None: nothing is written for it.
        verbose: Keras's: 0 for no progress, 1 or "auto" for one that suits the output, 2 for plain lines of text.
        shown_settings: {name: value} for TensorBoard's table of settings. Default: the run's `settings`.
        header: A line above the progress. Default: none.

    Raises:
        ValueError: `show_interval` or `verbose` is out of range, or `preview` is no picture file.
        OSError: A file or folder cannot be written to.
        ImportError: `tensorboard` is given, but the package of that name is not installed.
    """
    interval = checks.integer("show_interval", show_interval)
    shown: list[keras.callbacks.Callback] = []
    if show_image or preview is not None:
        shown.append(display.ImageDisplay(interval, preview, on_screen=show_image))
    if tensorboard is not None:
        shown.append(tensorboard_lib.TensorBoard(tensorboard, image_interval=interval, settings=shown_settings))
    return [*shown, *progress.of_verbose(verbose, header=header)]
