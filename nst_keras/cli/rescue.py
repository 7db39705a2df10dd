"""Saves a finished picture in any case: where its file cannot be written, as PNG in another place."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

from nst_keras import export, settings
from nst_keras.engine import result as result_lib

__all__ = ["saved"]


def saved(
    result: result_lib.Result, path: pathlib.Path, asked: settings.SaveSettings
) -> tuple[pathlib.Path, OSError | None]:
    """Saves a picture, and returns the file written, and an error if that is not `path`.

    Another file is a PNG beside `path`, in the current folder or in the folder for temporary files. If it fits into
    none of them as asked for, it has the picture's own size, 8 bits a channel and no record.

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
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = f"output: {str(path)!r} could not be written ({what})"
        for other, how in _others(path, asked):
            try:
                result.save_as(other, how)
            except Exception:  # Whatever stands in the way here, the next place may do.
                continue
            lesser = "" if how is asked else ", at its own size with 8 bits a channel"
            return other, OSError(f"{reason}; the picture is in {str(other)!r} instead{lesser}.")
        raise OSError(f"{reason}, nor a PNG beside it, in the current folder or for temporary files.") from error
    return path, None


def _others(path: pathlib.Path, asked: settings.SaveSettings) -> Iterator[tuple[pathlib.Path, settings.SaveSettings]]:
    """Yields other files for a picture, each with how it is saved. None of them exists."""
    for how in (asked, settings.SaveSettings(metadata=False)):
        for place in (path.parent, ".", tempfile.gettempdir()):
            with contextlib.suppress(OSError):  # The current folder may be gone.
                folder = pathlib.Path(place).absolute()
                yield export.free_name(folder / f"{path.stem}.png"), how
