"""The line that says how far a command has come: redrawn in a terminal, elsewhere one now and then."""

from __future__ import annotations

import os
import shutil
import sys
import time

from nst_keras.cli import output

__all__ = ["Line", "clock"]

_REDRAWN, _APART = 0.1, 10.0  # Seconds between two drawings: in a terminal, and elsewhere.


class Line:
    """A line on standard output."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn, self._next = 0, 0.0

    @property
    def is_due(self) -> bool:
        """Whether the last one was shown some time ago."""
        return time.monotonic() >= self._next

    def show(self, text: str) -> None:
        """Shows a text, in a terminal in place of the last one."""
        self._next = time.monotonic() + (_REDRAWN if self._is_terminal else _APART)
        text = f"nst_keras: {text}"
        if self._is_terminal:
            text = text[: shutil.get_terminal_size().columns - 1]
            output.write(text.ljust(self._drawn), start="\r", end="\r")
            self._drawn = len(text)
        else:
            output.write(text)

    def clear(self) -> None:
        """Blanks the line of a terminal."""
        if self._drawn:
            output.write(" " * self._drawn, start="\r", end="\r")
            self._drawn = 0


def clock(seconds: float) -> str:
    """Returns a time as text: minutes and seconds, or hours and minutes.

    >>> clock(75), clock(7500)
    ('1:15', '2 h 05 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
