"""JPEG files that lack their last bytes, the mark of the end. All other formats that are read need no such help."""

from __future__ import annotations

import io
import os
import pathlib

import PIL.ImageChops
import PIL.JpegImagePlugin

__all__ = ["MARK", "load"]

MARK = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_MORE_PIXELS = b"\x55\x0f\x33" * 99  # Any bytes that say something to a decoder which still needs some.


def load(picture: PIL.JpegImagePlugin.JpegImageFile) -> None:
    """Decodes a JPEG, also one that lacks the mark of its end.

    Such a file is decoded twice, once with other bytes before the mark. If these change a pixel, pixels are missing.

    Raises:
        OSError: The file is damaged, or its pixels are cut short.
    """
    try:
        picture.load()
    except OSError:
        if not _is_whole_but_for_its_end(picture):
            raise


def _is_whole_but_for_its_end(picture: PIL.JpegImagePlugin.JpegImageFile) -> bool:
    data = pathlib.Path(os.fsdecode(picture.filename)).read_bytes().rstrip(b"\xff")
    if data.endswith(_END):
        return False  # It is damaged in another way.
    tiles, found = list(picture.tile), []
    for more in (_MORE_PIXELS, b""):
        if picture.fp is not None:
            picture.fp.close()
        picture.tile, picture.fp = list(tiles), io.BytesIO(data + more + _END)
        picture.load()
        found.append(picture.copy())
    return PIL.ImageChops.difference(*found).getbbox() is None
