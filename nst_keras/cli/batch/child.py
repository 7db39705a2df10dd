"""A process that makes the pairs of a batch.

Requests and answers are pickled, on its standard input and output. No program of the user's is imported in it, as
`multiprocessing` would do.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple, NoReturn

from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.runtime import backend, lean, xla_cache

__all__ = ["READY", "Request", "main"]

READY = "ready"  # The first answer: TensorFlow is loaded.
_TOLD_EVERY = 0.2  # Seconds between two steps that are told.


class Request(NamedTuple):
    """What a process is asked for.

    Attributes:
        what: `make`, `estimate`, or `stop` for the end of the present run after its present step.
        pair: The pair.
    """

    what: str
    pair: pairs_lib.Pair


def main(argv: Sequence[str]) -> NoReturn:
    """Answers the requests on standard input, until that is closed, and ends the process.

    Args:
        argv: The folder of the pictures, and that of XLA's compiled code: `auto`, or "" for none.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # The end of standard input ends it.
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What anything else prints is no answer.
    asked: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_hear, args=(asked, stopped), daemon=True).start()
    output_dir, folder = argv
    xla_cache.use_named(folder or None)
    lean.allow()
    with backend.chosen():
        lean.load()
        from nst_keras.cli.batch import making  # noqa: PLC0415  It loads TensorFlow.
    maker = making.Maker(output_dir)
    _answer(answers, READY)
    while (request := asked.get()) is not None:
        if request.what == "make":
            watch = making.Watch(_teller(request.pair.number, answers), stopped.is_set)
            _answer(answers, maker.make(request.pair, watch))
        else:
            _answer(answers, maker.estimate(request.pair))
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


def _hear(asked: queue.SimpleQueue[Request | None], stopped: threading.Event) -> None:
    """Puts each request into a queue, and None at their end. It notices a request to stop at once."""
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            request: Request = pickle.load(sys.stdin.buffer)
            if request.what == "stop":
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
