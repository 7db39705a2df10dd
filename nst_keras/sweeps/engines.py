"""Transfers that are kept, so that another picture needs no compiling."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

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
                found.set_images(**settings.values(given.images))  # pyright: ignore[reportCallIssue]
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


def _key(given: settings.TransferSettings) -> presets.Options:
    """Returns the settings that a transfer cannot change: all but those of its pictures."""
    images = settings.values(given.images)
    return {name: value for name, value in settings.values(given).items() if name not in images}
