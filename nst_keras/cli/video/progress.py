"""How far a clip has come: one line of a terminal, or a line now and then. Nothing here needs TensorFlow."""

from __future__ import annotations

import statistics
from typing import Any

from nst_keras.cli import line, output

__all__ = ["Progress", "estimate", "summary"]

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
        self._line = line.Line()
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
        is_told = self._made == self._whole or len(self._seconds) == _LEARNED
        if not self._quiet and (is_told or self._line.is_due):
            self._line.show(self.text())

    def text(self) -> str:
        """Returns the line."""
        left = self._whole - self._made
        if len(self._seconds) < _LEARNED or not left:
            return f"frame {self._made} of {self._whole}"
        usual = statistics.fmean(self._seconds[1 if len(self._seconds) <= _LEARNED else 2 :][-_RECENT:])
        return f"frame {self._made} of {self._whole}, {usual:.1f} s each, {line.clock(left * usual)} left"

    def clear(self) -> None:
        """Blanks the line of a terminal."""
        self._line.clear()


def summary(report: Any) -> str:
    """Returns what has become of a clip, as a sentence."""
    scenes = len(report.scenes)
    parts = f" in {scenes} scenes" if scenes > 1 else ""
    return f"{report.frames} frames{parts} made, in {line.clock(report.seconds)}; the clip is {report.output}"


def estimate(report: Any) -> str:
    """Returns what a clip would take, as a sentence."""
    height, width = report.size
    whole = line.clock(report.estimate)
    return f"{report.frames} frames of {width}x{height} px would take about {whole}; the first is {report.output}"
