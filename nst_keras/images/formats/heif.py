"""HEIF files: HEIC, which the optional package pillow-heif decodes, and AVIF, which Pillow 11.3 and later decodes.

pillow-heif is imported when a HEIC file is opened. It turns pictures upright, as the file's container says, and removes
the orientation from their EXIF. This module needs neither TensorFlow nor NumPy.
"""

from __future__ import annotations

import importlib
import struct

import PIL.Image
import PIL.ImageFile

from nst_keras.images.formats import accepted

__all__ = ["check_readable", "is_heic", "opened"]

_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"mif1", b"msf1"}
_INSTALL = 'pip install "nst_keras[heic]"'


def is_heic(path: str) -> bool:
    """Returns whether a file is HEIC, or another HEIF whose pictures are not AVIF."""
    return _kind(path) == "HEIC"


def check_readable(path: str, *, argument: str, name: str) -> None:
    """Checks that the package which decodes a file is installed. Files of other formats pass.

    Args:
        path: A file.
        argument: The argument that the error names.
        name: The file's name in the error.

    Raises:
        ImportError: HEIC without pillow-heif, or AVIF with a Pillow that does not decode it.
    """
    kind = _kind(path)
    if kind == "HEIC":
        try:
            importlib.import_module("pillow_heif")
        except ImportError as error:
            raise ImportError(
                f"{argument}: {name!r} is a HEIC picture, and the package pillow-heif, which reads it, is not "
                f"installed. Install it: {_INSTALL}"
            ) from error
    elif kind == "AVIF" and not _pillow_reads_avif():
        raise ImportError(
            f"{argument}: {name!r} is an AVIF picture, which the installed Pillow {PIL.__version__} does not read. "
            f"Install a newer one: {_INSTALL}"
        )


def opened(path: str) -> PIL.ImageFile.ImageFile:
    """Returns a HEIC picture, upright and not decoded yet. Pillow's own list of formats stays as it is.

    Its `load` raises `ValueError` for a damaged file.

    Raises:
        SyntaxError: A damaged file.
        ImportError: pillow-heif is not installed.
    """
    import pillow_heif  # noqa: PLC0415  Optional, and needed for such a file alone.

    return pillow_heif.HeifImageFile(path)


def _kind(path: str) -> str | None:
    """Returns `"HEIC"` or `"AVIF"` by the brands in the box that opens a HEIF file; None for other files."""
    box = accepted.head(path, 256)
    if box[4:8] != b"ftyp":
        return None
    (length,) = struct.unpack_from(">I", box)
    brand, others = box[8:12], box[16:length]
    if brand in _HEIF_BRANDS:  # It says nothing of the codec: the other brands do.
        return "AVIF" if any(one in others for one in _AVIF_BRANDS) else "HEIC"
    return "HEIC" if brand in _HEVC_BRANDS else "AVIF" if brand in _AVIF_BRANDS else None


def _pillow_reads_avif() -> bool:
    PIL.Image.init()
    return "AVIF" in PIL.Image.SAVE  # Pillow registers the reader even where it was built without a decoder.
