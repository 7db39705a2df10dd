"""The host of the studio: what all visitors share, and the run that it makes for one of them."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile
import traceback
from collections.abc import Generator
from typing import NamedTuple

import PIL.Image

from nst_keras import checks, presets, settings
from nst_keras.callbacks import run_view
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import forming, painted, sources, takeaway, turns
from nst_keras.cli.studio import visitors as visitors_lib
from nst_keras.images import loading, pixels
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
        self._queue = turns.Turns(limits.at_once, limits.waiting)

    def run(self, order: visitors_lib.Order, asked: asked_lib.Asked) -> Generator[forming.View | Waiting, None, None]:
        """Makes a picture once it is its turn, and yields how far it has come.

        While it forms, the run is `order.forming`; afterwards, what can be taken away is `order.made`. Closing the
        generator ends the run.

        Args:
            order: The order, which has no run yet.
            asked: What the visitor asks for.

        Raises:
            ValueError: A bad option, more than the studio allows, or a bad picture (`OSError`).
            MemoryError: The run needs more memory than there is.
            RuntimeError: Too many are waiting.
        """
        wanted = asked.wanted(self.limits)
        run = self._forming(order, asked, wanted)
        has_begun = False
        try:
            for before in self._queue.wait(order, stays=lambda: not order.is_ended):
                yield Waiting(before)
            order.forming = run
            has_begun = not order.is_ended
        finally:
            if not has_begun:
                self._queue.leave(order)
        if has_begun:
            run.start()
            try:
                yield from run.views()
            finally:
                run.stop()

    def _forming(self, order: visitors_lib.Order, asked: asked_lib.Asked, wanted: asked_lib.Wanted) -> forming.Forming:
        """Returns the run of an order. Its thread gives the turn to the next when it ends."""

        def make(watch: run_view.RunCallback) -> None:
            """Makes the run, and what can be taken away."""
            try:
                with self._engines.borrowed(_without_frames(wanted.transfer)) as style_transfer:
                    if order.is_ended:
                        return
                    callbacks = (*wanted.fit.callbacks, watch)
                    style_transfer.fit(dataclasses.replace(wanted.fit, callbacks=callbacks, verbose=0))
                    if order.work is not None and order.work.is_dir():  # It is gone if the visitor has left.
                        order.made = takeaway.made(style_transfer, run, asked, order.work, self.visitors.hidden)
            finally:
                self._queue.leave(order)
                _trim()

        steps = wanted.fit.epochs * wanted.fit.steps_per_epoch
        run = forming.Forming(make, steps=steps, seconds=self.limits.run_seconds, frames=_FRAMES)
        return run

    def masks(self, folder: pathlib.Path, layers: list[PIL.Image.Image], styles: int) -> presets.Options:
        """Returns {option: file or files} of the masks that a visitor has painted; {} for none.

        Args:
            folder: The folder to write them to.
            layers: What was painted, transparent elsewhere.
            styles: Number of styles that are given.

        Raises:
            ValueError: What was painted does not fit the number of styles.
        """
        files: dict[str, str] = {}
        for purpose, mask in painted.completed(painted.masks(layers), styles).items():
            path = folder / f"mask_{purpose.replace(' ', '_')}.png"
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
        return PIL.Image.fromarray(
            pixels.to_uint8(loading.load(path, longest_side=longest_side, argument="content_image"))
        )


def _without_frames(given: settings.TransferSettings) -> settings.TransferSettings:
    """Returns settings of a run that keeps its last frame alone: the studio keeps smaller ones."""
    return dataclasses.replace(given, frames=settings.FrameSettings(frame_interval=2**62))


def _trim() -> None:
    """Gives freed memory back to the system, where its C library can: threads that come and go leave it in pieces."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _own_folder() -> pathlib.Path:
    """Returns the folder of Gradio's files: a new one, which goes when the process ends, unless the user chose one."""
    if _FOLDER_VARIABLE not in os.environ:
        os.environ[_FOLDER_VARIABLE] = str(_temporary("nst_keras_studio_"))
    folder = os.environ[_FOLDER_VARIABLE]
    checks.make_folder(_FOLDER_VARIABLE, folder)
    return pathlib.Path(folder).resolve()


def _temporary(prefix: str) -> pathlib.Path:
    """Returns a new folder, which goes when the process ends."""
    made = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return pathlib.Path(made)
