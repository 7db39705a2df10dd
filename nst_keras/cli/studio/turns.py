"""A queue: at most `at_once` pictures form, and the others wait in the order in which they came.

Gradio has a queue too. It shows one's place only by an animation, which costs the steps a twentieth of their pace, and
no one can leave it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

__all__ = ["Turns"]


class Turns:
    """The turns of a studio.

    Args:
        at_once: Number of pictures that form at the same time.
        waiting: Number of those that may wait.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once, self._waiting = at_once, waiting
        self._line: list[object] = []  # Those whose turn it is come first.
        self._moved = threading.Condition()

    def wait(self, ticket: object, *, stays: Callable[[], bool], every: float = 0.5) -> Iterator[int]:
        """Yields the number of visitors ahead until it is this ticket's turn. Always call `leave` afterwards.

        Args:
            ticket: The object that stands for the visitor.
            stays: Returns whether the visitor still waits. If not, this ends.
            every: Seconds between two looks at it.

        Raises:
            RuntimeError: Too many are waiting.
        """
        with self._moved:
            if len(self._line) >= self._at_once + self._waiting:
                raise RuntimeError(f"The studio is full: {self._waiting} are waiting. Come back in a few minutes.")
            self._line.append(ticket)
        while (before := self._before(ticket)) > 0 and stays():
            yield before
            with self._moved:
                self._moved.wait(every)

    def leave(self, ticket: object) -> None:
        """Gives the turn, or the place in the line, to the next."""
        with self._moved:
            if ticket in self._line:
                self._line.remove(ticket)
            self._moved.notify_all()

    def _before(self, ticket: object) -> int:
        with self._moved:
            return max(0, self._line.index(ticket) - self._at_once + 1)
