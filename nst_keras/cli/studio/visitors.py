"""The visitors of the studio, each with a run and files of their own, which go when the visitor goes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
import shutil
import threading

from nst_keras.cli.studio import forming, takeaway

__all__ = ["Order", "Visitor", "Visitors"]

_SECONDS_TO_STOP = 30.0  # A step of a large picture may take that long.


class Order:
    """A picture that a visitor has asked for.

    Args:
        work: An empty folder for its files; None for a picture of a row, of which nothing is taken away.

    Attributes:
        work: The folder for its files.
        forming: Its run; None until its turn has come.
        made: What was made; None until then.
        is_ended: Whether the visitor wants no more steps.
    """

    def __init__(self, work: pathlib.Path | None) -> None:
        self.work = work
        self.forming: forming.Forming | None = None
        self.made: takeaway.Made | None = None
        self.is_ended = False

    def end(self) -> None:
        """Ends its run after the present step, or the waiting for its turn."""
        self.is_ended = True
        if self.forming is not None:
            self.forming.stop()

    def end_and_wait(self) -> None:
        """Ends its run, and waits until it has ended."""
        self.end()
        if self.forming is not None:
            self.forming.join(_SECONDS_TO_STOP)

    @property
    def run(self) -> forming.Forming | None:
        """Its run, if it is going."""
        return self.forming if self.forming is not None and self.forming.is_going else None

    @property
    def is_going(self) -> bool:
        """Whether it forms, or waits for its turn."""
        return self.run is not None or not (self.is_ended or self.forming)


class Visitor:
    """A visitor: one open page in a browser.

    Args:
        folder: The folder of this visitor's files, with a name that no one can guess.

    Attributes:
        folder: The folder of this visitor's files.
        order: The order of the first tab; None before the first.
        row: The order of the present picture in a row; None before the first.
        uploads: Files that this visitor has uploaded.
        shows_layers: Whether the losses are shown layer by layer.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.order: Order | None = None
        self.row: Order | None = None
        self.uploads: set[str] = set()
        self.shows_layers = False
        self._folders: dict[str, pathlib.Path] = {}
        self._lock = threading.Lock()

    def ask(self) -> Order:
        """Returns a new order of the first tab. The last one ends, and its files go."""
        with self._lock:
            before, self.order = self.order, Order(self._another("picture"))
            order = self.order
        if before is not None:
            before.end_and_wait()
            shutil.rmtree(before.work or "", ignore_errors=True)
        return order

    def ask_in_row(self) -> Order:
        """Returns a new order of a picture in a row. The last one ends."""
        with self._lock:
            before, self.row = self.row, Order(None)
            order = self.row
        if before is not None:
            before.end_and_wait()
        return order

    def end(self) -> None:
        """Ends all orders."""
        for order in filter(None, (self.order, self.row)):
            order.end_and_wait()

    def fresh(self, name: str) -> pathlib.Path:
        """Returns an empty folder for files of one kind. The last folder of this kind goes."""
        with self._lock:
            before, made = self._folders.get(name), self._another(name)
        if before is not None:
            shutil.rmtree(before, ignore_errors=True)
        return made

    @property
    def is_busy(self) -> bool:
        """Whether an order is going, or waits for its turn."""
        return any(order.is_going for order in filter(None, (self.order, self.row)))

    def _another(self, name: str) -> pathlib.Path:
        made = self._folders[name] = self.folder / secrets.token_hex(8)
        made.mkdir(parents=True)
        return made


class Visitors:
    """The visitors who have the page open.

    Args:
        folder: The folder in which the files of all of them lie, also those that they upload.
        most: Number of visitors that are known. For a further one, the first who has no picture going is forgotten.
    """

    def __init__(self, folder: pathlib.Path, most: int = 256) -> None:
        self._folder, self._most = folder, most
        self._known: dict[str, Visitor] = {}
        self._lock = threading.Lock()

    def of(self, session: str | None) -> Visitor:
        """Returns the visitor of a session, who becomes known if new.

        Args:
            session: Name of the session, which the browser chooses. It names no folder.

        Raises:
            RuntimeError: Too many visitors are busy.
        """
        with self._lock:
            if (known := self._known.get(session or "")) is not None:
                return known
            idle = [name for name, visitor in self._known.items() if not visitor.is_busy]
            forgotten = idle[:1] if len(self._known) >= self._most else []
            if len(self._known) - len(forgotten) >= self._most:
                raise RuntimeError("The studio is full. Come back in a few minutes.")
            made = self._known[session or ""] = Visitor(self._folder / secrets.token_hex(16))
        for name in forgotten:
            self.leave(name)
        return made

    def known(self, session: str | None) -> Visitor | None:
        """Returns the visitor of a session; None for one who has done nothing yet."""
        with self._lock:
            return self._known.get(session or "")

    def leave(self, session: str | None) -> None:
        """Ends a visitor's run and deletes the visitor's files, but no upload that another visitor has too."""
        with self._lock:
            visitor = self._known.pop(session or "", None)
            others: set[str] = set().union(*(other.uploads for other in self._known.values()))
        if visitor is None:
            return
        visitor.end()
        shutil.rmtree(visitor.folder, ignore_errors=True)
        for path in visitor.uploads - others:
            with contextlib.suppress(OSError, ValueError):
                self.upload(path).unlink()

    def upload(self, path: str) -> pathlib.Path:
        """Returns the path of a file that was uploaded; raises `ValueError` for any other file of this machine."""
        found = pathlib.Path(path).resolve()
        if not found.is_relative_to(self._folder) or not found.is_file():
            raise ValueError("The picture is no file that was uploaded. Upload it again.")
        return found

    def hidden(self, text: str) -> str:
        """Returns a text without the folders of this machine: of an uploaded file, its name alone is left."""
        return re.sub(re.escape(str(self._folder)) + rf"{re.escape(os.sep)}(?:[^\s'\"/\\]+[/\\])*", "", text)
