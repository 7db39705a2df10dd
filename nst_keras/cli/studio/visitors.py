"""The visitors of the studio, each with a run and files of their own, which go when the visitor goes."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import secrets
import shutil
import threading

from nst_keras.cli.studio import forming, takeaway

__all__ = ["Visitor", "Visitors"]

_SECONDS_TO_STOP = 30.0  # A step of a large picture may take that long.


@dataclasses.dataclass(eq=False)
class Visitor:
    """A visitor: one open page in a browser.

    Attributes:
        folder: The folder of this visitor's files, with a name that no one can guess.
        work: The folder in it for the files of the present picture.
        forming: The run that is going, or the last one; None before the first.
        made: The last picture that was made; None before the first.
        uploads: Files that this visitor has uploaded.
        is_there: Whether the page is still open.
        ticket: What stands for the picture that was asked for last, in the line of those who wait; None if the visitor
            wants it no more.
    """

    folder: pathlib.Path
    forming: forming.Forming | None = None
    made: takeaway.Made | None = None
    uploads: set[str] = dataclasses.field(default_factory=set)
    is_there: bool = True
    ticket: object | None = None

    def __post_init__(self) -> None:
        self.work = self._paint = self.folder / "none"

    def begin(self) -> None:
        """Ends the run that is going, if any, and begins with an empty folder. The files of the last picture go."""
        self.stop()
        self.work = self._another(self.work)
        self.ticket = object()

    def begin_to_paint(self) -> pathlib.Path:
        """Returns an empty folder for the photograph that is painted on. The last one goes."""
        self._paint = self._another(self._paint)
        return self._paint

    def _another(self, before: pathlib.Path) -> pathlib.Path:
        """Returns a new folder in place of one before."""
        shutil.rmtree(before, ignore_errors=True)
        made = self.folder / secrets.token_hex(8)
        made.mkdir(parents=True)
        return made

    def stop(self) -> None:
        """Ends the run that is going, or the waiting for one, and waits for its end."""
        self.end()
        if self.forming is not None:
            self.forming.join(_SECONDS_TO_STOP)

    def end(self) -> None:
        """Ends the run that is going after its present step, or the waiting for one."""
        self.ticket = None
        if self.forming is not None:
            self.forming.stop()


class Visitors:
    """The visitors who have the page open.

    Args:
        folder: The folder in which the files of all of them lie, also those that they upload.
        most: Number of visitors that are known. The one who came first is forgotten for a further one.
    """

    def __init__(self, folder: pathlib.Path, most: int = 256) -> None:
        self._folder, self._most = folder, most
        self._known: dict[str, Visitor] = {}
        self._lock = threading.Lock()

    def of(self, session: str | None) -> Visitor:
        """Returns the visitor of a session, who becomes known if new.

        Args:
            session: Name of the session, which the browser chooses. It names no folder.
        """
        with self._lock:
            if (known := self._known.get(session or "")) is not None:
                return known
            made = self._known[session or ""] = Visitor(self._folder / secrets.token_hex(16))
            forgotten = list(self._known)[: -self._most]
        for name in forgotten:
            self.leave(name)
        return made

    def leave(self, session: str | None) -> None:
        """Ends a visitor's run and deletes the visitor's files, but no upload that another visitor has too."""
        with self._lock:
            visitor = self._known.pop(session or "", None)
            others: set[str] = set().union(*(other.uploads for other in self._known.values()))
        if visitor is None:
            return
        visitor.is_there = False
        visitor.stop()
        shutil.rmtree(visitor.folder, ignore_errors=True)
        for path in visitor.uploads - others:
            pathlib.Path(path).unlink(missing_ok=True)

    def hidden(self, text: str) -> str:
        """Returns a text without the folders of this machine: of an uploaded file, its name alone is left."""
        return re.sub(re.escape(str(self._folder)) + rf"{re.escape(os.sep)}(?:[^\s'\"/\\]+[/\\])*", "", text)
