"""Signals that end a run: Ctrl-C, SIGTERM (`kill`, `docker stop`, Slurm) and SIGHUP (a closed terminal)."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopSignals", "ignore_further_signals"]

_BURST = 0.5  # Seconds: signals that follow one another faster count as one, such as two quick presses of Ctrl-C.
_ABORTS = 3  # The signal that stops even the saving of the picture.


class StopSignals:
    """Turns the signals that end a process into `KeyboardInterrupt`, within a `with` block of the main thread.

    The first signal interrupts the run. While the picture is being kept, further ones wait: `keeping` says so. The
    third interrupts that too. Handlers other than Python's and the system's own stay, and so do ignored signals, such
    as SIGHUP under nohup.

    Attributes:
        keeping: Returns whether the picture is being kept: the run has been interrupted, or is being saved.
        received: The first signal received; None for none.
        count: Number of signals received. Those of a burst are one.
    """

    def __init__(self) -> None:
        self.keeping: Callable[[], bool] = lambda: False
        self.received: int | None = None
        self.count, self._last = 0, float("-inf")
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """The exit status of an interrupted process: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + (signal.SIGINT if self.received is None else self.received)

    def __enter__(self) -> StopSignals:
        """Takes the signals over."""
        if threading.current_thread() is threading.main_thread():
            for number, usual in _usual().items():
                if signal.getsignal(number) is usual:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Raises `KeyboardInterrupt`, or lets a signal wait."""
        self.received = number if self.received is None else self.received
        now = time.monotonic()
        is_one_of_a_burst, self._last = now - self._last < _BURST, now
        if is_one_of_a_burst:
            return
        self.count += 1
        if not self.keeping() or self.count >= _ABORTS:
            raise KeyboardInterrupt


def ignore_further_signals(status: int) -> int:
    """Returns `status`. If it is that of an interrupted program, it also ignores further signals: all is written."""
    if status > 128 and threading.current_thread() is threading.main_thread():
        for number in _usual():
            signal.signal(number, signal.SIG_IGN)
    return status


def _usual() -> dict[int, Any]:
    """Returns {signal: the handler that it has in a process that has set none}."""
    found: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    if hasattr(signal, "SIGHUP"):  # Windows has none.
        found[signal.SIGHUP] = signal.SIG_DFL
    return found
