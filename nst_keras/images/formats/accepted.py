"""The formats of pictures that are read, and no others: Pillow's names, suffixes, a sentence, and how a file begins.

Pillow knows fifty formats, and opens a file by what is in it, whatever its name. Some of them start other programs.
"""

from __future__ import annotations

import PIL.Image

__all__ = ["ASK", "SUFFIXES", "head", "pillow_formats"]

# Suffixes of files in lower case, by Pillow's name of the format. HEIF needs the package pillow-heif.
_FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WEBP": (".webp",),
    "HEIF": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
}
SUFFIXES = tuple(suffix for suffixes in _FORMATS.values() for suffix in suffixes)
ASK = "Give a PNG, JPEG, WebP, HEIC, AVIF, TIFF, BMP or GIF."


def pillow_formats() -> list[str]:
    """Returns the value for `PIL.Image.open(formats=...)`: the formats here that the installed Pillow reads."""
    PIL.Image.init()
    return [name for name in _FORMATS if name in PIL.Image.OPEN]


def head(path: str, length: int) -> bytes:
    """Returns the first bytes of a file."""
    with open(path, "rb") as file:
        return file.read(length)
