"""Limits of what a picture file may cost: sides, pixels decoded at once, and bytes unpacked for the bytes there are.

A file of a few kilobytes can describe a picture that takes minutes and gigabytes. These limits are far above what
cameras, scanners and editors write. They need neither TensorFlow nor NumPy.
"""

from __future__ import annotations

import PIL.Image

__all__ = [
    "TooLargeError",
    "check_at_once",
    "check_drafted",
    "check_rows",
    "check_sides",
    "check_size",
    "too_many_pixels",
]

_LONGEST_SIDE = 500_000  # Pixels. GIMP's limit is 524,288, Photoshop's 300,000.
_DRAFTED = 4  # How often Pillow's limit of pixels a JPEG may have that is decoded at a reduced size.
_RATIO_OF_ROWS = 1100  # Deflate shortens by 1032 at most, which a picture of one colour nearly reaches.
_RATIO_AT_ONCE = 200  # A photograph's is below 30, a drawing's below 150.
_BYTES_A_PIXEL = 4  # Of pictures that Pillow decodes.


class TooLargeError(Exception):
    """A picture costs too much. Its text is the end of a sentence that begins with the picture's name."""


def check_size(height: int, width: int) -> None:
    """Raises `TooLargeError` for sides, or for more pixels, than are safe to decode at once."""
    check_sides(height, width)
    limit = PIL.Image.MAX_IMAGE_PIXELS
    if limit is not None and height * width > limit:
        raise too_many_pixels()


def too_many_pixels() -> TooLargeError:
    """Returns the error for more pixels than are safe to decode at once."""
    return TooLargeError(
        f"has more than {(PIL.Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} megapixels, too many to decode safely at once. "
        "Scale it down first; or save it as a TIFF in tiles, uncompressed or with ZIP, or as a JPEG, and reduce it by "
        "image_size."
    )


def check_sides(height: int, width: int) -> None:
    """Raises `TooLargeError` for a side that no picture has."""
    if max(height, width) > _LONGEST_SIDE:
        raise TooLargeError(
            f"is {width}x{height} px, and a side may have {_LONGEST_SIDE} px at most. Cut it into parts."
        )


def check_drafted(height: int, width: int) -> None:
    """Raises `TooLargeError` for a JPEG of too many pixels, though it is decoded at a reduced size."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    if limit is not None and height * width > _DRAFTED * limit:
        raise TooLargeError(f"has more than {_DRAFTED * limit / 1e6:.0f} megapixels. Scale it down first.")


def check_at_once(unpacked: int, stored: int) -> None:
    """Checks what is held in memory whole.

    Args:
        unpacked: Bytes of the pixels.
        stored: Bytes of the file.

    Raises:
        TooLargeError: Both very many bytes, and far more than a file of this size can hold of a photograph.
    """
    limit = PIL.Image.MAX_IMAGE_PIXELS
    if limit is not None and unpacked > _BYTES_A_PIXEL * limit:
        _check_ratio(unpacked, stored, _RATIO_AT_ONCE)


def check_rows(unpacked: int, stored: int) -> None:
    """Checks what is unpacked piece by piece, as `check_at_once` does: more than any compression gives is refused."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    if limit is not None and unpacked > limit:
        _check_ratio(unpacked, stored, _RATIO_OF_ROWS)


def _check_ratio(unpacked: int, stored: int, ratio: int) -> None:
    if unpacked > ratio * stored:
        raise TooLargeError(
            f"unpacks from {stored / 1e6:.3g} to {unpacked / 1e6:.3g} MB, which no photograph does. Scale it down "
            "first."
        )
