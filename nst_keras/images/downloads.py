"""Downloads the pictures of URLs into a folder below Keras's, and notices when a server has another picture.

A copy is kept with what the server said of it (ETag, Last-Modified), and each read asks whether it still holds. A
transfer has limits of time and size. It becomes the copy only when it is whole and is a picture.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
import time
import urllib.parse
import warnings
from collections.abc import Iterator

from nst_keras.images import transfers
from nst_keras.images.formats import limits, opening
from nst_keras.runtime import backend, phases
from nst_keras.settings import paths

__all__ = ["copy_of", "opened"]

_STALE_SECONDS = 3600.0  # Age of the remains of a process that was killed.


@contextlib.contextmanager
def opened(url: str, *, argument: str = "image") -> Iterator[str]:
    """Downloads a picture unless its copy still holds, and keeps the copy if the block can read it.

    Args:
        url: An http, https or ftp URL. Blanks and letters outside ASCII may stand in it as they are.
        argument: The argument that error messages name.

    Yields:
        The path of the copy. Where the download fails, it is that of an earlier download, after a warning.

    Raises:
        OSError: The download failed, and there is no earlier copy; or the copy cannot be written.
        ImportError: HEIC or AVIF, and the package that reads it is not installed.
    """
    folder = _folder(url)
    known = _known(folder)
    try:
        _update(url, folder, known, argument)
    except Exception as error:
        if isinstance(error, ImportError):
            raise
        sentence = f"{argument}: {paths.without_password(url)!r} could not be downloaded: {transfers.reason(error)}"
        if known is None:
            raise OSError(f"{sentence}. Check the URL in a browser, or give a local file.") from error
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(os.path.getmtime(_picture(folder))))
        warnings.warn(f"{sentence}; using the copy of {made} in {_picture(folder)!r}.", stacklevel=2)
    try:
        yield _picture(folder)
    except (ValueError, OSError):
        with contextlib.suppress(OSError):  # A copy that cannot be decoded is downloaded again.
            os.remove(_notes(folder))
        raise


def copy_of(url: str) -> str | None:
    """Returns the path of the copy that was downloaded last, without asking the server; None if there is none."""
    folder = _folder(url)
    return None if _known(folder) is None else _picture(folder)


def _picture(folder: str) -> str:
    return os.path.join(folder, "picture")


def _notes(folder: str) -> str:
    return os.path.join(folder, "picture.json")


def _folder(url: str) -> str:
    """Returns the folder of a URL's copy: a temporary one where Keras's folder cannot be written to."""
    own = os.path.join("nst_keras", hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()[:16])
    try:
        folder = os.path.join(backend.folder(), own)
        os.makedirs(folder, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, ValueError):
        pass
    folder = os.path.join(_temporary().name, own)
    os.makedirs(folder, exist_ok=True)
    return folder


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nst_keras_")


def _stamp(path: str) -> list[int]:
    """Returns what tells whether a file is still the one that the notes are about."""
    known = os.stat(path)
    return [known.st_size, known.st_mtime_ns]


def _known(folder: str) -> transfers.Answer | None:
    """Returns what the server said of the copy; None if there is no copy, or one that is not from this module."""
    try:
        with open(_notes(folder), encoding="utf-8") as file:
            notes = json.load(file)
        if notes["stamp"] == _stamp(_picture(folder)):
            return transfers.Answer(str(notes["etag"]), str(notes["modified"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _update(url: str, folder: str, known: transfers.Answer | None, argument: str) -> None:
    """Replaces the copy, unless the server says that it still holds."""
    with phases.named(f"downloading from {_host(url)}"), _temporary_file(folder) as path:
        answer = transfers.fetch(url, path, known)
        if answer is None:
            return
        _check_is_picture(path, answer.kind, argument)
        notes = {"url": paths.without_password(url), "etag": answer.etag, "modified": answer.modified}
        text = json.dumps({**notes, "stamp": _stamp(path)})
        os.replace(path, _picture(folder))
    with _temporary_file(folder) as path:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path, _notes(folder))


@contextlib.contextmanager
def _temporary_file(folder: str) -> Iterator[str]:
    """Yields the path of a new file, which is removed unless the block renames it."""
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            if entry.name.endswith(".part") and time.time() - entry.stat().st_mtime > _STALE_SECONDS:
                os.remove(entry.path)
    descriptor, path = tempfile.mkstemp(".part", dir=folder)
    os.close(descriptor)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            os.remove(path)


def _host(url: str) -> str:
    try:
        host = urllib.parse.urlsplit(url).hostname
    except ValueError as error:
        raise transfers.Refused(transfers.NO_URL) from error
    if not host:
        raise transfers.Refused(transfers.NO_URL)
    return host


def _check_is_picture(path: str, kind: str, argument: str) -> None:
    """Raises `transfers.Refused` for no picture. One that is too large to decode is left to the reader."""
    with open(path, "rb") as file:
        begin = file.read(512).lstrip().lower()
    if not begin:
        raise transfers.Refused("the server sent nothing")
    try:
        with opening.opened(path, argument=argument):
            pass
    except ValueError as error:
        if isinstance(error.__cause__, limits.TooLargeError):
            return
        if begin.startswith((b"<!doctype html", b"<html")) or kind.lower().startswith("text/html"):
            raise transfers.Refused("the server sent a web page, not a picture") from error
        what = f"{kind or 'something'} that is no picture, or a damaged one"
        raise transfers.Refused(f"the server sent {what}") from error
