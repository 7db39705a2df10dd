"""Saves a finished picture in any case: where its file cannot be written, as PNG in another place."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator

from nst_keras import export, settings
from nst_keras.engine import result as result_lib

__all__ = ["saved"]


def saved(
    result: result_lib.Result, path: pathlib.Path, asked: settings.SaveSettings
) -> tuple[pathlib.Path, OSError | None]:
    """Saves a picture, and returns its file, with the error that says so if it had to be another one than `path`.

    The other file is a PNG beside `path`, in the current folder or in the folder for temporary files: as asked for, or
    at the picture's own size with 8 bits a channel and no record, where that fails too.

    Args:
        result: The result of the run.
        path: The file.
        asked: How the picture is saved.

    Raises:
        OSError: The picture can be written nowhere.
    """
    try:
        result.save_as(path, asked)
    except Exception as error:
        reason = f"output: {str(path)!r} could not be written ({str(error) or type(error).__name__})"
        for other, how in _others(path, asked):
            try:
                result.save_as(other, how)
            except Exception:  # Whatever stands in the way here, the next place may do.
                continue
            return other, OSError(f"{reason}; the picture is in {str(other)!r} instead.")
        raise OSError(f"{reason}, nor a PNG beside it, in the current folder or for temporary files.") from error
    return path, None


def _others(path: pathlib.Path, asked: settings.SaveSettings) -> Iterator[tuple[pathlib.Path, settings.SaveSettings]]:
    """Yields other files for a picture, each with how it is saved. None of them exists."""
    for folder in (path.parent, pathlib.Path.cwd(), pathlib.Path(tempfile.gettempdir())):
        for how in (asked, settings.SaveSettings(metadata=False)):
            yield export.free_name(folder.absolute() / f"{path.stem}.png"), how
