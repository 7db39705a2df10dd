"""Flagfiles: their text, whatever wrote it, and the flags in it. Nothing here needs TensorFlow."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence

from absl import flags as absl_flags

__all__ = ["expanded", "lines", "read"]

_MOST = 2**20  # Bytes: a flagfile has some thousand.
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read(path: str) -> str:
    """Returns the text of a flagfile in UTF-8 or UTF-16, with or without a byte order mark.

    The locale plays no part, except that letters which its names of files cannot hold are kept as on a command line.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no text, or larger than 1 MiB.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(_MOST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OSError(f"flagfile: {path!r} cannot be read ({reason}).") from error
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if raw.startswith(mark)), _unmarked(raw))
    try:
        text = raw.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(raw) > _MOST:
        raise ValueError(f"flagfile: {path!r} is not a text of flags. Name a file in UTF-8 with --name=value lines.")
    return _as_argument(text)


def lines(text: str) -> list[str]:
    """Returns the lines of a flagfile that hold flags."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith(("#", "//"))]


def expanded(
    argv: Sequence[str], values: absl_flags.FlagValues, *, inside: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Returns a command line with the lines of its flagfiles in their places, and {path: text} of these.

    Args:
        argv: The arguments after the program's name.
        values: All flags, of which those with a value take the next argument.
        inside: Paths of the flagfiles in which these arguments stand.

    Raises:
        absl.flags.Error: A flagfile has no name, or includes itself.
        OSError: A flagfile cannot be read.
        ValueError: A flagfile is no text.
    """
    found: list[str] = []
    texts: dict[str, str] = {}
    rest = iter(argv)
    for argument in rest:
        name, equals, path = argument.partition("=")
        if argument == "--" or (not argument.startswith("-") and not (inside or values.is_gnu_getopt())):
            return [*found, argument, *rest], texts
        if name in ("--flagfile", "-flagfile"):
            more, more_texts = _included(path if equals else next(rest, None), values, inside)
            found += more
            texts |= more_texts
            continue
        found.append(argument)
        if not inside and not equals and _takes_text(name, values) and (text := next(rest, None)) is not None:
            found.append(text)
    return found, texts


def _included(
    path: str | None, values: absl_flags.FlagValues, inside: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Returns the arguments in a flagfile and in those that it names, and {path: text} of all."""
    if path is None:
        raise absl_flags.Error("--flagfile needs the name of a file: --flagfile=made.flags.")
    path = os.path.expanduser(path.strip())
    if not path:
        return [], {}
    if path in inside:
        raise absl_flags.Error(f"flagfile: {path!r} includes itself. Remove that line.")
    text = read(path)
    found, texts = expanded(lines(text), values, inside=[*inside, path])
    return found, {path: text, **texts}


def _takes_text(argument: str, values: absl_flags.FlagValues) -> bool:
    """Returns whether an argument `--name` takes the next one as its value."""
    name = argument.lstrip("-")
    return argument.startswith("-") and name in values and not values[name].boolean


def _unmarked(raw: bytes) -> str:
    """Returns the encoding of a text without a mark: every other byte of UTF-16 is 0 in what flags are written in."""
    return {(True, False): "utf-16-be", (False, True): "utf-16-le"}.get((raw[:1] == b"\0", raw[1:2] == b"\0"), "utf-8")


def _as_argument(text: str) -> str:
    """Returns a text as Python would give it if it stood on the command line."""
    encoding = sys.getfilesystemencoding()
    try:
        text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode().decode(encoding, "surrogateescape")
    return text
