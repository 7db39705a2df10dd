"""Opens picture files with Pillow, and reports what is wrong with one in one sentence."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

import PIL.Image
import PIL.ImageFile

from nst_keras.images.formats import heif
from nst_keras.settings import paths

__all__ = ["check_size", "opened", "translated"]


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
        The picture. Its pixels are not decoded yet.

    Raises:
        FileNotFoundError: No such file.
        OSError: A folder, or a file that may not be read.
        ValueError: Not an image, damaged, or too large to decode.
        ImportError: HEIC or AVIF, and the package that reads it is not installed.
    """
    with translated(path, argument=argument, name=name) as found, warnings.catch_warnings():
        warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
        heif.check_readable(found, argument=argument, name=name or os.fspath(path))
        with _opened(found) as picture:
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
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        limit = PIL.Image.MAX_IMAGE_PIXELS or 0
        raise ValueError(
            f"{argument}: {name!r} has more than {limit / 1e6:.0f} megapixels, too many to decode safely at once. "
            "Scale it down first; or save it as a TIFF in tiles, uncompressed or with ZIP, and reduce it by image_size."
        ) from error
    except PIL.UnidentifiedImageError as error:
        size = os.path.getsize(path)
        what = "an empty file" if size == 0 else f"not an image that Pillow can read ({size} bytes)"
        raise ValueError(
            f"{argument}: {name!r} is {what}. Give a PNG, JPEG, WebP, HEIC, AVIF, TIFF, BMP or GIF."
        ) from error
    except PermissionError as error:
        raise PermissionError(f"{argument}: {name!r} may not be read. Check its permissions.") from error
    except (OSError, SyntaxError, EOFError) as error:  # Pillow's ways to say that a file is cut short or damaged.
        raise ValueError(f"{argument}: {name!r} is damaged ({error}). Get a whole copy of it.") from error


def check_size(height: int, width: int) -> None:
    """Raises Pillow's `DecompressionBombError` for more pixels than are safe to decode at once.

    `translated` turns it into a `ValueError` that says what to do.
    """
    limit = PIL.Image.MAX_IMAGE_PIXELS
    if limit is not None and height * width > limit:
        raise PIL.Image.DecompressionBombError


def _opened(path: str) -> PIL.ImageFile.ImageFile:
    try:
        return _decoded_heic(path) if heif.is_heic(path) else PIL.Image.open(path)
    except (ValueError, RuntimeError) as error:  # For a damaged file. Those of the caller's block pass unchanged.
        raise OSError(error) from error


def _decoded_heic(path: str) -> PIL.ImageFile.ImageFile:
    """Returns a HEIC picture that is decoded, because libheif notices only then that a file is cut short."""
    with contextlib.ExitStack() as on_failure:
        picture = on_failure.enter_context(heif.opened(path))
        check_size(picture.height, picture.width)
        picture.load()
        on_failure.pop_all()
        return picture
