"""Where a run's progress is drawn: on one line of a terminal, in a notebook's cell, or as plain lines of text."""

from __future__ import annotations

import html
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from nst_keras.callbacks import notebook

__all__ = ["VIEWS", "InNotebook", "PlainLines", "Status", "TerminalLine", "View", "line"]

# Loss terms in the order in which they are told, which Keras's logs do not keep: {name in the logs: label}.
_LABELS = {"style_loss": "style", "content_loss": "content", "var_loss": "tv"}


class Status(NamedTuple):
    """How far a run has come.

    Attributes:
        step: Steps made, those before a resumption included.
        total_steps: Steps to make.
        losses: {name in the logs: value}, of the last step; empty before it.
        pace: Seconds a step; None before the second step.
        remaining: Seconds left; None where they are not known.
        elapsed: Seconds since the run began.
        done: Whether the run has ended.
        stage: Which of several stages it is in, in words; None for a run of one.
    """

    step: int
    total_steps: int
    losses: Mapping[str, float]
    pace: float | None
    remaining: float | None
    elapsed: float
    done: bool
    stage: str | None = None


class View(Protocol):
    """Something that a status is drawn on.

    Attributes:
        interval: Seconds to wait between two drawings.
    """

    interval: float

    def open(self, header: str | None) -> None:
        """Makes ready, and shows the header if there is one."""

    def draw(self, status: Status) -> None:
        """Shows a status; the last one is `done`."""


class TerminalLine:
    """One line that is drawn over and over, cut to the terminal's width."""

    interval = 0.1

    def open(self, header: str | None) -> None:
        """Prints the header."""
        self._stream, self._drawn = sys.stdout, 0
        if header:
            print(header, file=self._stream, flush=True)

    def draw(self, status: Status) -> None:
        """Draws the line over the one before.

        The cursor is left at its beginning, so that a warning written meanwhile does not hang on its end.
        """
        text = line(status, shutil.get_terminal_size().columns - 1)
        blanks = " " * (self._drawn - len(text))
        self._drawn = len(text)
        print(f"\r{text}{blanks}", end="\n" if status.done else "\r", file=self._stream, flush=True)


class InNotebook:
    """A thin bar and a line of text in the cell; the text alone where HTML is not shown."""

    interval = 0.2

    def open(self, header: str | None) -> None:
        """Keeps the header, to stand above the bar."""
        self._header, self._cell = header, notebook.InPlace()

    def draw(self, status: Status) -> None:
        """Puts the status in the place of the one before."""
        rows = [*([self._header] if self._header else []), line(status)]
        self._cell.show({"text/plain": "\n".join(rows), "text/html": _bar(rows, status.step / status.total_steps)})


class PlainLines:
    """A line every ten seconds, for a file or a pipe."""

    interval = 10.0

    def open(self, header: str | None) -> None:
        """Prints the header."""
        self._stream = sys.stdout
        if header:
            print(header, file=self._stream, flush=True)

    def draw(self, status: Status) -> None:
        """Prints the status, once there is something to tell."""
        if status.losses:
            print(line(status), file=self._stream, flush=True)


def _where_output_goes() -> View:
    if notebook.is_notebook():
        return InNotebook()
    is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return TerminalLine() if is_terminal else PlainLines()


VIEWS: dict[str, Callable[[], View]] = {
    "auto": _where_output_goes,
    "terminal": TerminalLine,
    "notebook": InNotebook,
    "plain": PlainLines,
}


def line(status: Status, width: int | None = None) -> str:
    """The status as one line of text; what matters least is left out where the width does not hold all.

    >>> losses = {"loss": 0.0123, "style_loss": 0.011, "content_loss": 0.0013, "var_loss": 0.0}
    >>> status = Status(34, 60, losses, pace=0.25, remaining=7.0, elapsed=9.0, done=False)
    >>> line(status)
    'step 34/60  loss 1.23e-2 = style 1.1e-2 + content 1.3e-3  0.25 s/step  7 s left'
    >>> line(status, 50)
    'step 34/60  loss 1.23e-2  0.25 s/step  7 s left'
    """
    step = f"step {status.step:>{len(str(status.total_steps))}}/{status.total_steps}"
    if not status.losses:
        return f"{step}  {'ended' if status.done else 'preparing the first step'}"[:width]
    loss, parts = _loss(status.losses), _parts(status.losses)
    pace = "" if status.pace is None else f"{_pace(status.pace)}/step"
    time = f"took {_duration(status.elapsed)}" if status.done else ""
    if status.remaining is not None and not status.done:
        time = f"{_duration(status.remaining)} left"
    step = "  ".join(filter(None, (step, status.stage)))
    choices = ([step, loss + parts, pace, time], [step, loss + parts, time], [step, loss, pace, time], [step, time])
    lines = ["  ".join(filter(None, choice)) for choice in choices]
    return next((text for text in lines if width is None or len(text) <= width), lines[-1][:width])


def _loss(losses: Mapping[str, float]) -> str:
    return f"loss {_number(losses['loss'], 3)}" if "loss" in losses else ""


def _parts(losses: Mapping[str, float]) -> str:
    """The terms that the loss is made of; those of 0, which are switched off, left out."""
    names = sorted((name for name in losses if name.endswith("_loss")), key=[*_LABELS, *losses].index)
    shown = [f"{_LABELS.get(name, name)} {_number(losses[name], 2)}" for name in names if losses[name] != 0]
    return f" = {' + '.join(shown)}" if shown else ""


def _number(value: float, digits: int) -> str:
    """So many significant digits, and always as many: a line that keeps its length does not jump about."""
    plain = f"{value:#.{digits}g}"
    if value >= 0.1 and "e" not in plain:
        return plain.removesuffix(".")
    mantissa, exponent = f"{value:.{digits - 1}e}".partition("e")[::2]
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa  # nan and inf have none.


def _pace(seconds: float) -> str:
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _bar(rows: Sequence[str], share: float) -> str:
    """The rows beneath a bar; its greys and blue are seen on light and dark pages alike."""
    *header, text = (f"<div>{html.escape(row)}</div>" for row in rows)
    trough = "height:4px;margin:3px 0;max-width:40em;border-radius:2px;background:rgba(128,128,128,.3)"
    filled = f"height:4px;width:{share:.1%};border-radius:2px;background:#2a8fd0"
    bar = f'<div style="{trough}"><div style="{filled}"></div></div>'
    return f'<div style="font-family:monospace;font-size:90%;white-space:pre-wrap">{"".join(header)}{bar}{text}</div>'
