"""Downloads the pictures of URLs into a folder below Keras's, and notices when a server has another picture.

A copy is kept with what the server said of it (ETag, Last-Modified), and each read asks whether it still holds. A
transfer has limits of time and size. It becomes the copy only when it is whole and is a picture.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import functools
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

import PIL.Image
import requests

from nst_keras.images.formats import opening
from nst_keras.runtime import phases
from nst_keras.settings import paths

__all__ = ["copy_of", "opened"]

_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 30.0  # Longest time without a byte from the server.
_TOTAL_SECONDS = 600.0
_MOST_BYTES = 512 * 2**20
_MOST_REDIRECTS = 10
_CHUNK = 2**15
_STALE_SECONDS = 3600.0  # Age of the remains of a process that was killed.

_CANNOT_WRITE = (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG)
_TOO_SLOW = "the server took too long"
_TOO_LARGE = "it is larger than {:.0f} MiB"
_NO_URL = "it is no URL that can be read"
# What is said of errors, the first that fits.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((requests.Timeout, concurrent.futures.TimeoutError, TimeoutError), _TOO_SLOW),
    (requests.exceptions.SSLError, "the server's certificate is not trusted"),
    (requests.exceptions.InvalidSchema, "it leads to an address that is neither http nor https"),
    (requests.exceptions.ChunkedEncodingError, "the transfer was cut off"),
    (requests.ConnectionError, "the server cannot be reached, or broke off"),
    (ValueError, _NO_URL),  # Requests' own, urllib3's and IDNA's.
)


class _Refused(Exception):  # noqa: N818  It is a reason, and leaves this module as a sentence.
    """An answer that is not kept. Its text is the reason."""


class _Answer(NamedTuple):
    """What a server said of a picture.

    Attributes:
        etag: Its ETag; "" for none.
        modified: Its Last-Modified; "" for none.
        kind: Its Content-Type; "" for none.
    """

    etag: str = ""
    modified: str = ""
    kind: str = ""


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
        sentence = f"{argument}: {paths.without_password(url)!r} could not be downloaded: {_reason(error)}"
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
        folder = os.path.join(paths.keras_folder(), own)
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


def _known(folder: str) -> _Answer | None:
    """Returns what the server said of the copy; None if there is no copy, or one that is not from this module."""
    try:
        with open(_notes(folder), encoding="utf-8") as file:
            notes = json.load(file)
        if notes["stamp"] == _stamp(_picture(folder)):
            return _Answer(str(notes["etag"]), str(notes["modified"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _update(url: str, folder: str, known: _Answer | None, argument: str) -> None:
    """Replaces the copy, unless the server says that it still holds."""
    with phases.named(f"downloading from {_host(url)}"), _temporary_file(folder) as path:
        answer = _in_time(url, path, known)
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
    """Yields the path of a new file, which is removed unless the block renames it.."""
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
        raise _Refused(_NO_URL) from error
    if not host:
        raise _Refused(_NO_URL)
    return host


def _in_time(url: str, path: str, known: _Answer | None) -> _Answer | None:
    """Writes what a URL holds to a file, within the limit of time: in a thread, since looking up a host has none.

    Returns:
        What the server said of it; None if the copy that is known still holds.
    """
    outcome: concurrent.futures.Future[_Answer | None] = concurrent.futures.Future()
    stopped = threading.Event()

    def work() -> None:
        try:
            with open(path, "wb") as file:
                answer = _transferred(url, file, known, stopped)
            outcome.set_result(answer)  # After the file is closed, and so whole.
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name="nst_keras download", daemon=True).start()
    try:
        return outcome.result(_TOTAL_SECONDS)
    finally:
        stopped.set()


def _transferred(url: str, file: BinaryIO, known: _Answer | None, stopped: threading.Event) -> _Answer | None:
    """Writes what a URL holds to a file. Returns and arguments are those of `_in_time`."""
    if url.lower().startswith("ftp:"):
        with urllib.request.urlopen(requests.utils.requote_uri(url), timeout=_SILENT_SECONDS) as reply:
            _write(iter(lambda: reply.read(_CHUNK), b""), file, reply.headers.get("Content-Length"), stopped)
        return _Answer()
    with requests.Session() as session, _reply(session, url, _headers(known)) as reply:
        if reply.status_code == requests.codes.not_modified and known is not None:
            return None
        if not reply.ok or reply.status_code == requests.codes.not_modified:
            raise _Refused(f"the server answers {reply.status_code} {reply.reason or ''}".rstrip())
        is_packed = "Content-Encoding" in reply.headers
        length = None if is_packed else reply.headers.get("Content-Length")
        _write(reply.iter_content(_CHUNK), file, length, stopped)
        named = (reply.headers.get(name, "") for name in ("ETag", "Last-Modified", "Content-Type"))
        return _Answer(*named)


def _headers(known: _Answer | None) -> dict[str, str]:
    """Returns a request's header. Some servers, such as Wikimedia's, refuse programs that do not name themselves."""
    agent = f"nst_keras/{sys.modules['nst_keras'].__version__} (+https://github.com/nst-keras/nst_keras)"
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.modified} if known else {}
    return {
        "User-Agent": agent,
        "Accept-Encoding": "identity",
        **{name: value for name, value in asked.items() if value},
    }


@contextlib.contextmanager
def _reply(session: requests.Session, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
    """Yields the answer at the end of the redirects. Their own pages, of any length, are not read."""
    for _ in range(_MOST_REDIRECTS + 1):
        timeout = (_CONNECT_SECONDS, _SILENT_SECONDS)
        with session.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False) as reply:
            target = session.get_redirect_target(reply)
            if target is None:
                yield reply
                return
            url = urllib.parse.urljoin(reply.url, target)
    raise _Refused(f"it leads on more than {_MOST_REDIRECTS} times")


def _write(chunks: Iterable[bytes], file: BinaryIO, length: str | None, stopped: threading.Event) -> None:
    """Writes chunks to a file; raises `_Refused` for more than the limit, or other than the length that was said."""
    written, expected = 0, int(length) if length and length.isdecimal() else None
    if expected is not None and expected > _MOST_BYTES:
        raise _Refused(_TOO_LARGE.format(_MOST_BYTES / 2**20))
    for chunk in chunks:
        written += len(chunk)
        if stopped.is_set():
            raise _Refused(_TOO_SLOW)
        if written > _MOST_BYTES:
            raise _Refused(_TOO_LARGE.format(_MOST_BYTES / 2**20))
        file.write(chunk)
    if expected is not None and written != expected:
        raise _Refused(f"the transfer was cut off ({written} of {expected} bytes)")


def _check_is_picture(path: str, kind: str, argument: str) -> None:
    """Raises `_Refused` for a file that is no picture. One that is too large to decode is the reader's to judge."""
    with open(path, "rb") as file:
        begin = file.read(512).lstrip().lower()
    if not begin:
        raise _Refused("the server sent nothing")
    if begin.startswith((b"<!doctype html", b"<html")) or kind.lower().startswith("text/html"):
        raise _Refused("the server sent a web page, not a picture")
    try:
        with opening.opened(path, argument=argument):
            pass
    except ValueError as error:
        if not isinstance(error.__cause__, (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning)):
            raise _Refused(f"the server sent {kind or 'something'} that is no picture, or a damaged one") from error


def _reason(error: Exception) -> str:
    """Returns why a download failed, as the end of a sentence."""
    if isinstance(error, _Refused):
        return str(error)
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
        return f"its copy cannot be written below {paths.keras_folder()!r} ({error.strerror})"
    return str(error) or type(error).__name__
