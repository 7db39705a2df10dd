"""Files out: written under a temporary name and renamed when whole, so that none is ever half-written."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import uuid
from collections.abc import Collection, Iterator

__all__ = ["check_destination", "check_suffix", "replacing"]


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[str]:
    """Gives a temporary name in the same folder, which takes the place of `path` if the block ends well.

    Raises:
        OSError: The folder is missing or may not be written to.
    """
    path = pathlib.Path(path).expanduser()
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield str(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None or pathlib.Path(error.filename) != temporary:
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error  # The user knows this name alone.
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def check_destination(argument: str, path: str | os.PathLike, suffixes: Collection[str], *, overwrite: bool) -> None:
    """Finds out before a run, as far as that goes, whether a file can be written after it.

    Raises:
        ValueError: No name, or a suffix that is not among `suffixes`.
        FileExistsError: The file exists, and `overwrite` is False.
        OSError: The folder is missing or may not be written to.
    """
    path = pathlib.Path(path)
    check_suffix(argument, path, suffixes)
    if path.is_dir():
        raise IsADirectoryError(f"{argument}: {str(path)!r} is a folder. Name a file in it.")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{argument}: {str(path)!r} exists already. Choose another name, or let it be overwritten (--overwrite)."
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = "may not be written to" if path.parent.is_dir() else "does not exist"
        raise OSError(f"{argument}: the folder of {str(path)!r} {reason}. Make it, or choose another.") from error


def check_suffix(argument: str, path: pathlib.Path, suffixes: Collection[str]) -> None:
    """Finds out whether a file is of a kind that can be written.

    Args:
        argument: How the error names the file.
        path: The file.
        suffixes: In small letters, with their dots.

    Raises:
        ValueError: No name, or a suffix that is not among `suffixes`.
    """
    if not path.name or path.suffix.lower() not in suffixes:
        raise ValueError(f"{argument}: {str(path)!r} must end in one of {', '.join(suffixes)}.")
