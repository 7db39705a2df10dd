"""Checks arguments. An error is one sentence that names the argument, what was received and what to do.

Each check returns the value that it was given, so that it can stand in an assignment.
"""

from __future__ import annotations

import difflib
import math
import numbers
import os
import pathlib
import tempfile
from collections.abc import Iterable

__all__ = ["finite", "folder", "integer", "make_folder", "non_negative", "one_of", "sentence", "share", "unknown_name"]


def unknown_name(argument: str, value: object, choices: Iterable[str]) -> str:
    """Returns the message for a name that is not one of `choices`, with "Did you mean" if one is similar."""
    choices = list(choices)
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{argument}={value!r} is not known. {hint}Choose one of: {', '.join(choices)}."


def one_of(argument: str, value: str, choices: Iterable[str]) -> str:
    """Returns `value` if it is one of `choices`; raises `ValueError` otherwise."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(unknown_name(argument, value, choices))
    return value


def finite(argument: str, value: float) -> float:
    """Returns `value` as a float if it is a finite number; raises `ValueError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"{argument} must be a finite number, but {value!r} was given.")
    return float(value)


def non_negative(argument: str, value: float) -> float:
    """Returns `value` as a float if it is finite and 0 or more; raises `ValueError` otherwise."""
    if finite(argument, value) < 0:
        raise ValueError(f"{argument} must be 0 or more, but {value!r} was given. Use 0 to switch the term off.")
    return float(value)


def share(argument: str, value: float) -> float:
    """Returns `value` as a float if it is a number from 0 to 1; raises `ValueError` otherwise."""
    if not 0.0 <= finite(argument, value) <= 1.0:
        raise ValueError(f"{argument} must be a number from 0 to 1, but {value!r} was given.")
    return float(value)


def integer(argument: str, value: int, *, minimum: int = 1, maximum: int | None = None) -> int:
    """Returns `value` as an int if it is a whole number from `minimum` to `maximum`; raises `ValueError` otherwise."""
    is_whole = not isinstance(value, bool) and isinstance(value, numbers.Integral)
    if not is_whole or value < minimum or (maximum is not None and value > maximum):
        bounds = f"{minimum} or more" if maximum is None else f"{minimum} to {maximum}"
        raise ValueError(f"{argument} must be a whole number, {bounds}, but {value!r} was given.")
    return int(value)


def folder(argument: str, value: str | os.PathLike[str] | None) -> str | os.PathLike[str] | None:
    """Returns the name of a folder; None for None and for "", which would be the current folder.

    Raises:
        ValueError: The name holds a NUL.
    """
    if value is not None and "\0" in os.fspath(value):
        raise ValueError(f"{argument}: {os.fspath(value)!r} holds a NUL, which no name can. Choose another.")
    return value or None


def make_folder(argument: str, folder: str | os.PathLike[str]) -> None:
    """Makes a folder, unless it exists, and checks that files can be written into it.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"{argument}: {str(folder)!r} is not a folder that can be written to ({error.strerror}). Choose another."
        ) from error


def sentence(error: BaseException) -> str:
    """Returns what an error says, in one line; the name of its class if it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
