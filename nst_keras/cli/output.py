"""What the command line prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from typing import TextIO

from nst_keras.runtime import consoles
from nst_keras.settings import printable

__all__ = ["flush", "safe_streams", "say", "write"]


def write(text: str, *, start: str = "", end: str = "\n", file: TextIO | None = None) -> OSError | None:
    """Prints a text at once, its control characters spelt out.

    A closed or full output, or one that cannot hold a letter, is no reason to fail.

    Args:
        text: The text.
        start: What is printed before it, as it is.
        end: What is printed after it, as it is.
        file: Where it is printed. Default: standard output.

    Returns:
        Why the text is lost, such as a full disk; None if it is printed, or if nobody reads the output.
    """
    file = file or sys.stdout
    if file is None:  # Closed by whoever started the process.
        return None
    try:
        print(start + consoles.fitting(printable.printable(text), file), end=end, file=file, flush=True)
    except BrokenPipeError:
        return None
    except OSError as error:
        return error
    except ValueError:  # A closed file.
        return None
    return None


def say(message: object, status: int) -> int:
    """Prints a message as one line on standard error, and returns the exit status."""
    if sys.stderr is not None:  # Closed by whoever started the process.
        write(f"nst_keras: {' '.join(str(message).split())}", file=sys.stderr)
    return status


@contextlib.contextmanager
def safe_streams() -> Generator[None, None, None]:
    """Keeps closed or full standard streams from failing a program.

    Before it, closed ones are opened to nothing: otherwise the next file, such as the picture, would be taken for
    standard error. After it, what cannot be written is dropped: otherwise Python would say so and exit with 120.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    try:
        yield
    finally:
        flush()


def flush() -> None:
    """Writes what the standard streams still hold, or drops it."""
    for file in (sys.stdout, sys.stderr):
        _flush(file)


def _flush(file: TextIO | None) -> None:
    """Writes what a file still holds, or drops it."""
    if file is None:
        return
    try:
        file.flush()
    except ValueError:  # A closed file.
        pass
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, file.fileno())
            os.close(nothing)
