"""Transfers what a URL holds into a file, within limits of time, size and redirects, and says why one fails."""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

import requests

from nst_keras.runtime import backend

__all__ = ["NO_URL", "Answer", "Refused", "fetch", "reason"]

_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 30.0  # Longest time without a byte from the server.
_TOTAL_SECONDS = 600.0
_MOST_BYTES = 512 * 2**20
_MOST_REDIRECTS = 10
_CHUNK = 2**15
_CANNOT_WRITE = (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG)
_TOO_SLOW = "the server took too long"
_TOO_LARGE = "it is larger than {:.0f} MiB"
NO_URL = "the URL is malformed"
# What is said of errors, the first that fits.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((requests.Timeout, concurrent.futures.TimeoutError, TimeoutError), _TOO_SLOW),
    (requests.exceptions.SSLError, "the server's certificate is not trusted"),
    (requests.exceptions.InvalidSchema, "it leads to an address that is neither http nor https"),
    (requests.exceptions.ChunkedEncodingError, "the transfer was cut off"),
    (requests.ConnectionError, "the server cannot be reached, or broke off"),
    (ValueError, NO_URL),  # Requests' own, urllib3's and IDNA's.
)


class Refused(Exception):  # noqa: N818  It is a reason, and leaves this module as a sentence.
    """An answer that is not kept. Its text is the reason."""


class Answer(NamedTuple):
    """What a server said of a picture.

    Attributes:
        etag: Its ETag; "" for none.
        modified: Its Last-Modified; "" for none.
        kind: Its Content-Type; "" for none.
    """

    etag: str = ""
    modified: str = ""
    kind: str = ""


def fetch(url: str, path: str, known: Answer | None) -> Answer | None:
    """Writes what a URL holds to a file, within the limit of time: in a thread, since looking up a host has none.

    Returns:
        What the server said of it; None if the copy that is known still holds.
    """
    outcome: concurrent.futures.Future[Answer | None] = concurrent.futures.Future()
    stopped = threading.Event()

    def work() -> None:
        """Transfers the file, and leaves the outcome."""
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


def _transferred(url: str, file: BinaryIO, known: Answer | None, stopped: threading.Event) -> Answer | None:
    """Writes what a URL holds to a file. Returns and arguments are those of `fetch`."""
    if url.lower().startswith("ftp:"):
        with urllib.request.urlopen(requests.utils.requote_uri(url), timeout=_SILENT_SECONDS) as reply:
            _write(iter(lambda: reply.read(_CHUNK), b""), file, reply.headers.get("Content-Length"), stopped)
        return Answer()
    with requests.Session() as session, _reply(session, url, _headers(known)) as reply:
        if reply.status_code == requests.codes.not_modified and known is not None:
            return None
        if not reply.ok or reply.status_code == requests.codes.not_modified:
            raise Refused(f"the server answers {reply.status_code} {reply.reason or ''}".rstrip())
        is_packed = "Content-Encoding" in reply.headers
        length = None if is_packed else reply.headers.get("Content-Length")
        _write(reply.iter_content(_CHUNK), file, length, stopped)
        named = (reply.headers.get(name, "") for name in ("ETag", "Last-Modified", "Content-Type"))
        return Answer(*named)


def _headers(known: Answer | None) -> dict[str, str]:
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
    raise Refused(f"it redirects more than {_MOST_REDIRECTS} times")


def _write(chunks: Iterable[bytes], file: BinaryIO, length: str | None, stopped: threading.Event) -> None:
    """Writes chunks to a file; raises `Refused` for more than the limit, or other than the length that was said."""
    written, expected = 0, int(length) if length and length.isdecimal() else None
    if expected is not None and expected > _MOST_BYTES:
        raise Refused(_TOO_LARGE.format(_MOST_BYTES / 2**20))
    for chunk in chunks:
        written += len(chunk)
        if stopped.is_set():
            raise Refused(_TOO_SLOW)
        if written > _MOST_BYTES:
            raise Refused(_TOO_LARGE.format(_MOST_BYTES / 2**20))
        file.write(chunk)
    if expected is not None and written != expected:
        raise Refused(f"the transfer was cut off ({written} of {expected} bytes)")


def reason(error: Exception) -> str:
    """Returns why a download failed, as the end of a sentence."""
    if isinstance(error, Refused):
        return str(error)
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
        return f"its copy cannot be written below {backend.folder()!r} ({error.strerror})"
    return str(error) or type(error).__name__
