"""What a run has made: its picture saved, its course drawn."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import matplotlib.figure
import numpy as np

from nst_keras import checks, export
from nst_keras.engine import inputs, run
from nst_keras.export import plots, record
from nst_keras.images import resizing

__all__ = ["CONTENT_SIZE", "Outcome", "check_output_size"]

# The `output_size` that gives the size that the content image had before it was reduced.
CONTENT_SIZE = "content"


class Outcome(run.Loop):
    """A run whose picture can be saved, with all that is known of how it was made, and whose course can be drawn.

    The class that makes the run gives its `settings`.

    Attributes:
        content_image: float32 [1, height, width, 3], 0..255, as resized; None for a run without content.
        style_images: Likewise, a list.
        frames: uint8 arrays [height, width, 3]: what the last run returned, also where an error ended it.
        frame_steps: The step of each frame.
    """

    settings: dict[str, Any]

    def __init__(self, pictures: inputs.Inputs) -> None:
        super().__init__(pictures.initial_image, pictures.finished)
        self._inputs = pictures
        self.content_image, self.style_images = pictures.content_image, pictures.style_images
        self.frames: Sequence[np.ndarray] = []
        self.frame_steps: Sequence[int] = []

    def save(
        self,
        path: str | os.PathLike,
        *,
        output_size: int | str | None = None,
        bit_depth: int = 8,
        alpha: bool = False,
        metadata: bool = True,
    ) -> None:
        """Saves the picture, with an sRGB profile and with the run's settings inside, which make it again.

        Args:
            path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing file is replaced, whole or not at all.
            output_size: `content` for the size that the content image has in its file, or a longest side in pixels, to
                which the picture is enlarged or reduced (Lanczos); its own size if left out.
            bit_depth: 8 or, for PNG and TIFF, 16 bits a channel, from the picture before it is rounded.
            alpha: Keeps the content image's transparency, if it has any; not in JPEG.
            metadata: Puts the settings inside, which `python -m nst_keras.provenance` shows, paths of files among them.

        Raises:
            ValueError: A bad argument, or a format that cannot hold what is asked for.
            OSError: The file cannot be written.
        """
        given = {"output_size": output_size, "bit_depth": bit_depth, "alpha": alpha, "metadata": metadata}
        height, width = self._output_size(output_size)
        export.save_image(
            resizing.resize_to(self.generated_image, height, width),
            path,
            bit_depth=bit_depth,
            alpha=self._inputs.content_alpha if alpha else None,
            text=json.dumps(self.record(**given)) if metadata else None,
        )

    def record(self, **settings: Any) -> dict[str, Any]:
        """How the picture was made, see `record.record`; with further settings, those of its file."""
        return record.record(self, {**self.settings, **settings})

    def plot_history(self, path: str | os.PathLike | None = None) -> matplotlib.figure.Figure:
        """Draws the losses over the steps, see `plots.plot_history`.

        Args:
            path: A .png, .pdf or .svg to save it as; an existing file is replaced.
        """
        return _saved(plots.plot_history(self.history.history, steps=self.history.epoch), path)

    def plot_frames(
        self, path: str | os.PathLike | None = None, *, rows: int = 1, columns: int = 6
    ) -> matplotlib.figure.Figure:
        """Draws a contact sheet: content, styles and picture, and below them frames at intervals.

        Args:
            path: A .png, .pdf or .svg to save it as; an existing file is replaced.
            rows: Rows of frames.
            columns: Frames a row.
        """
        sheet = plots.plot_frames(
            self.content_image,
            self.style_images,
            self.frames,
            self.generated_image,
            steps=self.frame_steps,
            rows=rows,
            columns=columns,
        )
        return _saved(sheet, path)

    def _output_size(self, output_size: int | str | None) -> tuple[int, int]:
        check_output_size(output_size)
        height, width = self.generated_image.shape[1:3]
        if output_size is None:
            return height, width
        if output_size == CONTENT_SIZE:
            return self._inputs.content_size or (height, width)
        return resizing.scaled_size(height, width, output_size / max(height, width))


def check_output_size(output_size: int | str | None) -> None:
    """Raises `ValueError` where `Outcome.save` would refuse an `output_size`."""
    if isinstance(output_size, str) and output_size != CONTENT_SIZE:
        raise ValueError(
            f"output_size must be {CONTENT_SIZE!r} or the longest side in pixels, but {output_size!r} was given."
        )
    if not isinstance(output_size, str) and output_size is not None:
        checks.integer("output_size", output_size)


def _saved(figure: matplotlib.figure.Figure, path: str | os.PathLike | None) -> matplotlib.figure.Figure:
    if path is not None:
        plots.save(figure, path)
    return figure
