"""Says what the command line waits for before its run begins. It loads without TensorFlow."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Generator

from nst_keras.cli import output
from nst_keras.runtime import phases

__all__ = ["shown"]


@contextlib.contextmanager
def shown(*, quiet: bool) -> Generator[None, None, None]:
    """Shows the phases within the block: in a terminal as one line, which is blank at the end, elsewhere as lines.

    Args:
        quiet: Whether nothing is shown.
    """
    is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    listener = _Line() if is_terminal else _Lines()
    try:
        with phases.told_to([] if quiet else [listener]):
            yield
    finally:
        listener.clear()


class _Line:
    """A line of a terminal, drawn over and over."""

    def __init__(self) -> None:
        self.phases = phases.Phases(self._draw)
        self._shown = ""

    def clear(self) -> None:
        """Blanks the line."""
        if self._shown:
            output.write(" " * len(self._shown), start="\r", end="\r")

    def _draw(self, name: str, seconds: float) -> None:
        text = _text(name, seconds)[: shutil.get_terminal_size().columns - 1]
        if text != self._shown:
            output.write(text.ljust(len(self._shown)), start="\r", end="\r")
            self._shown = text


class _Lines:
    """Lines for a file or a pipe: one when something has lasted two seconds, and then one every ten seconds."""

    def __init__(self) -> None:
        self.phases = phases.Phases(self._draw)
        self._next = 2.0

    def clear(self) -> None:
        """Leaves the lines as they are."""

    def _draw(self, name: str, seconds: float) -> None:
        if not seconds:
            self._next = 2.0
        if seconds >= self._next:
            self._next += 10.0
            output.write(_text(name, seconds), end="\n")


def _text(name: str, seconds: float) -> str:
    return f"nst_keras: {name}" + (f", {seconds:.0f} s" if seconds >= 1 else "")
