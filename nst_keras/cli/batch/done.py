"""Which pictures of a batch are made already: known by the settings inside them. Nothing here needs TensorFlow."""

from __future__ import annotations

import functools
import os
from typing import Any

import PIL.Image

from nst_keras import presets, settings
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch import storage
from nst_keras.export import record
from nst_keras.images import digests

__all__ = ["KEY", "Found", "notes"]

# The name under which the record of a picture has what a batch adds to it.
KEY = "batch"


def notes(pair: pairs_lib.Pair, seconds: float) -> presets.Options:
    """Returns what a batch adds to the record of a picture.

    Args:
        pair: The pair.
        seconds: Seconds that the picture took.
    """
    return {KEY: {"asked": dict(pair.asked_texts), "seconds": round(seconds, 3)}}


class Found:
    """What an output folder holds already.

    Args:
        place: The output folder.
        overwrite: Whether pictures that no batch has made may be replaced.

    Raises:
        OSError: A remote folder cannot be read.
    """

    def __init__(self, place: storage.Place, *, overwrite: bool) -> None:
        self._place, self._overwrite = place, overwrite
        self._listed = place.listed()
        self._digest = functools.cache(_digest)

    def outcome(self, pair: pairs_lib.Pair, *, keeps: bool) -> pairs_lib.Outcome | None:
        """Returns what has become of a pair before this batch; None if it is to be made.

        A pair fails if its picture would replace one that no batch has made.

        Args:
            pair: The pair.
            keeps: Whether a picture of the same settings and files is kept.

        Raises:
            OSError: A remote folder cannot be read.
        """
        is_there = self._listed is None or pair.output in self._listed
        path = self._place.made(pair.output) if is_there else None
        if path is None:
            return None
        try:
            made: Any = record.read(path)
        except (ValueError, OSError, RecursionError):
            made = None
        noted = made.get(KEY) if isinstance(made, dict) else None
        if not isinstance(noted, dict):
            return None if self._overwrite else _refused(pair, str(path))
        is_same = noted.get("asked") == dict(pair.asked_texts) and made.get("completed") is True
        return _kept(pair, made, path) if keeps and is_same and self._has_same_files(pair, made) else None

    def _has_same_files(self, pair: pairs_lib.Pair, made: presets.Options) -> bool:
        """Returns whether the files that a picture was made of are as they were. Remote ones count as unchanged."""
        if pair.asked is None:
            return False
        before, entries = made.get("inputs", {}), record.entries(settings.values(pair.asked.transfer.images))
        now = {name: self._digest(source) for name, source in entries.items() if not storage.is_remote(source)}
        return all(before.get(name) == value for name, value in now.items() if value is not None)


def _digest(source: object) -> str | None:
    """Returns the SHA-256 of a file; None for what is no file, or cannot be read."""
    try:
        return digests.digest(source)
    except (OSError, ValueError):
        return None


def _kept(pair: pairs_lib.Pair, made: presets.Options, path: os.PathLike[str]) -> pairs_lib.Outcome:
    """Returns the outcome of a picture that was made before, from its record."""
    with PIL.Image.open(path) as picture:
        width, height = picture.size
    return pairs_lib.Outcome(
        pair.number,
        pairs_lib.Status.KEPT,
        str(made.get("stop_reason", "")),
        float(made[KEY].get("seconds", 0.0)),
        (height, width),
        int(made.get("steps", 0)),
        made.get("losses", {}),
    )


def _refused(pair: pairs_lib.Pair, path: str) -> pairs_lib.Outcome:
    sentence = (
        f"output: {path!r} exists already, and no batch has made it. Choose another output_dir, or let it be "
        "overwritten (--overwrite)."
    )
    return pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, sentence)
