"""A process of this machine that makes the pairs of a batch: one that dies costs its own pair alone.

Requests and answers are pickled, on the child's standard input and output. The program is this module itself:
`python -m nst_keras.cli.batch.child`. No program of the user's is imported in it, as `multiprocessing` would do.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, NoReturn

from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.runtime import backend, lean, xla_cache

__all__ = ["Workers", "main"]

_STOP, _ESTIMATE = "stop", "estimate"
_TOLD_EVERY, _ENDING = 0.2, 10.0  # Seconds between two steps that are told, and until a process has ended.


class Workers:
    """One process, which is started anew when it dies.

    Args:
        output_dir: The folder of the pictures, or its URI.
    """

    def __init__(self, output_dir: str) -> None:
        self._output_dir = output_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stopping = False

    def outcomes(self, pairs: Sequence[pairs_lib.Pair]) -> Iterator[pairs_lib.Outcome | pairs_lib.Step]:
        """Makes pairs, and yields each step and each outcome. Ctrl-C ends it after the present step.

        Args:
            pairs: The pairs, in the order in which they are made.
        """
        for pair in pairs:
            if self._stopping:
                return
            yield from self._made(pair)

    def estimates(self, pairs: Sequence[pairs_lib.Pair]) -> list[pairs_lib.Estimate]:
        """Returns what pairs cost, which a few steps of each tell. Those over which the process dies are left out."""
        found: list[pairs_lib.Estimate] = []
        for pair in pairs:
            self._send((_ESTIMATE, pair))
            answer: Any = self._answers.get()
            if answer is None:
                self.close()
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
        answer: Any = None
        try:
            self._send(pair)
        except OSError:  # It has died meanwhile.
            self.close()
            self._send(pair)
        while not isinstance(answer, pairs_lib.Outcome):
            try:
                answer = self._answers.get()
            except KeyboardInterrupt:
                if self._stopping:  # Asked for a second time: the present step is not waited for.
                    self.close(patient=False)
                    yield pairs_lib.Outcome(pair.number, pairs_lib.Status.STOPPED)
                    return
                self._stopping = True
                with contextlib.suppress(OSError):
                    self._send(_STOP)
                continue
            if answer is None:
                answer = pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, self._death())
            yield answer

    def _send(self, request: Any) -> None:
        """Sends a request to the process, which is started if there is none."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()

    def _start(self) -> None:
        """Starts the process, and a thread that listens to it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nst_keras.cli.batch.child", self._output_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,  # Ctrl-C reaches this process alone.
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()

    def _death(self) -> str:
        """Returns how the process ended, as a sentence, after it has."""
        assert self._process is not None
        status = self._process.wait()
        self.close()
        if status < 0:
            name = signal.Signals(-status).name
            hint = " Perhaps memory has run out: take a smaller image_size." if name == "SIGKILL" else ""
            return f"The process that made it was ended by {name}.{hint}"
        return f"The process that made it ended with status {status}."


def _listen(answers: IO[bytes], heard: queue.SimpleQueue[Any]) -> None:
    """Puts each answer of the process into a queue, and None at its end."""
    with answers, contextlib.suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
        while True:
            heard.put(pickle.load(answers))
    heard.put(None)


def main(argv: Sequence[str]) -> NoReturn:
    """Makes the pairs that come on standard input, until it is closed, and ends the process.

    Args:
        argv: The folder of the pictures.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What anything else prints is no answer.
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_hear, args=(asked, stopped), daemon=True).start()
    lean.allow()
    with backend.chosen():
        lean.load()
        from nst_keras.cli.batch import making  # noqa: PLC0415  It loads TensorFlow.
    (output_dir,) = argv
    xla_cache.use_default()
    maker = making.Maker(output_dir)
    while (request := asked.get()) is not None:
        if isinstance(request, pairs_lib.Pair):
            watch = making.Watch(_teller(request.number, answers), stopped.is_set)
            _answer(answers, maker.make(request, watch))
        else:
            _answer(answers, maker.estimate(request[1]))
    maker.close()
    os._exit(0)  # Taking TensorFlow apart takes a second.


def _teller(number: int, answers: IO[bytes]) -> Callable[[int, int], None]:
    """Returns a function that sends the steps of a pair, now and then."""
    told = 0.0

    def tell(step: int, total: int) -> None:
        """Sends a step if the last was sent some time ago."""
        nonlocal told
        now = time.monotonic()
        if now - told >= _TOLD_EVERY:
            told = now
            _answer(answers, pairs_lib.Step(number, step, total))

    return tell


def _hear(asked: queue.SimpleQueue[Any], stopped: threading.Event) -> None:
    """Puts each request into a queue, and None at the end. It notices a request to stop at once."""
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            request: Any = pickle.load(sys.stdin.buffer)
            if request == _STOP:
                stopped.set()
            else:
                asked.put(request)
    stopped.set()  # Nobody waits for the present picture.
    asked.put(None)


def _answer(answers: IO[bytes], what: Any) -> None:
    """Sends an answer. Where nobody reads it, the process ends."""
    try:
        pickle.dump(what, answers)
        answers.flush()
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
