"""Text for an output that may not hold all letters, such as a Windows console. It loads without TensorFlow."""

from __future__ import annotations

from typing import TextIO

__all__ = ["fitting"]


def fitting(text: str, file: TextIO | None) -> str:
    r"""Returns a text with letters that a file's encoding cannot hold written as escapes.

    >>> import io
    >>> fitting("größe", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    'gr\\xf6\\xdfe'
    >>> fitting("größe, 大", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    'größe, \\u5927'
    """
    encoding = getattr(file, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
