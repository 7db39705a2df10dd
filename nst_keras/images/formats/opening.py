"""Opens picture files with Pillow, and reports what is wrong with one in one sentence."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

import PIL.Image
import PIL.ImageFile
import PIL.JpegImagePlugin

from nst_keras.images.formats import accepted, heif, jpegs, limits, pngs
from nst_keras.settings import paths

__all__ = ["decoder_errors", "opened", "translated", "translated_image"]


@contextlib.contextmanager
def opened(
    path: str | os.PathLike[str], *, argument: str = "path", name: str | None = None
) -> Iterator[PIL.ImageFile.ImageFile]:
    """Opens a picture for the length of a block, and translates what Pillow raises in it.

    Args:
        path: A file; `~` stands for the home folder.
        argument: The argument that error messages name.
        name: The file's name in error messages, such as the URL that it came from. Default: `path`.

    Yields:
        The picture. Its pixels are not decoded yet. It is none of too many pixels to decode, unless it is a JPEG.

    Raises:
        FileNotFoundError: No such file.
        OSError: A folder, or a file that may not be read.
        ValueError: Not an image, damaged, or too large to decode.
        ImportError: HEIC or AVIF, and the package that reads it is not installed.
    """
    with translated(path, argument=argument, name=name) as found, contextlib.ExitStack() as stack:
        heif.check_readable(found, argument=argument, name=name or os.fspath(path))
        with decoder_errors():
            picture = _opened(found, stack)
            is_reduced_later = isinstance(picture, PIL.JpegImagePlugin.JpegImageFile)
            (limits.check_sides if is_reduced_later else limits.check_size)(picture.height, picture.width)
        yield picture


@contextlib.contextmanager
def translated(path: str | os.PathLike[str], *, argument: str = "path", name: str | None = None) -> Iterator[str]:
    """Translates what is raised in a block that reads a picture file. The arguments are those of `opened`.

    Yields:
        The path with the home folder in place of `~`.

    Raises:
        FileNotFoundError: No such file.
        OSError: A folder, or a file that may not be read.
        ValueError: Not an image, damaged, or too large to decode.
        MemoryError: The picture does not fit into memory.
    """
    name, path = name or os.fspath(path), os.path.expanduser(path)
    if not os.path.exists(path):
        raise FileNotFoundError(paths.missing(argument, name))
    if os.path.isdir(path):
        raise IsADirectoryError(f"{argument}: {name!r} is a folder. Name one picture in it.")
    if not os.path.isfile(path):  # Reading a pipe or a device may never end.
        raise OSError(f"{argument}: {name!r} is a device or a pipe. Give a file.")
    try:
        yield path
    except limits.TooLargeError as error:
        raise ValueError(f"{argument}: {name!r} {error}") from error
    except MemoryError as error:
        raise MemoryError(f"{argument}: {name!r} does not fit into memory. Scale it down first.") from error
    except PIL.UnidentifiedImageError as error:
        size = os.path.getsize(path)
        what = "an empty file" if size == 0 else f"not an image that Pillow can read ({size} bytes)"
        raise ValueError(f"{argument}: {name!r} is {what}. {accepted.ASK}") from error
    except PermissionError as error:
        raise PermissionError(f"{argument}: {name!r} may not be read. Check its permissions.") from error
    except OSError as error:
        what = " ".join(str(error).split())  # Some decoders write several lines.
        raise ValueError(f"{argument}: {name!r} is damaged ({what}). Get a whole copy of it.") from error


@contextlib.contextmanager
def translated_image(argument: str) -> Iterator[None]:
    """Translates what is raised in a block that reads a PIL image: `OSError` becomes `ValueError` in one sentence."""
    try:
        yield
    except (OSError, limits.TooLargeError) as error:
        raise ValueError(
            f"{argument}: the PIL image cannot be read ({error}). Give one that has pixels, whose file is whole and "
            "open."
        ) from error


@contextlib.contextmanager
def decoder_errors() -> Iterator[None]:
    """Raises `OSError` for what a decoder raises in a block, since decoders raise anything for a damaged picture.

    Warnings that are raised, too little memory and a missing package are no damage, and pass.
    """
    try:
        yield
    except PIL.Image.DecompressionBombError as error:
        raise limits.too_many_pixels() from error
    except (OSError, MemoryError, ImportError, Warning, limits.TooLargeError):
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error


def _opened(path: str, stack: contextlib.ExitStack) -> PIL.ImageFile.ImageFile:
    """Returns a picture, which the stack closes."""
    mark = accepted.head(path, len(pngs.SIGNATURE))
    if heif.is_heic(path):
        return stack.enter_context(_decoded_heic(path))
    if mark == pngs.SIGNATURE:
        return stack.enter_context(pngs.opened(path))
    if mark.startswith(jpegs.MARK):
        return stack.enter_context(PIL.JpegImagePlugin.JpegImageFile(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # `limits` checks the size.
        return stack.enter_context(PIL.Image.open(path, formats=accepted.pillow_formats()))


def _decoded_heic(path: str) -> PIL.ImageFile.ImageFile:
    """Returns a HEIC picture that is decoded, because libheif notices only then that a file is cut short."""
    with contextlib.ExitStack() as on_failure:
        picture = on_failure.enter_context(heif.opened(path))
        limits.check_size(picture.height, picture.width)
        picture.load()
        on_failure.pop_all()
        return picture
