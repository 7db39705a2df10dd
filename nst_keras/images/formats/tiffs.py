"""TIFFs by rows: only the strips or tiles that hold them are decoded, so that no picture is too large to read."""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Iterator

import numpy as np
import PIL.Image
import tifffile

__all__ = ["TiffRows", "colours", "opened"]

_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_STRIP = 64  # Rows.
_ICC_PROFILE, _ORIENTATION = 34675, 274
_KINDS = {tifffile.PHOTOMETRIC.MINISBLACK: (1,), tifffile.PHOTOMETRIC.RGB: (3, 4)}


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[TiffRows | None]:
    """Opens the first page of a TIFF for the length of a block.

    Args:
        path: Of any file.

    Yields:
        Its rows; None where they cannot be had piece by piece: no TIFF, a damaged one, other pixels than grey, RGB or
        RGBA of 8 or 16 bits, a compression that needs the package `imagecodecs`, or one piece that is large itself.
    """
    with contextlib.ExitStack() as stack:
        try:
            rows = _rows(stack, path)
        except Exception:  # Whatever it is, Pillow tells it.
            rows = None
        yield rows


def _rows(stack: contextlib.ExitStack, path: str | os.PathLike) -> TiffRows | None:
    with open(path, "rb") as file:
        if file.read(4) not in _MARKS:
            return None
    page = stack.enter_context(tifffile.TiffFile(path)).pages[0]
    is_known = page.samplesperpixel in _KINDS.get(page.photometric, ()) and page.imagedepth == 1
    if not is_known or page.dtype not in (np.uint8, np.uint16):
        return None
    rows = TiffRows(page)
    if rows.is_too_coarse:
        return None
    rows.read(0, 1)  # Tells whether the compression is known.
    return rows


class TiffRows:
    """The rows of a page.

    Attributes:
        size: Height and width, as they are stored.
        orientation: EXIF's.
        profile: The colour profile (ICC), or None.
    """

    def __init__(self, page: tifffile.TiffPage) -> None:
        self._page = page
        self.size = page.imagelength, page.imagewidth
        self.orientation = int(page.tags.valueof(_ORIENTATION, default=1))
        self.profile: bytes | None = page.tags.valueof(_ICC_PROFILE)
        self._piece = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        decode = self._decoded
        if page.is_memmappable:  # Uncompressed and in one: as well as in strips of any length.
            self._piece, decode = (_STRIP, page.imagewidth), self._stored
        self._across = -(-page.imagewidth // self._piece[1])
        self._planes = page.samplesperpixel if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else 1
        # Bands cut through a row of pieces, which is then asked for twice.
        self._row_of_pieces = functools.lru_cache(maxsize=1)(decode)

    @property
    def is_too_coarse(self) -> bool:
        """Whether one row of pieces has more pixels than are decoded at once; then Pillow says so."""
        limit = PIL.Image.MAX_IMAGE_PIXELS
        return limit is not None and min(self._piece[0], self.size[0]) * self.size[1] > limit

    def read(self, top: int, bottom: int) -> np.ndarray:
        """The rows from `top` to before `bottom`.

        Returns:
            uint8 or uint16 [their number, width, 1 | 3 | 4].

        Raises:
            OSError: A damaged file.
        """
        length = self._piece[0]
        parts = []
        for row in range(top // length, -(-bottom // length)):
            try:
                decoded = self._row_of_pieces(row)
            except Exception as error:  # Each compression has its own.
                raise OSError(error) from error
            parts.append(decoded[max(0, top - row * length) : bottom - row * length])
        return colours(parts[0] if len(parts) == 1 else np.concatenate(parts), self._page.extrasamples)

    def _decoded(self, row: int) -> np.ndarray:
        """One row of strips or tiles, [rows, width, channels]."""
        page, (length, piece_width) = self._page, self._piece
        rows = min(length, self.size[0] - row * length)
        pixels = np.zeros((rows, self.size[1], page.samplesperpixel), page.dtype)
        down = -(-self.size[0] // length)
        for plane in range(self._planes):
            channels = slice(None) if self._planes == 1 else slice(plane, plane + 1)
            for column in range(self._across):
                index = (plane * down + row) * self._across + column
                piece, *_ = page.decode(self._data(index), index)
                if piece is not None:  # Else it is all of zeros, and not stored.
                    target = pixels[:, column * piece_width : (column + 1) * piece_width, channels]
                    target[:] = piece[0, :rows, : target.shape[1]]
        return pixels

    def _stored(self, row: int) -> np.ndarray:
        """Some rows that are stored as they are, [rows, width, channels]."""
        page, (length, width) = self._page, self._piece
        rows = min(length, self.size[0] - row * length)
        shape = rows, width, page.samplesperpixel // self._planes
        count = math.prod(shape) * page.dtype.itemsize
        starts = [page.dataoffsets[0] + plane * self.size[0] * count // rows for plane in range(self._planes)]
        data = [self._bytes(start + row * length * (count // rows), count) for start in starts]
        dtype = page.dtype.newbyteorder(page.parent.byteorder)
        planes = [np.frombuffer(plane, dtype).reshape(shape) for plane in data]
        return np.concatenate(planes, axis=-1).astype(page.dtype, copy=False)

    def _data(self, index: int) -> bytes | None:
        count = self._page.databytecounts[index]
        return self._bytes(self._page.dataoffsets[index], count) if count else None

    def _bytes(self, start: int, count: int) -> bytes:
        file = self._page.parent.filehandle
        file.seek(start)
        data = file.read(count)
        if len(data) < count:
            raise OSError("the file is cut short")
        return data


def colours(levels: np.ndarray, extra: tuple[int, ...]) -> np.ndarray:
    """Pixels of a TIFF with its extra samples understood.

    Args:
        levels: uint8 or uint16 [height, width, channels].
        extra: The tag ExtraSamples.

    Returns:
        The same kind, [height, width, 1 | 3 | 4]: what is no alpha left out, what is multiplied by it divided again.
    """
    if extra == (tifffile.EXTRASAMPLE.ASSOCALPHA,):
        highest = np.iinfo(levels.dtype).max
        alpha = np.maximum(levels[..., 3:], 1)
        colour = np.minimum(np.rint(levels[..., :3] * (highest / alpha)), highest)
        return np.concatenate([colour.astype(levels.dtype), levels[..., 3:]], axis=-1)
    return levels[..., :3] if extra == (tifffile.EXTRASAMPLE.UNSPECIFIED,) else levels
