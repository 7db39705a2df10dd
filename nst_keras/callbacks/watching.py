"""The callbacks that let a run be watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from nst_keras import checks
from nst_keras.callbacks import display, progress, tensorboard

__all__ = ["watching"]


def watching(settings: Mapping[str, Any], *, header: str | None = None) -> list[keras.callbacks.Callback]:
    """Those that are wanted.

    Args:
        settings: {argument: value} of a run, for TensorBoard too: `show_image`, `preview`, `tensorboard`,
            `show_interval` and `verbose` decide what is wanted, as `NeuralStyleTransfer.fit_style_transfer` says.
        header: A line to stand above the progress.

    Raises:
        ValueError, OSError, ImportError: As the callbacks do.
    """
    screen, preview, folder = (settings[name] for name in ("show_image", "preview", "tensorboard"))
    interval = checks.integer("show_interval", settings["show_interval"])
    wanted: list[keras.callbacks.Callback] = []
    if screen or preview is not None:
        wanted.append(display.ImageDisplay(interval, preview, on_screen=screen))
    if folder is not None:
        given = {name: value for name, value in settings.items() if value is not None}
        wanted.append(tensorboard.TensorBoard(folder, image_interval=interval, settings=given))
    return [*wanted, *progress.of_verbose(settings["verbose"], header=header)]
