"""Views that draw a run's progress: one line of a terminal, a notebook's cell, or plain lines of text."""

from __future__ import annotations

import html
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from nst_keras.callbacks import notebook
from nst_keras.runtime import consoles

__all__ = ["VIEWS", "InNotebook", "PlainLines", "Status", "TerminalLine", "View", "line"]

# {name in the logs: label}, in the order in which loss terms are shown. Keras's logs do not keep it.
_LABELS = {"style_loss": "style", "content_loss": "content", "var_loss": "tv"}


class Status(NamedTuple):
    """How far a run has come.

    Attributes:
        step: Steps made, in a resumed run counted from its very beginning.
        total_steps: Steps to make, counted in the same way.
        losses: {name in the logs: value} of the last step; empty before the first.
        pace: Seconds per step; None before the second step.
        remaining: Seconds left; None if unknown.
        elapsed: Seconds since the run began or was resumed.
        done: Whether the run has ended.
        stage: The present stage and its size, in words; None in a run of one stage.
        title: What the line begins with; None for nothing.
        phase: What the run waits for before its next step, in words; None for nothing.
    """

    step: int
    total_steps: int
    losses: Mapping[str, float]
    pace: float | None
    remaining: float | None
    elapsed: float
    done: bool
    stage: str | None = None
    title: str | None = None
    phase: str | None = None


class View(Protocol):
    """An output that shows a status.

    Attributes:
        interval: Least seconds between two drawings of steps.
        patience: Least seconds between the last drawing and that of a phase which is not drawn yet.
    """

    interval: float
    patience: float

    def open(self, header: str | None) -> None:
        """Prepares the output. The header, if there is one, stands above the progress."""

    def draw(self, status: Status) -> None:
        """Shows a status. That of the last call is `done`."""


class TerminalLine:
    """One line of a terminal, drawn over and over, and shortened to the terminal's width."""

    interval = 0.1
    patience = 0.0

    def open(self, header: str | None) -> None:
        """Prints the header."""
        self._stream, self._drawn = sys.stdout, 0
        if header:
            print(consoles.fitting(header, self._stream), file=self._stream, flush=True)

    def draw(self, status: Status) -> None:
        """Draws the line over the one before.

        The cursor stays at its beginning, so that a warning printed in between does not continue the line.
        """
        text = line(status, shutil.get_terminal_size().columns - 1)
        blanks = " " * (self._drawn - len(text))
        self._drawn = len(text)
        text = consoles.fitting(text, self._stream)
        print(f"\r{text}{blanks}", end="\n" if status.done else "\r", file=self._stream, flush=True)


class InNotebook:
    """A thin bar above a line of text in a notebook's cell. Notebooks that show no HTML get the text alone."""

    interval = 0.2
    patience = 0.0

    def open(self, header: str | None) -> None:
        """Keeps the header, which each drawing shows above the bar."""
        self._header, self._cell = header, notebook.InPlace()

    def draw(self, status: Status) -> None:
        """Shows the status in place of the one before."""
        rows = [*([self._header] if self._header else []), line(status)]
        self._cell.show({"text/plain": "\n".join(rows), "text/html": _bar(rows, status.step / status.total_steps)})


class PlainLines:
    """Lines of text for a file or a pipe, at least ten seconds apart; a phase is said once it has lasted two."""

    interval = 10.0
    patience = 2.0

    def open(self, header: str | None) -> None:
        """Prints the header."""
        self._stream = sys.stdout
        if header:
            print(consoles.fitting(header, self._stream), file=self._stream, flush=True)

    def draw(self, status: Status) -> None:
        """Prints the status, from the first step on, or what the first step waits for."""
        if status.losses or status.phase:
            print(consoles.fitting(line(status), self._stream), file=self._stream, flush=True)


def _suitable_view() -> View:
    if notebook.is_notebook():
        return InNotebook()
    is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return TerminalLine() if is_terminal else PlainLines()


# Name of a mode -> what makes its view.
VIEWS: dict[str, Callable[[], View]] = {
    "auto": _suitable_view,
    "terminal": TerminalLine,
    "notebook": InNotebook,
    "plain": PlainLines,
}


def line(status: Status, width: int | None = None) -> str:
    """Returns the status as one line of text, of at most `width` characters.

    If the whole does not fit, less important parts are dropped: the pace, the parts of the loss, at last the loss.

    Args:
        status: How far the run has come.
        width: Characters. None: any number.

    >>> losses = {"loss": 0.0123, "style_loss": 0.011, "content_loss": 0.0013, "var_loss": 0.0}
    >>> status = Status(34, 60, losses, pace=0.25, remaining=7.0, elapsed=9.0, done=False)
    >>> line(status)
    'step 34/60  loss 1.23e-2 = style 1.1e-2 + content 1.3e-3  0.25 s/step  7 s left'
    >>> line(status, 50)
    'step 34/60  loss 1.23e-2  0.25 s/step  7 s left'
    """
    step = "  ".join(
        filter(None, (status.title, f"step {status.step:>{len(str(status.total_steps))}}/{status.total_steps}"))
    )
    if status.phase or not status.losses:
        phase = status.phase or ("ended" if status.done else "preparing the first step")
        stage = status.stage if status.step else None  # The first needs no mention.
        return "  ".join(filter(None, (step, stage, phase)))[:width]
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
    """Returns the terms of the loss, without those of 0, which are switched off."""
    names = sorted((name for name in losses if name.endswith("_loss")), key=[*_LABELS, *losses].index)
    labels = {name: _LABELS.get(name, name.removesuffix("_loss")) for name in names}
    shown = [f"{labels[name]} {_number(losses[name], 2)}" for name in names if losses[name] != 0]
    return f" = {' + '.join(shown)}" if shown else ""


def _number(value: float, digits: int) -> str:
    """Returns a number with exactly `digits` significant digits, so that the line keeps its length."""
    plain = f"{value:#.{digits}g}"
    if value >= 0.1 and "e" not in plain:
        return plain.removesuffix(".")
    mantissa, exponent = f"{value:.{digits - 1}e}".partition("e")[::2]
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa  # nan and inf have no exponent.


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
    """Returns HTML of a bar between the header and the text, in colours that light and dark pages both show."""
    *header, text = (f"<div>{html.escape(row)}</div>" for row in rows)
    trough = "height:4px;margin:3px 0;max-width:40em;border-radius:2px;background:rgba(128,128,128,.3)"
    filled = f"height:4px;width:{share:.1%};border-radius:2px;background:#2a8fd0"
    bar = f'<div style="{trough}"><div style="{filled}"></div></div>'
    return f'<div style="font-family:monospace;font-size:90%;white-space:pre-wrap">{"".join(header)}{bar}{text}</div>'
