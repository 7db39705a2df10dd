"""How far a clip has come: one line of a terminal, or a line now and then. Nothing here needs TensorFlow."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from typing import Any

from nst_keras.cli import output
from nst_keras.cli.batch import progress as batch

__all__ = ["Progress", "estimate", "summary"]

_LINES = 10.0  # Seconds between two lines of an output that is no terminal.
_RECENT = 20  # Frames by which the time left is reckoned.
_LEARNED = 3  # Frames after which it is known: the first takes more steps, and the next may be compiled.


class Progress:
    """Shows how many frames are made, and how much time is left.

    Args:
        source: The clip.
        passes: Number of passes.
        before: Frames that an earlier command has made, in all passes.
        quiet: Whether nothing is shown.
    """

    def __init__(self, source: Any, *, passes: int, before: int, quiet: bool) -> None:
        self._count, self._whole, self._quiet = source.count, source.count * passes, quiet
        self._seconds: list[float] = []
        self._made = before
        self._is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn, self._next = 0, 0.0
        if not quiet:
            height, width = source.size
            gone = f" {before} are made already." if before else ""
            output.write(
                f"nst_keras: {source.count} frames of {width}x{height} px, {float(source.rate):g} a second.{gone}"
            )

    def tell(self, frame: Any) -> None:
        """Shows a frame that has been made."""
        self._made += 1
        self._seconds.append(frame.seconds)
        now = time.monotonic()
        is_last = self._made == self._whole
        if self._quiet or (now < self._next and not is_last and len(self._seconds) != _LEARNED):
            return
        self._next = now + (0.0 if self._is_terminal else _LINES)
        text = f"nst_keras: {self.text()}"
        if self._is_terminal:
            text = text[: shutil.get_terminal_size().columns - 1]
            output.write(text.ljust(self._drawn), start="\r", end="")
            self._drawn = len(text)
        else:
            output.write(text)

    def text(self) -> str:
        """Returns the line."""
        left = self._whole - self._made
        if len(self._seconds) < _LEARNED or not left:
            return f"frame {self._made} of {self._whole}"
        usual = statistics.fmean(self._seconds[1 if len(self._seconds) <= _LEARNED else 2 :][-_RECENT:])
        return f"frame {self._made} of {self._whole}, {usual:.1f} s each, {batch.clock(left * usual)} left"

    def clear(self) -> None:
        """Ends the line of a terminal."""
        if self._drawn:
            output.write(" " * self._drawn, start="\r", end="\r")
            self._drawn = 0


def summary(report: Any) -> str:
    """Returns what has become of a clip, as a sentence."""
    scenes = len(report.scenes)
    parts = f" in {scenes} scenes" if scenes > 1 else ""
    return f"{report.frames} frames{parts} made, in {batch.clock(report.seconds)}; the clip is {report.output}"


def estimate(report: Any) -> str:
    """Returns what a clip would take, as a sentence."""
    height, width = report.size
    whole = batch.clock(report.estimate)
    return f"{report.frames} frames of {width}x{height} px would take about {whole}; the first is {report.output}"
