"""Lists the pictures in a folder."""

from __future__ import annotations

import os
import pathlib

from nst_keras.images.formats import accepted

__all__ = ["SUFFIXES", "has_suffix", "pictures"]

SUFFIXES = accepted.SUFFIXES


def has_suffix(name: str | os.PathLike[str]) -> bool:
    """Returns whether a name ends as a picture's does."""
    return pathlib.PurePath(name).suffix.lower() in SUFFIXES


def pictures(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Returns the picture files in a folder, sorted by name, without hidden files and subfolders.

    Args:
        folder: A folder; `~` stands for the home folder.

    Raises:
        OSError: The folder cannot be read.
    """
    files = sorted(pathlib.Path(folder).expanduser().iterdir())
    return [path for path in files if has_suffix(path) and path.name[0] != "." and path.is_file()]
