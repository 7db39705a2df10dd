"""What takes its time before a step, said while it lasts: loading a network, tracing, compiling with XLA.

The code that takes the time names it: `with phases.named("measuring the style"):`. Who shows progress is told of it:
`with phases.told_to([progress]):`. Without a listener, naming a phase costs a microsecond.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Generator, Iterable

__all__ = ["Phases", "named", "told_to"]


class Phases:
    """The phases that are going on, one inside another.

    A thread says how long they have lasted, since TensorFlow does not come back to Python while it compiles. It lives
    only while a phase lasts.

    Args:
        tell: Called when a phase begins that is inside no other, and then every quarter of a second until it ends. It
            is given the phases in words, such as "preparing: tracing", and the seconds since the outermost began. It
            is never called twice at the same time.
    """

    INTERVAL = 0.25  # Seconds.

    def __init__(self, tell: Callable[[str, float], None]) -> None:
        self._tell = tell
        self._names: list[str] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, name: str) -> None:
        """Begins a phase, which is inside those that are going on."""
        self._names.append(name)
        if self._thread is not None:
            return
        self._begun = time.monotonic()
        self._tell(name, 0.0)
        self._ended.clear()
        # In a notebook, the context has the cell that is running.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._watch,), name="nst_keras phases", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ends the phase that began last. Nothing is said any more after the end of the outermost."""
        if self._names:
            self._names.pop()
        if not self._names:
            self.close()

    def close(self) -> None:
        """Ends all phases."""
        self._names.clear()
        self._ended.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self.INTERVAL):
            if text := ": ".join(self._names):
                self._tell(text, time.monotonic() - self._begun)


_told: contextvars.ContextVar[tuple[Phases, ...]] = contextvars.ContextVar("told", default=())


@contextlib.contextmanager
def named(name: str) -> Generator[None, None, None]:
    """Names what goes on within the block, for the listeners of this thread."""
    listeners = _told.get()
    for phases in listeners:
        phases.begin(name)
    try:
        yield
    finally:
        for phases in listeners:
            phases.end()


@contextlib.contextmanager
def told_to(listeners: Iterable[object]) -> Generator[None, None, None]:
    """Tells listeners of the phases within the block, in place of those told so far.

    Args:
        listeners: Objects of any kind. Those are told that have a `Phases` as their attribute `phases`.
    """
    found = [getattr(listener, "phases", None) for listener in listeners]
    told = tuple(phases for phases in found if isinstance(phases, Phases))
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)
        for phases in told:
            phases.close()
