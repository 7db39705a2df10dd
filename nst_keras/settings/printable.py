"""Foreign text, such as names of files and what a picture says of itself, before it is printed."""

from __future__ import annotations

import re

__all__ = ["printable"]

# Control characters but for tab and line break, separators of lines, what turns the direction of writing, and
# surrogates, which stand for bytes that are no UTF-8.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""Returns a text whose control characters are spelt out, so that it cannot steer a terminal.

    Tabs and line breaks stay.

    >>> print(printable("bridge\x1b[2J.png"))
    bridge\x1b[2J.png
    """
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
