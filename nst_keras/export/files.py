"""Files, each written under a temporary name and renamed once it is whole."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import tempfile
import uuid
from collections.abc import Collection, Iterator

import PIL.Image

__all__ = ["check_destination", "check_suffix", "encoded", "replacing"]


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[str]:
    """Yields a temporary name in the same folder. If the block succeeds, that file replaces `path`; else it is removed.

    Raises:
        OSError: The folder does not exist or may not be written to.
    """
    path = pathlib.Path(path).expanduser()
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield str(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None or pathlib.Path(error.filename) != temporary:
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error  # The user knows only this name.
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def encoded(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    """Returns a picture as the bytes of a file.

    Pillow itself does not notice when a full disk takes only half of a file. Whoever writes these bytes does.

    Args:
        picture: Any picture that the format can hold.
        kind: Pillow's name of the format, such as "PNG".
        options: Pillow's options for the format.
    """
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def check_destination(argument: str, path: str | os.PathLike, suffixes: Collection[str], *, overwrite: bool) -> None:
    """Checks, before a run, that a file can be written after it.

    Args:
        argument: The argument that errors name.
        path: The file.
        suffixes: Suffixes that can be written, in lower case, with their dots.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ValueError: The path has no file name, or another suffix.
        IsADirectoryError: The path is a folder.
        FileExistsError: The file exists, and `overwrite` is False.
        OSError: The folder does not exist or may not be written to.
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
    """Checks that a file is of a kind that can be written.

    Args:
        argument: The argument that the error names.
        path: The file.
        suffixes: Suffixes that can be written, in lower case, with their dots.

    Raises:
        ValueError: The path has no file name, or another suffix.
    """
    if not path.name or path.suffix.lower() not in suffixes:
        raise ValueError(f"{argument}: {str(path)!r} must end in one of {', '.join(suffixes)}.")
