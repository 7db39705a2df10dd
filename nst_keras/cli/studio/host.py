"""The host of the studio: what all visitors share, and the run that it makes for one of them."""

from __future__ import annotations

import atexit
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import NamedTuple

import PIL.Image

from nst_keras import presets, settings
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import forming, painted, sources, takeaway, turns
from nst_keras.cli.studio import visitors as visitors_lib
from nst_keras.sweeps import engines

__all__ = ["ERRORS", "Host", "Waiting"]

# Errors whose sentences are for visitors.
ERRORS = (ValueError, TypeError, OSError, MemoryError, RuntimeError, ImportError)
_FRAMES = 48
_FOLDER_VARIABLE = "GRADIO_TEMP_DIR"


class Waiting(NamedTuple):
    """A visitor whose turn has not come.

    Attributes:
        before: Number of visitors who come before.
    """

    before: int


class Host:
    """What all visitors share.

    Args:
        limits: What the studio allows.

    Attributes:
        limits: What the studio allows.
        samples: The sample pictures.
        visitors: Those who have the page open.
    """

    def __init__(self, limits: settings.StudioSettings) -> None:
        self.limits = limits
        self.samples = sources.Samples(_temporary("nst_keras_samples_"))
        self.visitors = visitors_lib.Visitors(_own_folder())
        self._engines = engines.Engines()
        self._turns = turns.Turns(limits.at_once, limits.waiting)

    def run(self, visitor: visitors_lib.Visitor, asked: asked_lib.Asked) -> Iterator[forming.View | Waiting]:
        """Makes a picture for a visitor once it is the visitor's turn, and yields how far it has come.

        The visitor's `forming` is the run meanwhile. `made` is the picture afterwards. The run ends when no one asks
        for the next view any more.

        Args:
            visitor: The visitor, who has no other run going, and a new folder to work in.
            asked: What the visitor asks for.

        Raises:
            ValueError: A bad option, more than the studio allows, or a bad picture (`OSError`).
            MemoryError: The run needs more memory than there is.
            RuntimeError: Too many are waiting.
        """
        wanted = asked.wanted(self.limits)
        ticket = visitor.ticket
        try:
            for before in self._turns.wait(ticket, stays=lambda: visitor.ticket is ticket):
                yield Waiting(before)
            if visitor.ticket is ticket:
                yield from self._formed(visitor, asked, wanted)
        finally:
            self._turns.leave(ticket)

    def _formed(
        self, visitor: visitors_lib.Visitor, asked: asked_lib.Asked, wanted: asked_lib.Wanted
    ) -> Iterator[forming.View]:
        """Makes a picture, see `run`."""
        # The page keeps frames of its own.
        frames = settings.FrameSettings(frame_interval=2**62)
        given = dataclasses.replace(wanted.transfer, frames=frames)
        with self._engines.borrowed(given) as style_transfer:
            run = forming.Forming(style_transfer, wanted.fit, seconds=self.limits.run_seconds, frames=_FRAMES)
            visitor.forming = run
            try:
                yield from run.views()
                if visitor.is_there:
                    visitor.made = takeaway.made(style_transfer, run, asked, visitor.work, self.visitors.hidden)
            finally:
                run.stop()
                run.join(self.limits.run_seconds)

    def masks(self, visitor: visitors_lib.Visitor, drawing: presets.Options | None, styles: int) -> presets.Options:
        """Returns {option: file or files} of the masks that a visitor has painted; {} for none.

        Args:
            visitor: The visitor.
            drawing: What the visitor has painted, its layers as PIL images.
            styles: Number of styles that are given.

        Raises:
            ValueError: What was painted does not fit the number of styles.
        """
        files: dict[str, str] = {}
        for purpose, mask in painted.completed(painted.masks((drawing or {}).get("layers") or []), styles).items():
            path = visitor.work / f"mask_{purpose.replace(' ', '_')}.png"
            mask.save(path)
            files[purpose] = str(path)
        return painted.options(files)

    def sentence(self, error: BaseException) -> str:
        """Returns an error's sentence for visitors. An error that is not for them is printed here alone."""
        if isinstance(error, ERRORS) and str(error):
            return self.visitors.hidden(str(error))
        traceback.print_exception(error, file=sys.stderr)
        return "The picture could not be made. The studio's own window says why."

    def thumbnail(self, path: str, longest_side: int) -> PIL.Image.Image:
        """Returns a picture reduced to a size, upright, as the package reads it.

        Raises:
            ValueError: It is not a picture, or a damaged one (or `OSError`).
        """
        from nst_keras.images import loading, pixels  # noqa: PLC0415

        return PIL.Image.fromarray(
            pixels.to_uint8(loading.load(path, longest_side=longest_side, argument="content_image"))
        )


def _own_folder() -> pathlib.Path:
    """Returns the folder of Gradio's files: a new one, which goes when the process ends, unless the user chose one."""
    if _FOLDER_VARIABLE not in os.environ:
        os.environ[_FOLDER_VARIABLE] = str(_temporary("nst_keras_studio_"))
    return pathlib.Path(os.environ[_FOLDER_VARIABLE]).resolve()


def _temporary(prefix: str) -> pathlib.Path:
    """Returns a new folder, which goes when the process ends."""
    made = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return pathlib.Path(made)
