"""Transfers that are kept, so that another picture needs no compiling."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from nst_keras import presets, settings, transfer

__all__ = ["Engines"]


class Engines:
    """Transfers at rest. Each is used by one run at a time.

    Args:
        most: Number of them that are kept.
    """

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._idle: list[tuple[presets.Options, transfer.NeuralStyleTransfer]] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def borrowed(self, given: settings.TransferSettings) -> Iterator[transfer.NeuralStyleTransfer]:
        """Yields a transfer with these settings: one at rest that differs in its pictures alone, or a new one.

        After an error of the block, it is not kept. After a bad picture it is, since nothing has changed.

        Raises:
            ValueError: A bad option, an unreadable picture (`OSError`), or too little memory (`MemoryError`).
        """
        key = _key(given)
        found = self._taken(key)
        if found is None:
            found = transfer.NeuralStyleTransfer.from_settings(given)
        else:
            try:
                found.set_images(**_changes(found.given.images, given.images))  # pyright: ignore[reportCallIssue]
            except Exception:
                self._keep(key, found)
                raise
        yield found
        self._keep(key, found)

    def _keep(self, key: presets.Options, found: transfer.NeuralStyleTransfer) -> None:
        """Keeps a transfer, the first to be used again. The oldest one too many goes."""
        with self._lock:
            self._idle = [(key, found), *self._idle][: self._most]

    def _taken(self, key: presets.Options) -> transfer.NeuralStyleTransfer | None:
        """Returns a transfer at rest with these settings, which is then at rest no more; None if there is none."""
        with self._lock:
            for entry in self._idle:
                if entry[0] == key:
                    self._idle.remove(entry)
                    return entry[1]
        return None


def _changes(before: settings.ImageSettings, now: settings.ImageSettings) -> presets.Options:
    """Returns {option: value} of the pictures that are others now. The rest need not be read again."""
    earlier = settings.values(before)
    return {name: value for name, value in settings.values(now).items() if not _is_same(earlier[name], value)}


def _is_same(before: Any, now: Any) -> bool:
    """Returns whether two values name the same: arrays are the same only if they are one object."""
    plain = (str, int, float, list, tuple, type(None))
    if before is now:
        return True
    return isinstance(before, plain) and isinstance(now, plain) and _all_plain(before, now) and before == now


def _all_plain(*values: Any) -> bool:
    """Returns whether lists hold no arrays, which have no single answer to whether they are equal."""
    every = [part for value in values for part in (value if isinstance(value, (list, tuple)) else [])]
    return all(isinstance(part, (str, int, float)) for part in every)


def _key(given: settings.TransferSettings) -> presets.Options:
    """Returns the settings that a transfer cannot change: all but those of its pictures."""
    images = settings.values(given.images)
    return {name: value for name, value in settings.values(given).items() if name not in images}
