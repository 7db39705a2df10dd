"""The process of a command: it loads only what a command needs, and ends at once when all is written.

Python takes apart all that it has loaded when it ends, which takes a second with TensorFlow. The system frees it in no
time.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from nst_keras.cli import output, signals
from nst_keras.runtime import lean

__all__ = ["run"]


def run(main: Callable[[], int]) -> NoReturn:
    """Runs a command as all that this process does, and ends the process with the exit status that it returns.

    Threads that are no daemons are waited for, and handlers that were registered with `atexit` meanwhile are called.
    Those that were registered before are not.

    Args:
        main: The command. It returns its exit status.
    """
    lean.allow()
    statuses: list[int] = []
    atexit.register(_leave, statuses)  # The first to be registered is the last to be called.
    statuses.append(signals.ignore_further_signals(main()))
    sys.exit(statuses[0])


def _leave(statuses: list[int]) -> None:
    """Ends the process with the status, if there is one. After an error there is none: Python ends it with its own."""
    for status in statuses:
        output.flush()
        os._exit(status)
