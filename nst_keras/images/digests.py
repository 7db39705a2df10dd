"""Digests of pictures, so that runs can be compared."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from nst_keras.images import downloads, folders
from nst_keras.settings import paths

__all__ = ["digest"]


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


def _path(source: str | os.PathLike[str]) -> str | None:
    """Returns the path of the file or folder that a name stands for; None if there is none."""
    name = paths.local(os.fspath(source))
    path = downloads.copy_of(name) if paths.is_url(name) else os.path.expanduser(name)
    return path if path is not None and (os.path.isfile(path) or os.path.isdir(path)) else None


def _parts(path: str) -> Iterator[bytes]:
    """Yields the bytes of a file, part by part, or the names and digests of the pictures in a folder."""
    if os.path.isdir(path):
        yield json.dumps({picture.name: digest(picture) for picture in folders.pictures(path)}).encode()
        return
    with open(path, "rb") as file:
        while part := file.read(2**20):
            yield part
