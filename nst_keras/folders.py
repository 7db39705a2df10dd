"""Folders that stand for the pictures in them, and folders that are written to."""

from __future__ import annotations

import os
import pathlib
import tempfile

__all__ = ["SUFFIXES", "make_folder", "pictures"]

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


def make_folder(argument: str, folder: str | os.PathLike) -> None:
    """Makes a folder, unless it is there already, and finds out whether files can be written into it.

    Raises:
        OSError: They cannot; the sentence names the argument.
    """
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"{argument}: {str(folder)!r} is no folder that can be written to ({error.strerror}). Choose another."
        ) from error
