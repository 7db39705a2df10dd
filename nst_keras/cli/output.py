"""What the command line prints."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO

__all__ = ["write"]


def write(text: str, *, end: str = "\n", file: TextIO | None = None) -> None:
    """Prints a text at once. A closed or full output, or one that cannot hold a letter, is no reason to fail.

    Args:
        text: The text.
        end: What is printed after it.
        file: Where it is printed. Default: standard output.
    """
    file = file or sys.stdout
    if file is None:  # Closed by whoever started the process.
        return
    encoding = getattr(file, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError, ValueError):
        print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, file=file, flush=True)
