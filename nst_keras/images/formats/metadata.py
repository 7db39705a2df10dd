"""Text inside picture files: where each format stores it, and how to read it back.

- PNG: a chunk iTXt with the keyword `nst_keras`.
- JPEG: several comments, since one comment holds at most 64 kB (and so does EXIF).
- WebP: EXIF's UserComment.
- TIFF: ImageDescription.

Each holds text of any length, which other programs show too: UTF-8, or UTF-16 in EXIF. Outside PNG the text begins
with a mark that sets it apart from the texts of cameras and other programs: `nst_keras:`, and in JPEG
`nst_keras 1/2:` with the number of each piece. This module needs no TensorFlow.
"""

from __future__ import annotations

import logging
import os
import re
import struct
from collections.abc import Callable
from typing import Any

import PIL.ExifTags
import PIL.Image
import PIL.JpegImagePlugin
import PIL.TiffImagePlugin
import PIL.TiffTags

from nst_keras.images.formats import opening

__all__ = ["jpeg_comments", "png_chunk", "read", "tiff_description", "webp_exif"]

# Without a handler, Python prints what Pillow logs of a damaged file, before the sentence that we raise.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_KEYWORD = b"nst_keras"
_MARK = b"nst_keras:"
_UNICODE = b"UNICODE\0"  # EXIF's mark of a UserComment in UTF-16.
_JPEG_COMMENT = b"\xff\xfe"
_JPEG_PIECE = 65_500  # Bytes of text in a segment. The segment's length has 16 bits and counts its own mark too.


def read(path: str | os.PathLike[str], *, argument: str = "path") -> str | None:
    """Reads the text that this package stored in a picture.

    Args:
        path: A picture of any format that Pillow reads.
        argument: The argument that error messages name.

    Returns:
        The text. None if the picture holds no text of this package, or only a part of it.

    Raises:
        FileNotFoundError: No such file.
        OSError: The file cannot be read.
        ValueError: Not a picture, or damaged.
    """
    with opening.opened(path, argument=argument) as picture:
        text = _READERS.get(picture.format, lambda picture: None)(picture)
    try:
        return None if text is None else text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{argument}: the text in {os.fspath(path)!r} is damaged. Get a whole copy of it.") from error


def png_chunk(text: str) -> bytes:
    """Returns the body of a chunk iTXt: keyword, uncompressed, no language, text."""
    return _KEYWORD + b"\0\0\0\0\0" + _encoded(text)


def jpeg_comments(text: str) -> bytes:
    """Returns comment segments for any place before the picture's data, each with its number and their count."""
    data = _encoded(text)
    pieces = [data[start : start + _JPEG_PIECE] for start in range(0, max(1, len(data)), _JPEG_PIECE)]
    marked = [b"%s %d/%d:%s" % (_KEYWORD, number, len(pieces), piece) for number, piece in enumerate(pieces, start=1)]
    return b"".join(_JPEG_COMMENT + struct.pack(">H", len(comment) + 2) + comment for comment in marked)


def webp_exif(text: str) -> bytes:
    """Returns EXIF data that holds the text as its UserComment.

    `PIL.Image.Exif` would write the comment as BYTE instead of UNDEFINED, which Exiv2 shows as a list of numbers.
    """
    comment = _UNICODE + (_MARK + _encoded(text)).decode("utf-8").encode("utf-16-be")
    # Two directories of one entry each: tag, type, count, value or its offset; then no further directory.
    first = struct.pack(">HHHIII", 1, PIL.ExifTags.IFD.Exif, PIL.TiffTags.LONG, 1, 26, 0)
    kind = PIL.TiffTags.UNDEFINED
    second = struct.pack(">HHHIII", 1, PIL.ExifTags.Base.UserComment, kind, len(comment), 44, 0)
    return b"Exif\0\0" + struct.pack(">2sHI", b"MM", 42, 8) + first + second + comment


def tiff_description(text: str) -> bytes:
    """Returns the value of the tag ImageDescription."""
    return _MARK + _encoded(text)


def _encoded(text: str) -> bytes:
    """Returns UTF-8. Lone surrogates, as in the name of a file that is not UTF-8, are spelt out."""
    return text.encode("utf-8", "backslashreplace")


def _unmarked(data: bytes) -> bytes | None:
    return data.removeprefix(_MARK) if data.startswith(_MARK) else None


def _from_png(picture: PIL.Image.Image) -> bytes | None:
    """Returns the text with our keyword, which `pngs` puts before the pixels: none of them is decoded."""
    text = picture.info.get(_KEYWORD.decode())
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else None


def _from_jpeg(picture: PIL.JpegImagePlugin.JpegImageFile) -> bytes | None:
    comments = [data for name, data in picture.applist if name == "COM"]
    found = [re.fullmatch(_KEYWORD + rb" (\d{1,6})/(\d{1,6}):(.*)", data, re.DOTALL) for data in comments]
    pieces = {int(match[1]): match[3] for match in found if match}
    count = max((int(match[2]) for match in found if match), default=0)
    is_whole = count > 0 and len(pieces) == count  # Other programs may keep the last comment only.
    return b"".join(pieces[number] for number in sorted(pieces)) if is_whole else None


def _from_webp(picture: PIL.Image.Image) -> bytes | None:
    exif = picture.getexif()
    comment = exif.get_ifd(PIL.ExifTags.IFD.Exif).get(PIL.ExifTags.Base.UserComment, b"")
    if not isinstance(comment, bytes) or not comment.startswith(_UNICODE):
        return None
    encoding = "utf-16-be" if exif.endian == ">" else "utf-16-le"
    return _unmarked(comment.removeprefix(_UNICODE).decode(encoding, "replace").encode("utf-8"))


def _from_tiff(picture: PIL.TiffImagePlugin.TiffImageFile) -> bytes | None:
    description = picture.tag_v2.get(PIL.ExifTags.Base.ImageDescription)
    # Pillow reads each byte as a character.
    return _unmarked(description.encode("latin-1", "replace")) if isinstance(description, str) else None


# Readers of the stored text, by Pillow's name of the format. PNG is read without Pillow.
_READERS: dict[str | None, Callable[[Any], bytes | None]] = {
    "PNG": _from_png,
    "JPEG": _from_jpeg,
    "WEBP": _from_webp,
    "TIFF": _from_tiff,
}
