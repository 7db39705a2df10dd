"""Digests of pictures, so that runs can be compared."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from typing import Any

from nst_keras.images import folders
from nst_keras.settings import paths

__all__ = ["digest"]


def digest(*sources: Any) -> str | None:
    """Returns the SHA-256 of pictures, in hexadecimal.

    Args:
        sources: Pictures. A file or file URL counts by the file's bytes, a folder by the names and bytes of its
            pictures, a numpy array, tensor or PIL image by its shape and bytes.

    Returns:
        The digest of all of them. None if one is a name that is not a file, such as a URL or a sample.
    """
    value = hashlib.sha256()
    for source in sources:
        if isinstance(source, (str, os.PathLike)):
            path = pathlib.Path(paths.local(source)).expanduser()
            if not (path.is_file() or path.is_dir()):
                return None
            value.update(path.read_bytes() if path.is_file() else _sums(path))
        else:
            value.update(repr(tuple(getattr(source, "shape", ()))).encode())
            value.update(source.tobytes() if hasattr(source, "tobytes") else source.numpy().tobytes())
    return value.hexdigest()


def _sums(folder: pathlib.Path) -> bytes:
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folders.pictures(folder)}
    return json.dumps(sums).encode()
