"""The callbacks that let a run be watched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import keras

from nst_keras import checks
from nst_keras.callbacks import display, progress, tensorboard

__all__ = ["watching"]


def watching(
    *,
    screen: bool,
    preview: str | os.PathLike | None,
    tensorboard_dir: str | os.PathLike | None,
    interval: int,
    settings: Mapping[str, Any],
    verbose: int | str,
    header: str | None = None,
) -> list[keras.callbacks.Callback]:
    """Those that are wanted.

    Args:
        screen: Whether the picture is shown in a notebook or a window.
        preview: A file in which it is shown, if any.
        tensorboard_dir: A folder for TensorBoard, if any.
        interval: Steps between two showings.
        settings: {argument: value}, for TensorBoard.
        verbose: Keras's: 0, 1, 2 or "auto", see `progress.of_verbose`.
        header: A line to stand above the progress.

    Raises:
        ValueError, OSError, ImportError: As the callbacks do.
    """
    checks.integer("show_interval", interval)
    wanted: list[keras.callbacks.Callback] = []
    if screen or preview is not None:
        wanted.append(display.ImageDisplay(interval, preview, on_screen=screen))
    if tensorboard_dir is not None:
        given = {name: value for name, value in settings.items() if value is not None}
        wanted.append(tensorboard.TensorBoard(tensorboard_dir, image_interval=interval, settings=given))
    return [*wanted, *progress.of_verbose(verbose, header=header)]
