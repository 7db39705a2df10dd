"""Reads TIFFs by rows: it decodes only the strips or tiles that hold them, so pictures of any size can be read."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import os
from collections.abc import Iterator

import numpy as np
import PIL.ExifTags
import PIL.Image
import tifffile

__all__ = ["TiffRows", "channels_last", "colours", "opened"]

_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_STRIP = 64  # Rows read at once from a picture that is stored uncompressed and in one piece.
_CHANNEL_COUNTS: dict[int, tuple[int, ...]] = {
    tifffile.PHOTOMETRIC.MINISBLACK: (1, 2),
    tifffile.PHOTOMETRIC.RGB: (3, 4),
}


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[TiffRows | None]:
    """Opens the first page of a TIFF for the length of a block.

    Args:
        path: Any file.

    Yields:
        The page's rows. None if they cannot be read piece by piece: not a TIFF, a damaged one, other pixels than grey,
        RGB or RGBA of 8 or 16 bits, a compression that needs the package `imagecodecs`, or one piece that is too large.
    """
    with contextlib.ExitStack() as stack:
        try:
            rows = _rows(stack, path)
        except Exception:  # Whatever it is, Pillow reports it.
            rows = None
        yield rows


def _rows(stack: contextlib.ExitStack, path: str | os.PathLike[str]) -> TiffRows | None:
    with open(path, "rb") as file:
        if file.read(4) not in _MARKS:
            return None
    page = stack.enter_context(tifffile.TiffFile(path)).pages.first
    is_known = page.samplesperpixel in _CHANNEL_COUNTS.get(page.photometric, ()) and page.imagedepth == 1
    if not is_known or page.dtype is None:
        return None
    rows = TiffRows(page)
    if rows.unknown_numbers:
        return rows
    if page.dtype not in (np.uint8, np.uint16) or page.bitspersample not in (8, 16):
        return None
    if rows.is_too_coarse:
        return None
    if not page.is_memmappable:
        rows.read(0, 1)  # Raises for an unknown compression.
    return rows


class TiffRows:
    """The rows of a page.

    Args:
        page: A page of grey, RGB or RGBA pixels, whose file is open.

    Attributes:
        size: Height and width, as stored.
        nbytes: Bytes of all its pixels.
        orientation: EXIF's number, 1 to 8; 1 is upright.
        profile: The colour profile (ICC), or None. Grey of 16 bits is taken as it is, without one.
    """

    def __init__(self, page: tifffile.TiffPage) -> None:
        self._page = page
        self.size = page.imagelength, page.imagewidth
        self._dtype = np.dtype(page.dtype)
        orientation = page.tags.valueof(PIL.ExifTags.Base.Orientation, default=1)
        self.orientation = orientation if orientation in range(1, 9) else 1
        is_deep_grey = page.samplesperpixel < 3 and self._dtype == np.uint16
        self.profile: bytes | None = None if is_deep_grey else page.tags.valueof(PIL.ExifTags.Base.InterColorProfile)
        numbers = (*self.size, page.samplesperpixel, page.rowsperstrip, page.tilelength, page.tilewidth)
        if not all(isinstance(number, int) for number in numbers) or 0 in numbers[:3]:
            raise ValueError("a tag of another type, or no pixels")
        self.nbytes = math.prod(numbers[:3]) * self._dtype.itemsize
        self._piece = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        read_pieces = self._decoded
        if page.is_memmappable:
            self._piece, read_pieces = (_STRIP, page.imagewidth), self._mapped
        # Bands cut through a row of pieces, which is then needed twice.
        self._row_of_pieces = functools.lru_cache(maxsize=1)(read_pieces)

    @property
    def unknown_numbers(self) -> str | None:
        """What it holds, if that has no range by which it can be shown; None if it is left to Pillow."""
        if self._dtype.kind == "f":
            return "floats"
        is_wide = self._dtype.kind == "i" or (self._dtype.kind == "u" and self._dtype.itemsize > 2)
        return f"integers ({self._dtype})" if is_wide and self._page.samplesperpixel > 1 else None

    @property
    def is_beyond_pillow(self) -> bool:
        """Whether Pillow does not read such pixels: 16 bits of grey with alpha."""
        return self._page.samplesperpixel == 2 and self._dtype == np.uint16

    @property
    def is_too_coarse(self) -> bool:
        """Whether one row of pieces has more pixels than Pillow's limit for decoding at once."""
        limit = PIL.Image.MAX_IMAGE_PIXELS
        return limit is not None and min(self._piece[0], self.size[0]) * self.size[1] > limit

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Reads the rows from `top` to before `bottom`.

        Returns:
            uint8 or uint16 [bottom - top, width, 1 | 3 | 4].

        Raises:
            OSError: A damaged file.
        """
        length = self._piece[0]
        parts = []
        for row in range(top // length, -(-bottom // length)):
            try:
                decoded = self._row_of_pieces(row)
            except MemoryError:
                raise
            except Exception as error:  # Each compression has its own.
                raise OSError(error) from error
            parts.append(decoded[max(0, top - row * length) : bottom - row * length])
        return colours(parts[0] if len(parts) == 1 else np.concatenate(parts), self._page.extrasamples)

    def _mapped(self, row: int) -> np.ndarray:
        """Returns a copy of `_STRIP` uncompressed rows, [rows, width, channels]."""
        try:
            # Mapped anew each time, so that rows already read do not stay in memory.
            planes = self._page.asarray(out="memmap", squeeze=False)[:, 0]
        except ValueError as error:  # NumPy maps nothing beyond the end of a file.
            raise OSError("the file is cut short") from error
        return channels_last(planes[:, row * _STRIP : (row + 1) * _STRIP]).astype(self._dtype)

    def _decoded(self, row: int) -> np.ndarray:
        """Decodes one row of strips or tiles, [rows, width, channels]."""
        page, (height, width), (length, piece_width) = self._page, self.size, self._piece
        rows, down, across = min(length, height - row * length), -(-height // length), -(-width // piece_width)
        plane_count = page.samplesperpixel if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else 1
        planes = np.zeros((plane_count, rows, width, page.samplesperpixel // plane_count), page.dtype)
        for plane, column in itertools.product(range(plane_count), range(across)):
            index = (plane * down + row) * across + column
            piece, *_ = page.decode(self._data(index), index)
            if piece is not None:  # Else it is all zeros, and not stored.
                target = planes[plane, :, column * piece_width : (column + 1) * piece_width]
                target[:] = piece[0, :rows, : target.shape[1]]
        return channels_last(planes)

    def _data(self, index: int) -> bytes | None:
        """Reads an encoded strip or tile; None if it is not stored."""
        offset, count = self._page.dataoffsets[index], self._page.databytecounts[index]
        if count == 0:
            return None
        file = self._page.parent.filehandle
        file.seek(offset)
        data = file.read(count)
        if len(data) < count:  # tifffile would fill up uncompressed pieces with zeros.
            raise OSError("the file is cut short")
        return data


def channels_last(planes: np.ndarray) -> np.ndarray:
    """Returns pixels [height, width, planes * channels] of tifffile's planes [planes, height, width, channels].

    Either `planes` or `channels` is 1.
    """
    return np.moveaxis(planes, 0, -1).reshape(*planes.shape[1:3], -1)


def colours(levels: np.ndarray, extra: tuple[int, ...]) -> np.ndarray:
    """Returns the pixels of a TIFF without channels that are not alpha, and with straight alpha.

    Args:
        levels: uint8 or uint16 [height, width, channels].
        extra: The value of the tag ExtraSamples. Where it says that colours are premultiplied by alpha, they are
            divided by it.

    Returns:
        The same type, [height, width, 1 | 3 | 4]. Grey with alpha becomes RGBA.
    """
    if extra == (tifffile.EXTRASAMPLE.UNSPECIFIED,):
        return levels[..., :-1]
    if extra == (tifffile.EXTRASAMPLE.ASSOCALPHA,):
        highest = np.iinfo(levels.dtype).max
        alpha = np.maximum(levels[..., -1:], 1)
        colour = np.minimum(np.rint(levels[..., :-1] * (highest / alpha)), highest)
        levels = np.concatenate([colour.astype(levels.dtype), levels[..., -1:]], axis=-1)
    return np.repeat(levels, (3, 1), axis=-1) if levels.shape[-1] == 2 else levels
