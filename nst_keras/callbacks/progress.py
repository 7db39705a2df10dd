"""How far a run has come, while it goes on."""

from __future__ import annotations

import collections
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras

from nst_keras import checks
from nst_keras.callbacks import progress_views

__all__ = ["MODES_OF_VERBOSE", "Progress", "of_verbose"]

Logs = dict[str, float] | None

# Keras's `verbose`: nothing; a bar; a line now and then, for files.
MODES_OF_VERBOSE: dict[int | str, str | None] = {0: None, 1: "auto", 2: "plain", "auto": "auto"}


def of_verbose(verbose: int | str, *, header: str | None = None) -> list[Progress]:
    """The progress that Keras's `verbose` asks for: one, or none.

    Args:
        verbose: 0 for none; 1 or "auto" for one that suits the place; 2 for plain lines of text.
        header: A line to stand above it.

    Raises:
        ValueError: Another value.
    """
    if verbose not in MODES_OF_VERBOSE:
        raise ValueError(f"verbose must be 0, 1, 2 or 'auto', but {verbose!r} was given.")
    mode = MODES_OF_VERBOSE[verbose]
    return [] if mode is None else [Progress(mode, header=header)]


class Progress(keras.callbacks.Callback):
    """Shows steps, loss terms, seconds a step and the time left, in place of Keras's progress bar.

    In a terminal one line is drawn over and over, in a notebook a thin bar with the line beneath; elsewhere lines are
    printed: the first step's, then one every ten seconds, and the last.

    Seconds a step are the median of the last 30, without the first, which compiles. They are taken from the end of one
    step to the end of the next, callbacks and all, so that the time left is what will be felt.

    Args:
        mode: `auto`, which suits the place; `terminal`, `notebook` or `plain`.
        header: A line to stand above, such as what is run.

    Raises:
        ValueError: An unknown mode.
    """

    _RECENT = 30  # Steps: few enough to follow a run whose stages grow in size.

    def __init__(self, mode: str = "auto", *, header: str | None = None) -> None:
        super().__init__()
        self._view_of_mode = progress_views.VIEWS[checks.one_of("mode", mode, progress_views.VIEWS)]
        self._header = header

    def on_train_begin(self, logs: Logs = None) -> None:
        """Chooses where to draw, and draws the beginning: the first step may take a while."""
        self._view: progress_views.View | None = self._view_of_mode()
        self._begun, self._drawn = time.monotonic(), -float("inf")
        self._ends: collections.deque[float] = collections.deque(maxlen=self._RECENT + 1)
        self._logs: dict[str, float] = {}
        self._stage = self.model.stage
        self._guarded(lambda view: view.open(self._header))
        self._draw()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Draws, after the first step and if the view's interval has passed."""
        now = time.monotonic()
        if self.model.stage != self._stage:
            self._stage = self.model.stage
            self._ends.clear()  # Its steps are longer, and its first compiles.
        is_first = not self._ends
        self._ends.append(now)
        self._logs = logs or {}
        if self._view and (is_first or now - self._drawn >= self._view.interval):
            self._draw()

    def on_train_end(self, logs: Logs = None) -> None:
        """Draws the end, also of a run that was interrupted."""
        self._draw(done=True)

    def _draw(self, *, done: bool = False) -> None:
        self._drawn = time.monotonic()
        step, total_steps = self.model.step, self.model.total_steps
        seconds = [later - earlier for earlier, later in itertools.pairwise(self._ends)]
        pace = statistics.median(seconds) if seconds else None
        remaining = None if pace is None else pace * self.model.steps_left()
        elapsed = self._drawn - self._begun
        losses = {name: float(value) for name, value in self._logs.items()}
        status = progress_views.Status(step, total_steps, losses, pace, remaining, elapsed, done, _stage_of(self.model))
        self._guarded(lambda view: view.draw(status))

    def _guarded(self, action: Callable[[progress_views.View], None]) -> None:
        """Draws no more where nobody reads any longer, as after `| head`: the run is worth more than its progress."""
        try:
            if self._view:
                action(self._view)
        except (OSError, ValueError):  # A broken pipe, a full disk; a closed file.
            self._view = None


def _stage_of(run: Any) -> str | None:
    if run.stage_count == 1:
        return None
    height, width = run.stage_size
    return f"stage {run.stage + 1}/{run.stage_count}, {width}x{height} px"
