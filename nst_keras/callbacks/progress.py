"""How far a run has come, shown while it goes on."""

from __future__ import annotations

import collections
import itertools
import statistics
import time
from collections.abc import Callable

import keras

from nst_keras import checks
from nst_keras.callbacks import progress_views, run_view
from nst_keras.runtime import phases

__all__ = ["MODES_OF_VERBOSE", "Progress", "of_verbose"]

# Keras's `verbose` -> mode of `Progress`; None for no progress.
MODES_OF_VERBOSE: dict[int | str, str | None] = {0: None, 1: "auto", 2: "plain", "auto": "auto"}


def of_verbose(verbose: int | str, *, header: str | None = None, title: str | None = None) -> list[Progress]:
    """Returns the progress for a value of Keras's `verbose`: a list of one, or an empty list.

    Args:
        verbose: 0 for none, 1 or "auto" for one that suits the output, 2 for plain lines of text.
        header: A line above the progress. Default: none.
        title: What the progress line itself begins with. Default: nothing.

    Raises:
        ValueError: Another value.
    """
    if verbose not in MODES_OF_VERBOSE:
        raise ValueError(f"verbose must be 0, 1, 2 or 'auto', but {verbose!r} was given.")
    mode = MODES_OF_VERBOSE[verbose]
    return [] if mode is None else [Progress(mode, header=header, title=title)]


class Progress(run_view.RunCallback):
    """Shows steps, loss terms, seconds per step and the time left, in place of Keras's progress bar.

    A terminal shows one line that is drawn over and over, a notebook a thin bar above such a line. Files and pipes get
    plain lines: one after the first step, then one every ten seconds, and one at the end.

    What takes its time before a step, such as tracing or compiling, is named as well: at once in a terminal or a
    notebook, and after two seconds in a plain line.

    Seconds per step are the median over the last 30 steps of the present stage, without its first step, which compiles.
    A step is timed from the end of the one before, so that the time left includes what callbacks take.

    Args:
        mode: `auto` (suits the output), `terminal`, `notebook` or `plain`.
        header: A line above the progress, such as the names of the pictures. Default: none.
        title: What the progress line itself begins with, such as the name of one of several runs. Default: nothing.

    Attributes:
        phases: Draws what the run waits for.

    Raises:
        ValueError: An unknown mode.
    """

    _RECENT = 30  # Steps: few enough to follow a change of speed.

    def __init__(self, mode: str = "auto", *, header: str | None = None, title: str | None = None) -> None:
        super().__init__()
        self._view_of_mode = progress_views.VIEWS[checks.one_of("mode", mode, progress_views.VIEWS)]
        self._header, self._title = header, title
        self._is_open = False
        self.phases = phases.Phases(self._draw_phase)

    def set_model(self, model: keras.Model) -> None:
        """Takes the run. Each run has an output of its own."""
        self._is_open = self._is_open and model is self._model
        super().set_model(model)

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Draws the beginning, since the first step may take a while."""
        self._open()
        self._is_first = True
        self.phases.begin("preparing the first step")

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Draws after the first step of a stage, and then whenever the view's interval has passed."""
        self._drawn_phases.clear()
        if self._is_first:
            self.phases.end()
            self._is_first = False
        now = time.monotonic()
        if self.run.stage != self._stage:
            self._stage = self.run.stage
            self._ends.clear()  # The new stage's steps are longer, and its first compiles.
        is_first = not self._ends
        self._ends.append(now)
        self._logs = logs or {}
        if self._view and (is_first or now - self._drawn >= self._view.interval):
            self._draw()

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Draws the end, also if the run was interrupted."""
        self.phases.close()
        self._draw(done=True)

    def _open(self) -> None:
        """Chooses where to draw, unless something is drawn there already."""
        if self._is_open:
            return
        self._is_open = True
        self._view: progress_views.View | None = self._view_of_mode()
        self._begun = self._drawn = time.monotonic()
        self._ends: collections.deque[float] = collections.deque(maxlen=self._RECENT + 1)
        self._logs: dict[str, float] = {}
        self._drawn_phases: set[str] = set()  # Since the last step.
        self._stage = self.run.stage
        self._guarded(lambda view: view.open(self._header))

    def _draw_phase(self, name: str, seconds: float) -> None:
        """Draws what the run waits for, if it is new or lasts. The thread of `phases` calls it."""
        self._open()
        if self._view is None:
            return
        is_new, passed = name not in self._drawn_phases, time.monotonic() - self._drawn
        if passed >= (self._view.patience if is_new else max(1.0, self._view.interval)):
            self._drawn_phases.add(name)
            self._draw(phase=name if seconds < 1 else f"{name}, {seconds:.0f} s")

    def _draw(self, *, done: bool = False, phase: str | None = None) -> None:
        self._drawn = time.monotonic()
        seconds = [later - earlier for earlier, later in itertools.pairwise(self._ends)]
        pace = statistics.median(seconds) if seconds else None
        status = progress_views.Status(
            step=self.run.step,
            total_steps=self.run.total_steps,
            losses={name: float(value) for name, value in self._logs.items()},
            pace=pace,
            remaining=None if pace is None else pace * self.run.steps_left(),
            elapsed=self._drawn - self._begun,
            done=done,
            stage=_stage_of(self.run),
            title=self._title,
            phase=phase,
        )
        self._guarded(lambda view: view.draw(status))

    def _guarded(self, action: Callable[[progress_views.View], None]) -> None:
        """Draws, and gives up drawing once nobody reads the output, as after `| head`; the run goes on."""
        try:
            if self._view:
                action(self._view)
        except (OSError, ValueError):  # A broken pipe or a full disk; a closed file.
            self._view = None


def _stage_of(run: run_view.RunView) -> str | None:
    if run.stage_count == 1:
        return None
    height, width = run.stage_size
    return f"stage {run.stage + 1}/{run.stage_count}, {width}x{height} px"
