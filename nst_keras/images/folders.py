"""Folders of pictures."""

from __future__ import annotations

import os
import pathlib

__all__ = ["SUFFIXES", "pictures"]

# In small letters; of the formats that `formats.decoding` reads.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")


def pictures(folder: str | os.PathLike) -> list[pathlib.Path]:
    """The pictures that lie in a folder itself, by name; hidden files are none.

    Args:
        folder: `~` stands for the home folder.

    Raises:
        OSError: The folder cannot be read.
    """
    files = sorted(pathlib.Path(folder).expanduser().iterdir())
    return [path for path in files if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()]
