"""A picture that forms in a thread of its own: other threads watch it, steer it, and halt it. It needs no page."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from nst_keras.callbacks import run_view
from nst_keras.engine import steering

__all__ = ["Forming", "Frame", "View"]

_SHOWN_EVERY = 0.3  # Seconds.

# A change of the run: what is called with its handle.
Change = Callable[[steering.Steering], None]


class Frame(NamedTuple):
    """A picture that was kept.

    Attributes:
        step: Its step.
        image: uint8 [height, width, 3].
    """

    step: int
    image: np.ndarray


class View(NamedTuple):
    """How far a picture has come.

    Attributes:
        step: Number of steps made.
        total: Number of steps to make.
        image: The picture, uint8 [height, width, 3]; None before the run has begun.
        is_paused: Whether the run is paused.
    """

    step: int
    total: int
    image: np.ndarray | None
    is_paused: bool


class Forming:
    """A run in a thread of its own, which `start` begins.

    Args:
        make: Makes the run, with the callback that it is given. It may prepare first.
        steps: Number of steps that the run makes.
        seconds: Seconds that the run may take, pauses included. Its picture is then kept as it is.
        frames: Number of frames to keep, about.

    Attributes:
        frames: The frames so far, from the start on.
        losses: {term, or TERM/LAYER: loss} of each step, the step among them.
        is_late: Whether its time was up.
        is_stopped: Whether `stop` was called.
    """

    def __init__(
        self, make: Callable[[run_view.RunCallback], None], *, steps: int, seconds: float, frames: int
    ) -> None:
        self.frames: list[Frame] = []
        self.losses: list[dict[str, float]] = []
        self.is_late = self.is_stopped = False
        self._make = make
        self._seconds, self._deadline = seconds, math.inf
        self._interval = max(1, steps // frames)
        self._news = threading.Condition()
        self._view = View(0, steps, None, is_paused=False)
        self._number = 0  # Of the view, which tells whether a watcher has seen it.
        self._pending: list[Change] = []
        self._handle: steering.Steering | None = None
        self._paused = self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="nst_keras studio", daemon=True)

    def start(self) -> None:
        """Begins the run, whose time counts from now on."""
        self._deadline = time.monotonic() + self._seconds
        self._thread.start()

    def views(self, every: float = _SHOWN_EVERY) -> Iterator[View]:
        """Yields the present view, whenever it is a new one, until the run has ended; the last one too.

        Args:
            every: Least seconds between two views.

        Raises:
            Exception: The error that ended the run.
        """
        seen = -1
        while True:
            with self._news:
                while not self._ended and self._number == seen:
                    self._news.wait()
                view, seen, ended = self._view, self._number, self._ended
            if ended:
                self._thread.join()
                if self._error is not None:
                    raise self._error
                yield view
                return
            yield view
            time.sleep(every)

    def change(self, change: Change) -> None:
        """Changes the run before its next step; a run that is still being prepared, once it begins.

        Args:
            change: It is called with the run's handle, and raises what that raises for a bad change.
        """
        with self._news:  # So that changes are made in the order in which they came.
            if self._handle is None:
                self._pending.append(change)
            else:
                change(self._handle)

    def pause(self, *, paused: bool) -> None:
        """Halts the run after its present step, or lets it go on."""
        with self._news:
            self._paused = paused
            self._tell(self._view._replace(is_paused=paused))

    @property
    def is_paused(self) -> bool:
        """Whether the run is paused."""
        return self._paused

    @property
    def is_going(self) -> bool:
        """Whether the run has not ended yet."""
        return self._thread.ident is not None and not self._ended

    def stop(self) -> None:
        """Ends the run after its present step, with the picture as it is."""
        with self._news:
            self.is_stopped, self._paused = True, False
            self._news.notify_all()
        self.change(steering.Steering.stop)

    def join(self, seconds: float) -> None:
        """Waits until the run has ended, or these seconds have passed."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        """Makes the run. This is what the thread does."""
        try:
            self._make(_Watch(self))
        except BaseException as error:  # It belongs to the thread that watches.
            self._error = error
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _tell(self, view: View) -> None:
        """Shows a view to those who watch. The caller holds the lock."""
        self._view, self._number = view, self._number + 1
        self._news.notify_all()

    def begun(self, view: run_view.RunView, handle: steering.Steering) -> None:
        """Shows the start, and makes the changes that came before. The run's callback calls this and what follows."""
        with self._news:
            self._handle = handle
            for change in self._pending:
                # The one who asked for it has gone on: the run need not end over it.
                with contextlib.suppress(ValueError, RuntimeError, OSError):
                    change(handle)
            self._tell(View(view.step, view.total_steps, view.image, self._paused))
        self.frames.append(Frame(view.step, view.image))

    def step_made(self, view: run_view.RunView, losses: dict[str, float], *, is_due: bool) -> None:
        """Keeps what a step has made, shows its picture if that is due, and waits while the run is paused."""
        self.losses.append(losses)
        keeps = view.step % self._interval == 0 or view.step == view.total_steps
        if keeps or is_due or self._paused:
            self.show(view, keeps=keeps)
        with self._news:
            self._news.wait_for(lambda: self.is_stopped or not self._paused, timeout=self._left())
        if self._left() == 0.0 and self._handle is not None:
            self.is_late = True
            self._handle.stop()

    def show(self, view: run_view.RunView, *, keeps: bool) -> None:
        """Shows the present picture, and keeps it as a frame if asked to."""
        image = view.image
        if keeps:
            self.frames.append(Frame(view.step, image))
        with self._news:
            self._tell(View(view.step, view.total_steps, image, self._paused))

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


class _Watch(run_view.RunCallback):
    """The callback that tells a `Forming` of its run.

    Args:
        forming: The one to tell.
        every: Least seconds between two pictures that are shown.
    """

    def __init__(self, forming: Forming, every: float = _SHOWN_EVERY) -> None:
        super().__init__()
        self._forming, self._every, self._shown = forming, every, 0.0

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Shows the start."""
        self._forming.begun(self.run, cast(Any, self.model).run)

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Keeps the losses, and shows the picture when it is time to."""
        now = time.monotonic()
        is_due = now - self._shown >= self._every
        self._shown = now if is_due else self._shown
        self._forming.step_made(self.run, {"step": float(self.run.step), **_losses(self.run, logs)}, is_due=is_due)

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Shows the last picture."""
        if self.run.step > 0:
            self._forming.show(self.run, keeps=self._forming.frames[-1].step != self.run.step)


def _losses(view: run_view.RunView, logs: run_view.Logs) -> dict[str, float]:
    """Returns {term: loss} of a step, and {TERM/LAYER: its share}."""
    terms = view.terms
    shares = {} if terms is None else {"style": terms.style_layers, "content": terms.content_layers}
    layers = {f"{term}/{name}": float(value) for term, found in shares.items() for name, value in found.items()}
    return {name.removesuffix("_loss") or name: float(value) for name, value in (logs or {}).items()} | layers
