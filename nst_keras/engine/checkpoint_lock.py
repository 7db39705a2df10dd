"""A lock on a folder of checkpoints: one run at a time writes there. It ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import re
import socket
import sys
from collections.abc import Generator

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["NAME", "held"]

NAME = ".lock"

_PLACE = 2**30  # The byte that Windows locks: behind the text, which others may then read.
_IN_USE = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
# A link could lead to a file of any other kind, and a pipe could wait for its other end.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextlib.contextmanager
def held(folder: str | os.PathLike[str] | None, *, argument: str = "checkpoint_dir") -> Generator[None, None, None]:
    """Holds a folder's lock for the length of a `with` block. Where the file system has no locks, it holds nothing.

    Args:
        folder: The folder, made if it does not exist; None: there is nothing to hold.
        argument: The argument that the error names.

    Raises:
        RuntimeError: Another run holds the lock, in this process or another.
    """
    if folder is None:
        yield
        return
    path = pathlib.Path(folder).expanduser() / NAME
    file = _locked(path, folder, argument)
    try:
        yield
    finally:
        if file is not None:
            _release(file, path)


def _locked(path: pathlib.Path, folder: str | os.PathLike[str], argument: str) -> int | None:
    """Returns the descriptor of the locked file; None where there can be no lock."""
    while (file := _opened(path)) is not None:
        try:
            _lock(file)
        except OSError as error:
            owner = _owner(file)
            os.close(file)
            if error.errno not in _IN_USE:
                return None
            raise RuntimeError(
                f"{argument}: {str(folder)!r} is in use by another run{owner}. Wait for it, or choose another folder."
            ) from None
        if _is_there(file, path):
            _sign(file)
            return file
        os.close(file)  # Its last owner has just removed it: there may be a new one, which another run may hold.
    return None


def _opened(path: pathlib.Path) -> int | None:
    """Returns a descriptor of the file, made if need be; None where it cannot be. The run itself says why not."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    for access in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):  # Another user's file may be locked, if not written.
        with contextlib.suppress(OSError):
            return os.open(path, access | _FLAGS, 0o666)
    return None


def _lock(file: int) -> None:
    """Locks a file at once, or raises `OSError`."""
    if sys.platform == "win32":
        os.lseek(file, _PLACE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _release(file: int, path: pathlib.Path) -> None:
    """Removes a locked file and lets go of its lock, also where a forked process still has it open."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            os.close(file)  # Windows removes no open file.
            path.unlink()
        else:
            if _is_there(file, path):
                path.unlink()
            fcntl.flock(file, fcntl.LOCK_UN)
    if sys.platform != "win32":
        os.close(file)


def _is_there(file: int, path: pathlib.Path) -> bool:
    """Returns whether a path still names the file that is open."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except OSError:
        return False


def _sign(file: int) -> None:
    """Writes into a locked file who holds it. On a full disk, it says nothing."""
    with contextlib.suppress(OSError):
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())


def _owner(file: int) -> str:
    """Returns who holds a file, in brackets; "" where it does not say so in plain characters."""
    try:
        os.lseek(file, 0, os.SEEK_SET)
        text = os.read(file, 200).decode(errors="replace")
    except OSError:
        return ""
    found = re.fullmatch(r"process \d+ on [\w.-]+", text, re.ASCII)
    return f" ({found[0]})" if found else ""
