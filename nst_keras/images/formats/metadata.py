"""Text inside picture files: where each format keeps it, and how to get it back.

- PNG: a chunk iTXt with the keyword `nst_keras`.
- JPEG: comments, as many as it takes, since one holds 64 kB, and so does EXIF.
- WebP: EXIF's UserComment.
- TIFF: ImageDescription.

All hold text of any length, in UTF-8 (EXIF: UTF-16), that other programs show, too. Outside PNG it begins with
`nst_keras:`, in JPEG with `nst_keras 1/2:` and so on, which tells it from those of cameras and other programs. This
module does not wait for TensorFlow.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable

import PIL.ExifTags
import PIL.Image

from nst_keras.images.formats import opening

__all__ = ["jpeg_comments", "png_chunk", "read", "tiff_description", "webp_exif"]

_KEYWORD = b"nst_keras"
_MARK = b"nst_keras:"
_UNICODE = b"UNICODE\0"  # How EXIF says that a UserComment is UTF-16.
_LONG, _UNDEFINED = 4, 7  # Types of EXIF.
_TIFF_DESCRIPTION = 270
_JPEG_COMMENT = b"\xff\xfe"
_JPEG_PIECE = 65_500  # Bytes in a segment, whose length, itself and the piece's number counted, has 16 bits.


def read(path: str | os.PathLike, *, argument: str = "path") -> str | None:
    """Reads the text that a picture carries.

    Args:
        path: A picture of any format that Pillow reads.
        argument: How errors name the picture.

    Returns:
        The text; None if the picture carries none of this package's, or not the whole of it.

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
    """The body of a chunk iTXt: keyword, uncompressed, no language, text."""
    return _KEYWORD + b"\0\0\0\0\0" + _encoded(text)


def jpeg_comments(text: str) -> bytes:
    """Comment segments, which stand anywhere before the picture's data, each with its number and how many there are."""
    data = _encoded(text)
    pieces = [data[start : start + _JPEG_PIECE] for start in range(0, max(1, len(data)), _JPEG_PIECE)]
    marked = [b"%s %d/%d:%s" % (_KEYWORD, number, len(pieces), piece) for number, piece in enumerate(pieces, start=1)]
    return b"".join(_JPEG_COMMENT + struct.pack(">H", len(comment) + 2) + comment for comment in marked)


def webp_exif(text: str) -> bytes:
    """EXIF data that holds the text as its UserComment, in a directory of its own, as EXIF has it."""
    comment = _UNICODE + (_MARK + _encoded(text)).decode("utf-8").encode("utf-16-be")
    # Directories of one entry each: tag, type, count, value or place of it; then no further directory.
    first = struct.pack(">HHHIII", 1, PIL.ExifTags.IFD.Exif, _LONG, 1, 26, 0)
    second = struct.pack(">HHHIII", 1, PIL.ExifTags.Base.UserComment, _UNDEFINED, len(comment), 44, 0)
    return b"Exif\0\0" + struct.pack(">2sHI", b"MM", 42, 8) + first + second + comment


def tiff_description(text: str) -> bytes:
    """The value of the tag ImageDescription."""
    return _MARK + _encoded(text)


def _encoded(text: str) -> bytes:
    """UTF-8; what cannot be in it, such as the bytes of a file's name that were none, is spelt out."""
    return text.encode("utf-8", "backslashreplace")


def _unmarked(data: bytes) -> bytes | None:
    return data.removeprefix(_MARK) if data.startswith(_MARK) else None


def _from_png(picture: PIL.Image.Image) -> bytes | None:
    # Programs may move it behind the picture's data, which `text` decodes to get there.
    text = picture.info.get(_KEYWORD.decode()) or picture.text.get(_KEYWORD.decode())
    return None if text is None else text.encode("utf-8")


def _from_jpeg(picture: PIL.Image.Image) -> bytes | None:
    comments = [data for name, data in picture.applist if name == "COM"]
    found = [re.fullmatch(_KEYWORD + rb" (\d+)/(\d+):(.*)", data, re.DOTALL) for data in comments]
    pieces = {int(match[1]): match[3] for match in found if match}
    count = max((int(match[2]) for match in found if match), default=0)
    is_whole = count > 0 and len(pieces) == count  # A program may keep the last comment only.
    return b"".join(pieces[number] for number in sorted(pieces)) if is_whole else None


def _from_webp(picture: PIL.Image.Image) -> bytes | None:
    exif = picture.getexif()
    comment = exif.get_ifd(PIL.ExifTags.IFD.Exif).get(PIL.ExifTags.Base.UserComment, b"")
    if not isinstance(comment, bytes) or not comment.startswith(_UNICODE):
        return None
    encoding = "utf-16-be" if exif.endian == ">" else "utf-16-le"
    return _unmarked(comment.removeprefix(_UNICODE).decode(encoding, "replace").encode("utf-8"))


def _from_tiff(picture: PIL.Image.Image) -> bytes | None:
    description = picture.tag_v2.get(_TIFF_DESCRIPTION)
    # Pillow takes each byte as a character.
    return _unmarked(description.encode("latin-1", "replace")) if isinstance(description, str) else None


# By Pillow's name of the format: who finds the text.
_READERS: dict[str | None, Callable[[PIL.Image.Image], bytes | None]] = {
    "PNG": _from_png,
    "JPEG": _from_jpeg,
    "WEBP": _from_webp,
    "TIFF": _from_tiff,
}
