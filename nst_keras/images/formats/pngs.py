"""PNG files without what their pixels do not need.

Other programs store texts of any size in a PNG, for which Pillow refuses the whole picture. Here such chunks are passed
over in the file: Pillow sees those of the pixels, and the few others that this package reads. It needs no TensorFlow.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import PIL.PngImagePlugin

__all__ = ["SIGNATURE", "opened", "reduced"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
_PIXELS = (b"IHDR", b"PLTE", b"IDAT")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# This package's settings, and where programs store which side is up.
_KEYWORDS = (b"nst_keras", b"XML:com.adobe.xmp", b"Raw profile type exif")
_LARGEST = 1 << 24  # Bytes of a chunk outside the pixels, and of an unpacked profile.
_MOST = 1_000_000  # Chunks of a file.


class _Chunk(NamedTuple):
    """Where a chunk is in its file. `start` is that of its length, and `body` that of its data."""

    kind: bytes
    start: int
    length: int

    @property
    def body(self) -> int:
        """Where its data begins."""
        return self.start + 8

    @property
    def end(self) -> int:
        """Where the next chunk begins."""
        return self.body + self.length + 4


class _Pieces(io.RawIOBase):
    """Pieces of files, which are read as one file.

    Args:
        pieces: Each a file, where the piece starts in it, and how many bytes it has.
    """

    def __init__(self, pieces: list[tuple[BinaryIO, int, int]]) -> None:
        super().__init__()
        self._pieces = pieces
        self._starts = list(itertools.accumulate((length for _, _, length in pieces), initial=0))
        self._place = 0

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a place in the pieces taken together, and returns it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._starts[-1]}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        """Fills a buffer from the piece at the present place, and returns the number of bytes."""
        index = bisect.bisect_right(self._starts, self._place) - 1
        if index >= len(self._pieces):
            return 0
        (file, start, length), within = self._pieces[index], self._place - self._starts[index]
        file.seek(start + within)
        data = file.read(min(len(buffer), length - within))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


@contextlib.contextmanager
def opened(path: str) -> Iterator[PIL.PngImagePlugin.PngImageFile]:
    """Opens a PNG for the length of a block.

    Args:
        path: A file that begins with `SIGNATURE`.

    Yields:
        The picture. Of texts it has the settings of this package and those that say which side is up.

    Raises:
        OSError: More chunks than a picture has.
        Exception: Whatever Pillow raises for a damaged file.
    """
    with open(path, "rb") as file:
        chunks = list(_chunks(file))
        picture = PIL.PngImagePlugin.PngImageFile(_reduced(file, chunks), path)
        profile = next((chunk for chunk in chunks if chunk.kind == b"iCCP"), None)
        if profile is not None:
            picture.info["icc_profile"] = _profile(_data(file, profile))
        with picture:
            yield picture


def reduced(path: str) -> bytes:
    """Returns the whole of a PNG without what its pixels do not need."""
    with open(path, "rb") as file:
        return _reduced(file, list(_chunks(file))).read()


def _chunks(file: BinaryIO) -> Iterator[_Chunk]:
    """Yields the chunks before IEND. In a truncated file, the `end` of the last one is beyond the file."""
    size = file.seek(0, io.SEEK_END)
    start = len(SIGNATURE)
    for _ in range(_MOST):
        file.seek(start)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        chunk = _Chunk(head[4:], start, int.from_bytes(head[:4], "big"))
        yield chunk
        if chunk.end > size:
            return
        start = chunk.end
    raise OSError(f"it has more than {_MOST} chunks")


def _reduced(file: BinaryIO, chunks: list[_Chunk]) -> io.BufferedReader:
    """Returns the file of the chunks that are needed, texts before the pixels, and its end if that alone is missing."""
    seen: set[bytes] = set()
    texts = [chunk for chunk in chunks if _is_needed_text(file, chunk, seen)]
    others = [chunk for chunk in chunks if chunk.kind in _PIXELS or _is_whole(file, chunk, b"tRNS")]
    pieces = [(file, 0, len(SIGNATURE))]
    pieces += [(file, chunk.start, chunk.end - chunk.start) for chunk in [*others[:1], *texts, *others[1:]]]
    if not chunks or chunks[-1].end <= file.seek(0, io.SEEK_END):
        pieces.append((io.BytesIO(_END), 0, len(_END)))
    return io.BufferedReader(_Pieces(pieces))


def _is_needed_text(file: BinaryIO, chunk: _Chunk, seen: set[bytes]) -> bool:
    """Returns whether a chunk holds EXIF, or the first readable text of one of the keywords, and notes it in `seen`."""
    if not _is_whole(file, chunk, b"eXIf", *_TEXTS):
        return False
    data = _data(file, chunk)
    keyword = data.partition(b"\0")[0] if chunk.kind in _TEXTS else chunk.kind
    if keyword not in (*_KEYWORDS, b"eXIf") or keyword in seen:
        return False
    try:  # Pillow itself says whether it takes the chunk, by which it would refuse the picture.
        read = getattr(PIL.PngImagePlugin.PngStream(io.BytesIO(data)), f"chunk_{chunk.kind.decode()}")
        read(0, len(data))
    except Exception:
        return False
    seen.add(keyword)
    return True


def _is_whole(file: BinaryIO, chunk: _Chunk, *kinds: bytes) -> bool:
    """Returns whether a chunk is one of these kinds, of a size that is read, and has the right checksum."""
    if chunk.kind not in kinds or chunk.length > _LARGEST:
        return False
    data = _data(file, chunk)
    return file.read(4) == zlib.crc32(data, zlib.crc32(chunk.kind)).to_bytes(4, "big")


def _data(file: BinaryIO, chunk: _Chunk) -> bytes:
    file.seek(chunk.body)
    return file.read(min(chunk.length, _LARGEST))


def _profile(data: bytes) -> bytes:
    """Returns the colour profile in the data of a chunk; other bytes, which are no profile, if it is damaged."""
    packed = data.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(packed, _LARGEST) or data
    except zlib.error:
        return data
