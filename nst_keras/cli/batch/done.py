"""Which pictures of a batch are made already: known by the settings inside them. Nothing here needs TensorFlow."""

from __future__ import annotations

import functools
import math
import pathlib
from typing import Any

from nst_keras import presets, settings
from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.cli.batch import storage
from nst_keras.export import record
from nst_keras.images import digests
from nst_keras.images.formats import opening

__all__ = ["KEY", "EarlierPictures", "is_made_by_a_batch", "notes"]

# The name under which the record of a picture has what a batch adds to it.
KEY = "batch"
_NOT_UNDERSTOOD = (OSError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def notes(pair: pairs_lib.Pair, seconds: float) -> presets.Options:
    """Returns what a batch adds to the record of a picture.

    Args:
        pair: The pair. It has settings.
        seconds: Seconds that the picture took.
    """
    remote = {name: storage.stamp(source) for name, source in _sources(pair).items() if storage.is_remote(source)}
    return {KEY: {"asked": dict(pair.asked_texts), "remote": remote, "seconds": round(seconds, 3)}}


def is_made_by_a_batch(path: pathlib.Path) -> bool:
    """Returns whether a file is a picture that a batch has made."""
    try:
        made: Any = record.read(path)
    except _NOT_UNDERSTOOD:
        return False
    return isinstance(made, dict) and KEY in made


class EarlierPictures:
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
        self._stamp = functools.cache(storage.stamp)

    def outcome(self, pair: pairs_lib.Pair, *, keeps: bool) -> pairs_lib.Outcome | None:
        """Returns what has become of a pair before this batch; None if it is to be made.

        A pair fails if its picture would replace one that no batch has made.

        Args:
            pair: The pair. It has settings.
            keeps: Whether a picture of the same settings and files is kept.

        Raises:
            OSError: A remote folder cannot be read.
        """
        path = self._place.local_copy(pair.output) if self._has(pair.output) else None
        if path is None:
            others = [name for name in pair.files.values() if self._has(name)]
            return _refused(pair, str(self._place.folder / others[0])) if others and not self._overwrite else None
        try:
            made: Any = record.read(path)
        except _NOT_UNDERSTOOD:
            made = None
        noted = made.get(KEY) if isinstance(made, dict) else None
        if not isinstance(noted, dict) or not _is_of(pair, made, _mapping(made.get("inputs"))):
            return None if self._overwrite else _refused(pair, str(path))
        is_whole = made.get("completed") is True and all(map(self._has, pair.files.values()))
        return _kept(pair, made, path) if keeps and is_whole and self._is_same(pair, made) else None

    def _has(self, name: str) -> bool:
        """Returns whether there is an output of this name."""
        return (self._place.folder / name).exists() if self._listed is None else name in self._listed

    def _is_same(self, pair: pairs_lib.Pair, made: presets.Options) -> bool:
        """Returns whether a picture was made with the same settings, of the same files, wherever these are now."""
        found = (made[KEY].get("asked"), made[KEY].get("remote"), made.get("inputs"))
        asked, stamps, sums = map(_mapping, found)
        now = dict(pair.asked_texts)
        for name, source in _sources(pair).items():
            is_remote = storage.is_remote(source)
            known = self._stamp(source) if is_remote else self._digest(source)
            if known is not None:
                option = name.partition("[")[0]
                asked.pop(option, None)
                now.pop(option, None)
                if known != (stamps if is_remote else sums).get(name):
                    return False
        return asked == now


def _is_of(pair: pairs_lib.Pair, made: presets.Options, sums: presets.Options) -> bool:
    """Returns whether an earlier picture is one of this pair: of files in the same places, or of the same files."""
    before, now = (
        {name: source for name, source in found.items() if name.partition("[")[0] in pairs_lib.INPUTS}
        for found in (record.entries(_mapping(made.get("settings"))), _sources(pair))
    )
    is_in_its_place = before == {name: record.resolved("content_image", source) for name, source in now.items()}
    found = {name: _digest(source) for name, source in now.items()}
    is_moved = bool(found) and all(value and value == sums.get(name) for name, value in found.items())
    return is_in_its_place or is_moved


def _mapping(value: object) -> dict[str, object]:
    """Returns a mapping from a record, which may hold anything; an empty one for anything else."""
    return {str(name): part for name, part in value.items()} if isinstance(value, dict) else {}


def _sources(pair: pairs_lib.Pair) -> presets.Options:
    """Returns {option: file} of what a pair reads: pictures and weights."""
    return {} if pair.asked is None else record.entries(settings.values(pair.asked.transfer))


def _digest(source: object) -> str | None:
    """Returns the SHA-256 of a file; None for what is no file, and "" for one that cannot be read."""
    try:
        return digests.digest(source)
    except (OSError, ValueError):
        return ""


def _kept(pair: pairs_lib.Pair, made: presets.Options, path: pathlib.Path) -> pairs_lib.Outcome | None:
    """Returns the outcome of a picture that was made before, from its record; None if that is not to be understood."""
    try:
        with opening.opened(path) as picture:
            width, height = picture.size
        losses = {str(name): float(value) for name, value in made["losses"].items()}
        seconds, steps = float(made[KEY]["seconds"]), int(made["steps"])
        reason = made.get("stop_reason")
    except _NOT_UNDERSTOOD:
        return None
    seconds = seconds if math.isfinite(seconds) else 0.0
    reason = reason if isinstance(reason, str) else ""
    return pairs_lib.Outcome(pair.number, pairs_lib.Status.KEPT, reason, seconds, (height, width), steps, losses)


def _refused(pair: pairs_lib.Pair, path: str) -> pairs_lib.Outcome:
    """Returns the outcome of a pair whose picture would replace another's."""
    sentence = (
        f"output_dir: {path!r} exists already, and no batch has made it of these pictures. Choose another folder, or "
        "let it be overwritten (--overwrite)."
    )
    return pairs_lib.Outcome(pair.number, pairs_lib.Status.FAILED, sentence)
