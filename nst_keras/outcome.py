"""What a run has made: its picture saved, its course drawn."""

from __future__ import annotations

import json
import os
from typing import Any

import matplotlib.figure
import numpy as np
import tensorflow as tf

from nst_keras import checks, export, images, loop, plots, provenance

__all__ = ["CONTENT_SIZE", "Outcome"]

# The `output_size` that gives the size that the content image had before it was reduced.
CONTENT_SIZE = "content"


class Outcome(loop.Loop):
    """A run whose picture can be saved, with all that is known of how it was made, and whose course can be drawn.

    What it takes from the class that makes the run: `settings`, `content_image`, `style_images`, `frames`, and the
    content image as it was read, `_original`.
    """

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
            images.resize_to(self.generated_image, height, width),
            path,
            bit_depth=bit_depth,
            alpha=self._original.alpha if alpha else None,
            text=json.dumps(self.record(**given)) if metadata else None,
        )

    def record(self, **settings: Any) -> dict[str, Any]:
        """How the picture was made, see `provenance.record`; with further settings, those of its file."""
        return provenance.record(self, {**self.settings, **settings})

    def plot_history(self, path: str | os.PathLike | None = None) -> matplotlib.figure.Figure:
        """Draws the losses over the steps; see `plots.plot_history`, also for `path`."""
        return plots.plot_history(self.history.history, path=path)

    def plot_frames(self, path: str | os.PathLike | None = None) -> matplotlib.figure.Figure:
        """Draws a contact sheet: content, styles, frames at intervals, the picture; see `plots.plot_frames`."""
        inputs = [images.to_uint8(image) for image in (self.content_image, *self.style_images)]
        return plots.plot_frames(inputs[0], inputs[1:], self.frames, self.image, path=path)

    def _output_size(self, output_size: int | str | None) -> tuple[int, int]:
        height, width = self.generated_image.shape[1:3]
        if output_size is None:
            return height, width
        if output_size == CONTENT_SIZE:
            return tuple(self._original.size)
        longest = checks.integer("output_size", output_size)
        scale = longest / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))
