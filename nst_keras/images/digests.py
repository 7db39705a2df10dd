"""Digests of pictures, so that runs can be compared."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from typing import Any

from nst_keras.images import downloads, folders
from nst_keras.settings import paths

__all__ = ["digest", "of_path"]


def digest(*sources: Any) -> str | None:
    """Returns the SHA-256 of pictures, in hexadecimal.

    Args:
        sources: Pictures. A file or file URL counts by the file's bytes, another URL by those of its last download, a
            folder by the names and bytes of its pictures, a numpy array, tensor or PIL image by its shape and bytes.

    Returns:
        The digest of all of them. None if one is a name that is not a file, such as a sample, or no picture.
    """
    value = hashlib.sha256()
    for source in sources:
        if isinstance(source, (str, os.PathLike)):
            path = _path(source)
            if path is None:
                return None
            for part in _parts(path):
                value.update(part)
            continue
        pixels = source if hasattr(source, "tobytes") or not hasattr(source, "numpy") else source.numpy()
        if not hasattr(pixels, "tobytes"):
            return None
        value.update(repr(tuple(getattr(source, "shape", ()))).encode())
        value.update(pixels.tobytes())
    return value.hexdigest()


def of_path(path: str | os.PathLike[str], *, largest: int | None = None) -> str:
    """Returns the SHA-256 of a file, in hexadecimal; for a folder, that of its pictures' names and digests.

    Args:
        path: A file or a folder.
        largest: Bytes that a file may have. Default: any number.

    Raises:
        OSError: It cannot be read, or is missing.
        ValueError: It is a device, a pipe or too large.
    """
    value = hashlib.sha256()
    for part in _parts(os.fspath(path), largest):
        value.update(part)
    return value.hexdigest()


def _path(source: str | os.PathLike[str]) -> str | None:
    """Returns the path of the file or folder that a name stands for; None if there is none."""
    name = paths.local(os.fspath(source))
    path = downloads.copy_of(name) if paths.is_url(name) else os.path.expanduser(name)
    return path if path is not None and (os.path.isfile(path) or os.path.isdir(path)) else None


def _parts(path: str, largest: int | None = None) -> Iterator[bytes]:
    """Yields the bytes of a file, part by part, or the names and digests of the pictures in a folder. See `of_path`."""
    if os.path.isdir(path):
        sums = {picture.name: of_path(picture, largest=largest) for picture in folders.pictures(path)}
        yield json.dumps(sums).encode()
        return
    # A pipe without a writer would wait for one.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        known = os.fstat(file.fileno())
        if not stat.S_ISREG(known.st_mode):
            raise ValueError("it is a device or a pipe")
        if largest is not None and known.st_size > largest:
            raise ValueError(f"it has over {largest // 2**30} GiB")
        left = known.st_size  # A file that grows meanwhile has an end.
        while left > 0 and (part := file.read(min(left, 2**20))):
            yield part
            left -= len(part)
