"""Files, each written under a temporary name and renamed once it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pathlib
import re
import secrets
import socket
import tempfile
from collections.abc import Collection, Iterator

import PIL.Image

__all__ = ["check_destination", "check_suffix", "encoded", "free_name", "replacing", "sweep", "write_text"]

# Temporary names tell which file they are for, on which system they are written, and by which process. They are short,
# since a file may already have the longest name that a disk allows.
_MARK = ".nst_keras-"
_TEMPORARY = re.compile(rf"{re.escape(_MARK)}(?P<file>\w+)-(?P<place>\w+)-(?P<process>\d+)-\w+\.tmp.*", re.ASCII)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[str]:
    """Yields a temporary name in the same folder. If the block succeeds, that file replaces `path`; else it is removed.

    A symbolic link stays, and its target is replaced. Temporary files for the same path that killed processes of this
    machine have left are removed.

    Raises:
        OSError: The folder does not exist or may not be written to, or the disk is full. The error names `path`.
    """
    path = pathlib.Path(path).expanduser()
    target = pathlib.Path(os.path.realpath(path)) if path.is_symlink() else path
    sweep(target.parent, target.name)
    unique = f"{_place()}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = target.with_name(f"{_MARK}{_short(target.name)}-{unique}.tmp{target.suffix}")
    try:
        yield str(temporary)
        os.replace(temporary, target)
    except OSError as error:
        if error.filename is not None and pathlib.Path(error.filename) != temporary:
            raise
        # The user knows only this name. A full disk is told without any.
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def sweep(folder: pathlib.Path, name: str | None = None) -> None:
    """Removes temporary files that killed processes of this machine have left, as far as it may.

    Those of living processes and of other machines stay.

    Args:
        folder: The folder; it need not exist.
        name: The name of the file that they were for. Default: any file.
    """
    whose = None if name is None else _short(name)
    with contextlib.suppress(OSError):
        for left in os.listdir(folder):
            found = _TEMPORARY.fullmatch(left)
            if found is None or found["place"] != _place() or whose not in (None, found["file"]):
                continue
            if not _is_alive(int(found["process"])):
                (folder / left).unlink()


def _is_alive(process: int) -> bool:
    """Returns whether a process of this machine runs. Where the system cannot tell: True."""
    if os.name != "posix":
        return True  # Windows' `os.kill` would end it.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # Another user's.
    return True


def _place() -> str:
    """Returns a digest of this machine's name, and in Linux of the container whose processes this one sees."""
    container = ""
    with contextlib.suppress(OSError):
        container = os.readlink("/proc/self/ns/pid")
    return _short(socket.gethostname() + container)


def _short(text: str) -> str:
    """Returns eight characters that stand for a text."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all.

    Bytes of file names that Python could not decode are written as they are, so that the names can be read back.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # Other surrogates, which no name has.
        data = text.encode("utf-8", "backslashreplace")
    with replacing(path) as temporary:
        pathlib.Path(temporary).write_bytes(data)


def free_name(path: pathlib.Path) -> pathlib.Path:
    """Returns the path itself, or with the first number in its name for which no file exists."""
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_stem(f"{path.stem}_{number}")
    return found


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
        ValueError: The path has no file name, or another suffix, or is a device or a pipe.
        IsADirectoryError: The path is a folder.
        FileExistsError: The file exists, and `overwrite` is False.
        OSError: The folder does not exist or may not be written to.
    """
    path = pathlib.Path(path)
    check_suffix(argument, path, suffixes)
    target = os.path.realpath(path)  # Where a link leads.
    if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
        raise ValueError(f"{argument}: {str(path)!r} is a device or a pipe, and no file. Choose another name.")
    if path.is_dir():
        raise IsADirectoryError(f"{argument}: {str(path)!r} is a folder. Name a file in it.")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{argument}: {str(path)!r} exists already. Choose another name, or let it be overwritten (--overwrite)."
        )
    try:
        with tempfile.TemporaryFile(dir=os.path.dirname(target)):
            pass
    except OSError as error:
        reason = "may not be written to" if os.path.isdir(os.path.dirname(target)) else "does not exist"
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
