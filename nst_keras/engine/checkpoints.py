"""Checkpoints: a run that was stopped, by whatever, goes on from the last of them, and makes the same pixels.

A checkpoint is a folder `step_00000050` that holds a `tf.train.Checkpoint` of the image and of all that the optimizer
remembers, and `record.json`: the step, the history, the state of the random generators, what the run is of, and the
SHA-256 of each file. It is written under a hidden name and renamed when whole; the last three are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import uuid
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nst_keras import checks

__all__ = ["Checkpoint", "Store", "to_go_on_from"]

_RECORD = "record.json"
_STATE = "state"


class Checkpoint(NamedTuple):
    """One that is whole, as it lies on the disk.

    Attributes:
        step: Steps made when it was written.
        record: {name: value}: the run's `fingerprint` and `history`, and the state of the `random` generators.
        folder: Where it lies.
    """

    step: int
    record: dict[str, Any]
    folder: pathlib.Path

    def restore(self, variables: Mapping[str, tf.Variable]) -> None:
        """Gives the variables their values, and the random generators their states."""
        tf.train.Checkpoint(**variables).read(str(self.folder / _STATE)).assert_consumed()
        version, state, gauss = self.record["random"]["python"]
        random.setstate((version, tuple(state), gauss))
        np.random.set_state(tuple(self.record["random"]["numpy"]))

    def check_same_run(self, fingerprint: Mapping[str, Any]) -> None:
        """Raises `ValueError` where a run of other settings is to go on from here; it names what differs.

        Args:
            fingerprint: {setting: value} of what decides the pixels of the run that is to go on.
        """
        found, given = self.record["fingerprint"], json.loads(json.dumps(fingerprint))
        differing = [name for name in {**found, **given} if found.get(name) != given.get(name)]
        if differing:
            differences = "; ".join(_difference(name, found.get(name), given.get(name)) for name in differing)
            raise ValueError(
                f"resume: {str(self.folder.parent)!r} holds a run of other settings: {differences}. Give the same "
                "again, or another checkpoint_dir."
            )


class Store:
    """The checkpoints of one run.

    Args:
        folder: Where they lie; made with the first of them.
        keep: How many of them are kept.
    """

    def __init__(self, folder: str | os.PathLike, *, keep: int = 3) -> None:
        self.folder = pathlib.Path(folder).expanduser()
        self._keep = keep

    def save(self, step: int, variables: Mapping[str, tf.Variable], record: Mapping[str, Any]) -> None:
        """Writes a checkpoint, whole or not at all, and forgets the oldest.

        Args:
            step: Steps made.
            variables: What an optimizer's `variables` gives.
            record: What else is to be remembered, as JSON takes it.

        Raises:
            OSError: It cannot be written; those before it stay.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{uuid.uuid4().hex}"
        try:
            temporary.mkdir()
            tf.train.Checkpoint(**variables).write(str(temporary / _STATE))
            files = {path.name: _digest(path) for path in sorted(temporary.iterdir())}
            for name in files:
                _flush(temporary / name)
            record = {"step": step, **record, "random": _random_states(), "files": files}
            _write_through(temporary / _RECORD, _sealed(record))
            self._put_in_place(temporary, self._folder_of(step))
        except tf.errors.OpError as error:
            raise OSError(error.message.splitlines()[0]) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in self.steps()[self._keep :]:
            shutil.rmtree(self._folder_of(old), ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """The last checkpoint that is whole; None where there is none at all.

        Damaged ones are passed over with a warning.

        Raises:
            ValueError: There are checkpoints, and all of them are damaged.
        """
        reasons = []
        for step in self.steps():
            try:
                found = _read(step, self._folder_of(step))
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                reasons.append(f"the checkpoint of step {step} is damaged ({error})")
            else:
                for reason in reasons:
                    warnings.warn(f"checkpoint_dir: {reason}; going on from step {step}.", stacklevel=2)
                return found
        if reasons:
            raise ValueError(
                f"checkpoint_dir: in {str(self.folder)!r} {'; '.join(reasons)}. Begin anew in another folder."
            )
        return None

    def steps(self) -> list[int]:
        """Steps of the checkpoints that lie there, the last first."""
        names = (path.name for path in self.folder.iterdir()) if self.folder.is_dir() else ()
        return sorted((int(name[5:]) for name in names if re.fullmatch(r"step_\d{8,}", name)), reverse=True)

    def tidy(self) -> None:
        """Removes what a kill has left half-written."""
        for left in self.folder.glob(".*") if self.folder.is_dir() else ():
            if re.fullmatch(r"\.[0-9a-f]{32}", left.name):
                shutil.rmtree(left, ignore_errors=True)

    def _folder_of(self, step: int) -> pathlib.Path:
        return self.folder / f"step_{step:08}"

    def _put_in_place(self, temporary: pathlib.Path, place: pathlib.Path) -> None:
        """Renames a whole checkpoint; a damaged one that a run has gone on before, and come to again, makes way."""
        if place.exists():
            aside = self.folder / f".{uuid.uuid4().hex}"
            place.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
        temporary.rename(place)


def to_go_on_from(store: Store | None, *, resume: bool, steps: int) -> Checkpoint | None:
    """The checkpoint that a run goes on from; None for one that begins at its start.

    Args:
        store: Its checkpoints, if it has any.
        resume: Whether it is to go on.
        steps: That it is to make in all.

    Raises:
        ValueError: A run that is to go on without a folder; one that is not, into a folder that holds another; or a
            checkpoint of a later step than the run is to make.
        OSError: The folder cannot be written to.
    """
    if store is None:
        if resume:
            raise ValueError("resume needs checkpoint_dir, the folder of the checkpoints to go on from.")
        return None
    if not resume and store.steps():
        raise ValueError(
            f"checkpoint_dir: {str(store.folder)!r} holds the checkpoints of a run. Go on with it (resume), or choose "
            "another folder."
        )
    checks.make_folder("checkpoint_dir", store.folder)
    checkpoint = store.newest() if resume else None
    if checkpoint is not None and checkpoint.step > steps:
        raise ValueError(f"resume: {checkpoint.step} steps are made already, of {steps}. Ask for more epochs.")
    return checkpoint


def _difference(name: str, found: Any, given: Any) -> str:
    if isinstance(found, str) and found.startswith("sha256:"):
        return f"another {name}"
    return f"{name} was {found!r}, and is {given!r} now"


def _read(step: int, folder: pathlib.Path) -> Checkpoint:
    record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    if record.pop("seal") != _seal(record):
        raise ValueError(f"{_RECORD} is not as it was written")
    for name, digest in record["files"].items():
        if not (folder / name).exists():
            raise ValueError(f"{name} is missing")
        if _digest(folder / name) != digest:
            raise ValueError(f"{name} is not as it was written")
    return Checkpoint(step, record, folder)


def _sealed(record: Mapping[str, Any]) -> str:
    """The record as JSON, with a digest of itself."""
    text = json.dumps(record, default=float)  # NumPy's numbers, which a user's callback may have put into the history.
    record = json.loads(text)
    return json.dumps({**record, "seal": _seal(record)})


def _seal(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()


def _digest(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: pathlib.Path) -> None:
    """Sees a file onto the disk, for a machine that may lose its power."""
    with contextlib.suppress(OSError), open(path, "rb+") as file:
        os.fsync(file.fileno())


def _write_through(path: pathlib.Path, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _random_states() -> dict[str, Any]:
    """Those of Python and NumPy, from which a user's callbacks may draw; the run itself draws at its start alone."""
    name, keys, *rest = np.random.get_state()
    return {"python": random.getstate(), "numpy": [name, keys.tolist(), *rest]}
