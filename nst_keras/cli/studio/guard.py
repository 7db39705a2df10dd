"""What stands before the page's server: only what the page itself needs is answered, and no address is ever fetched.

Gradio's server can do more than this page asks of it. It fetches a picture that a request names by its URL, passes on
files of other hosts, and describes its functions. None of that is for visitors.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_API = "/gradio_api"
# What the page's own script asks for.
_ANSWERED = re.compile(
    r"/(|config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json|(static|assets|svelte)/.+)"
    rf"|{_API}/(info|app_id|token|startup-events|upload|upload_progress|cancel|reset|component_server|theme\.css"
    r"|queue/(join|data|status)|run/[\w-]+|heartbeat/\w+|file=.+)/?"
)
_ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_LARGEST_REQUEST = 4 * 2**20  # Bytes of a request that uploads no file.
_WITH_FILES = (f"{_API}/upload", f"{_API}/component_server")


class Guard:
    """Middleware that answers only what the page needs.

    Args:
        app: The server behind it.
        largest_upload: Bytes of the largest request that uploads a file.
    """

    def __init__(self, app: ASGIApp, largest_upload: int) -> None:
        self._app, self._largest_upload = app, largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request itself, or passes it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not _ANSWERED.fullmatch(path) or _ADDRESS.match(path.partition("file=")[2]):
            await PlainTextResponse("There is no such page.", 404)(scope, receive, send)
            return
        answer = _Answer(send)
        has_files = path.rstrip("/") in _WITH_FILES
        body = _Body(receive, self._largest_upload if has_files else _LARGEST_REQUEST)
        try:
            if scope["method"] == "POST" and not has_files and _names_address(await body.read()):
                await PlainTextResponse("Upload the picture: no address is fetched.", 403)(scope, receive, send)
                return
            await self._app(scope, body.receive, answer.send)
        except _TooLargeError:
            await answer.instead(PlainTextResponse("The request is too large.", 413), scope, receive)
        except Exception as error:
            if not answer.has_begun:  # Else the visitor has gone, or the studio is ending.
                logging.getLogger("uvicorn.error").error("%s could not be answered: %r", path, error)
            await answer.instead(PlainTextResponse("The request cannot be answered.", 500), scope, receive)


class _TooLargeError(Exception):
    """A request has more bytes than are allowed."""


class _Answer:
    """What is sent to a visitor.

    Attributes:
        has_begun: Whether a part was sent.
    """

    def __init__(self, send: Send) -> None:
        self._send, self.has_begun = send, False

    async def send(self, message: Message) -> None:
        """Sends a part."""
        self.has_begun = True
        await self._send(message)

    async def instead(self, response: PlainTextResponse, scope: Scope, receive: Receive) -> None:
        """Sends this, if nothing has been sent yet."""
        if not self.has_begun:
            await response(scope, receive, self._send)


class _Body:
    """The body of a request, counted as it comes."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive, self._left = receive, largest
        self._kept: list[Message] = []

    async def receive(self) -> Message:
        """Returns the next part: first those that were kept.

        Raises:
            _TooLargeError: There are too many bytes.
        """
        return self._kept.pop(0) if self._kept else await self._next()

    async def read(self) -> bytes:
        """Returns the whole body, and keeps its parts for `receive`."""
        kept = [await self._next()]
        while kept[-1].get("more_body"):
            kept.append(await self._next())
        self._kept = kept
        return b"".join(message.get("body", b"") for message in kept)

    async def _next(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLargeError
        return message


def _names_address(body: bytes) -> bool:
    """Returns whether a request names a file by an address, or cannot be read."""
    try:
        return any(_ADDRESS.match(path) for path in _paths(json.loads(body or b"null")))
    except (ValueError, RecursionError):
        return True


def _paths(value: Any) -> Iterator[str]:
    """Yields the paths of all files that a request names."""
    if isinstance(value, dict):
        if isinstance(path := value.get("path"), str):
            yield path
        for part in value.values():
            yield from _paths(part)
    elif isinstance(value, list):
        for part in value:
            yield from _paths(part)
