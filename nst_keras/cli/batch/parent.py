"""Makes the pairs of a batch by one process of this machine, and starts another when that dies."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from nst_keras.cli.batch import child
from nst_keras.cli.batch import pairs as pairs_lib

__all__ = ["Workers"]

_TICK, _ENDING = 0.2, 10.0  # Seconds between two looks at whether to stop, and until a process has ended.
# Modules are found where this process finds them, and not in the current folder.
_PROGRAM = f"import sys; sys.path[:] = {{paths!r}}; from {child.__name__} import main; main(sys.argv[1:])"
_STARTS = 2  # Processes in a row that may die before they can make anything.


class Workers:
    """One process, which is started anew when it dies.

    Args:
        output_dir: The folder of the pictures, or its URI.
        stops: Returns how often the batch was asked to stop: once, it ends after the present step; twice, at once.
        xla_cache: Folder that keeps XLA's compiled code, `auto`, or None.
    """

    def __init__(self, output_dir: str, stops: Callable[[], int], *, xla_cache: str | None) -> None:
        self._arguments = [output_dir, "" if xla_cache is None else xla_cache]
        self._stops = stops
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._unstarted = 0

    def outcomes(self, pairs: Sequence[pairs_lib.Pair]) -> Iterator[pairs_lib.Outcome | pairs_lib.Step]:
        """Makes pairs, and yields each step and each outcome, until all are made or the batch is stopped.

        Args:
            pairs: The pairs, in the order in which they are made.

        Raises:
            RuntimeError: Processes die before they can make anything.
            OSError: The system starts no process.
        """
        for pair in pairs:
            if self._stops():
                return
            yield from self._made(pair)

    def estimates(self, pairs: Sequence[pairs_lib.Pair]) -> list[pairs_lib.Estimate]:
        """Estimates pairs from a few steps each. Skips a pair whose process dies.

        Args:
            pairs: The pairs.

        Raises:
            RuntimeError: Processes die before they can make anything.
            OSError: The system starts no process.
        """
        found: list[pairs_lib.Estimate] = []
        for pair in pairs:
            self._send(child.Request("estimate", pair))
            while not isinstance(answer := self._answers.get(), pairs_lib.Estimate) and answer is not None:
                self._unstarted = 0
            if answer is None:
                self._death()
            else:
                found.append(answer)
        return found

    def close(self, *, patient: bool = True) -> None:
        """Ends the process.

        Args:
            patient: Whether it may remove its temporary files.
        """
        if self._process is not None:
            process, self._process = self._process, None
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()  # It then ends by itself.
            try:
                process.wait(_ENDING if patient else 0.0)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
                process.wait()

    def _made(self, pair: pairs_lib.Pair) -> Iterator[pairs_lib.Outcome | pairs_lib.Step]:
        """Makes one pair."""
        self._send(child.Request("make", pair))
        is_told = False
        while True:
            if self._stops() > 1 or (self._stops() and self._unstarted):  # It need not load TensorFlow first.
                self.close(patient=False)
                yield pairs_lib.Outcome(pair.number, pairs_lib.Status.STOPPED)
                return
            if self._stops() and not is_told:
                is_told = True
                self._send(child.Request("stop", pair))
            try:
                answer = self._answers.get(timeout=_TICK)
            except queue.Empty:
                continue
            if answer is None:
                sentence, has_begun = self._death()
                if self._stops():
                    yield pairs_lib.Outcome(pair.number, pairs_lib.Status.STOPPED)
                elif has_begun:
                    yield pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, sentence)
                else:
                    yield from self._made(pair)
                return
            self._unstarted = 0
            if answer != child.READY:
                yield answer
            if isinstance(answer, pairs_lib.Outcome):
                return

    def _send(self, request: child.Request) -> None:
        """Sends a request to the process, which is started if there is none."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # It has died: the end of its answers says so.
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()

    def _start(self) -> None:
        """Starts the process, and a thread that listens to it."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(paths=[os.fspath(path) for path in sys.path]), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches this process alone.
        )
        self._unstarted += 1
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()

    def _death(self) -> tuple[str, bool]:
        """Returns how the process ended, as a sentence, and whether it had begun to make pairs.

        Raises:
            RuntimeError: Several in a row have not.
        """
        assert self._process is not None
        status = self._process.wait()
        self.close()
        ended = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        if self._unstarted >= _STARTS:
            raise RuntimeError(f"The process that makes the pictures cannot be started: it {ended}.")
        hint = " Perhaps memory has run out: take a smaller image_size." if status == -signal.SIGKILL else ""
        return f"The process that made it {ended}.{hint}", self._unstarted == 0


def _listen(answers: IO[bytes], heard: queue.SimpleQueue[Any]) -> None:
    """Puts each answer of the process into a queue, and None at its end."""
    try:
        with answers:
            while True:
                heard.put(pickle.load(answers))
    except Exception:  # Its end, or half an answer.
        heard.put(None)
