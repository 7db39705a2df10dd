"""Checkpoints: a run that stopped for any reason continues from the last one, and makes the same pixels.

A checkpoint is a folder such as `step_00000050`. It holds a `tf.train.Checkpoint` of the image and of the optimizer's
state, and `record.json`: the step, the history, the states of the random generators, the run's fingerprint, and the
SHA-256 of each file. A checkpoint is written under a hidden name and renamed when it is complete. The last three are
kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import uuid
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from nst_keras import checks, export
from nst_keras.engine import checkpoint_records
from nst_keras.images import digests

__all__ = ["Checkpoint", "Store", "checkpoint_to_resume"]

_STATE = "state"


class Checkpoint(NamedTuple):
    """A complete checkpoint on disk.

    Attributes:
        step: Number of steps made when it was written.
        record: {name: value}: the run's `fingerprint`, `history`, `seed` and `stage`, and the states of the `random`
            generators.
        folder: The checkpoint's folder.
    """

    step: int
    record: dict[str, Any]
    folder: pathlib.Path

    def restore(self, variables: Mapping[str, tf.Variable]) -> None:
        """Restores the values of the variables and the states of Python's and NumPy's random generators.

        Args:
            variables: {name: variable}, as an optimizer's `variables` returns them.
        """
        tf.train.Checkpoint(**variables).read(str(self.folder / _STATE)).assert_consumed()
        checkpoint_records.set_random_states(self.record["random"])

    def check_same_run(self, fingerprint: Mapping[str, object], defaults: Mapping[str, object] | None = None) -> None:
        """Checks that a run has the settings of the run that wrote this checkpoint.

        Args:
            fingerprint: {setting: value} of all settings that decide the run's pixels.
            defaults: {setting: the value that None stands for}. Default: None stands for itself.

        Raises:
            ValueError: Settings differ. The message names each with both values.
        """
        found, given = dict(self.record["fingerprint"]), json.loads(json.dumps(fingerprint))
        for name in ("frame_interval", "compiled"):  # Of earlier versions; and what a run takes over, see `choices`.
            found.pop(name, None)
            given.pop(name, None)
        found.setdefault("precision", given.get("precision"))  # They did not write it; the extractor's digest tells it.
        meant = [
            {**(defaults or {}), **{name: v for name, v in one.items() if v is not None}} for one in (found, given)
        ]
        differing = [name for name in {**found, **given} if meant[0].get(name) != meant[1].get(name)]
        if differing:
            differences = "; ".join(_difference(name, found.get(name), given.get(name)) for name in differing)
            raise ValueError(
                f"resume: {str(self.folder.parent)!r} holds a run with other settings: {differences}. Use the "
                "same settings, or another checkpoint_dir."
            )


class Store:
    """The checkpoints of one run.

    Args:
        folder: The folder that holds them. The first `save` makes it.
        keep: Number of checkpoints kept, 1 or more.
    """

    def __init__(self, folder: str | os.PathLike[str], *, keep: int = 3) -> None:
        self.folder = pathlib.Path(folder).expanduser()
        self._keep = keep

    def save(self, step: int, variables: Mapping[str, tf.Variable], record: Mapping[str, object]) -> None:
        """Writes a checkpoint completely or not at all, and deletes the oldest ones.

        Args:
            step: Number of steps made.
            variables: {name: variable}, as an optimizer's `variables` returns them.
            record: {name: value} of types that JSON can hold: `fingerprint`, `history`, `seed` and `stage`.

        Raises:
            OSError: The checkpoint cannot be written. Earlier checkpoints stay.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{uuid.uuid4().hex}"
        try:
            temporary.mkdir()
            tf.train.Checkpoint(**variables).write(str(temporary / _STATE))
            files = {path.name: digests.of_path(path) for path in sorted(temporary.iterdir())}
            for name in files:
                _flush(temporary / name)
            whole = {"step": step, **record, "random": checkpoint_records.random_states(), "files": files}
            _write_through(temporary / checkpoint_records.NAME, checkpoint_records.sealed(whole))
            self._put_in_place(temporary, self._folder_of(step))
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].rpartition("}} ")[2]  # Without the operation's inner name.
            raise OSError(reason.partition(" [Op:")[0]) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in self.steps()[self._keep :]:
            shutil.rmtree(self._folder_of(old), ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """Returns the last undamaged checkpoint, or None if the folder holds no checkpoint.

        Later checkpoints that are damaged each give a warning.

        Raises:
            ValueError: All checkpoints in the folder are damaged.
        """
        reasons: list[str] = []
        for step in self.steps():
            try:
                found = Checkpoint(step, checkpoint_records.read(self._folder_of(step)), self._folder_of(step))
            except (
                OSError,
                ValueError,
                LookupError,
                TypeError,
                AttributeError,
                ArithmeticError,
                RecursionError,
            ) as error:
                reasons.append(f"the checkpoint of step {step} is damaged ({error})")
            else:
                for reason in reasons:
                    warnings.warn(f"checkpoint_dir: {reason}; continuing from step {step}.", stacklevel=2)
                return found
        if reasons:
            raise ValueError(
                f"checkpoint_dir: in {str(self.folder)!r} {'; '.join(reasons)}. Start again in another folder."
            )
        return None

    def steps(self) -> list[int]:
        """Returns the steps of the checkpoints in the folder, the last first."""
        names = (path.name for path in self.folder.iterdir()) if self.folder.is_dir() else ()
        return sorted((int(name[5:]) for name in names if re.fullmatch(r"step_\d{8,}", name)), reverse=True)

    def tidy(self) -> None:
        """Deletes what killed processes have left: half-written checkpoints and files."""
        export.sweep(self.folder)
        for left in self.folder.glob(".*") if self.folder.is_dir() else ():
            if re.fullmatch(r"\.[0-9a-f]{32}", left.name):
                shutil.rmtree(left, ignore_errors=True)

    def _folder_of(self, step: int) -> pathlib.Path:
        return self.folder / f"step_{step:08}"

    def _put_in_place(self, temporary: pathlib.Path, place: pathlib.Path) -> None:
        """Renames a complete checkpoint to its final name, and replaces a damaged checkpoint of the same step."""
        if place.exists():
            aside = self.folder / f".{uuid.uuid4().hex}"
            place.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
        temporary.rename(place)


def checkpoint_to_resume(store: Store | None, *, resume: bool, steps: int) -> Checkpoint | None:
    """Returns the checkpoint that a run continues from, or None if it starts at step 0.

    Args:
        store: The run's checkpoints; None for a run without checkpoints.
        resume: Whether the run continues from the last checkpoint.
        steps: Number of steps of the whole run.

    Raises:
        ValueError: `resume` without a folder, a folder that holds checkpoints without `resume`, or a checkpoint of a
            step after the run's end.
        OSError: The folder cannot be written to.
    """
    if store is None:
        if resume:
            raise ValueError("resume needs checkpoint_dir, the folder of the checkpoints to continue from.")
        return None
    if not resume and store.steps():
        raise ValueError(
            f"checkpoint_dir: {str(store.folder)!r} holds the checkpoints of a run. Continue it with resume, or "
            "choose another folder."
        )
    checks.make_folder("checkpoint_dir", store.folder)
    checkpoint = store.newest() if resume else None
    if checkpoint is not None and checkpoint.step > steps:
        raise ValueError(
            f"resume: the checkpoint is of step {checkpoint.step}, but the run has {steps} steps. Give more epochs."
        )
    return checkpoint


def _difference(name: str, found: object, given: object) -> str:
    if isinstance(found, str) and found.startswith("sha256:"):
        return f"another {name}"
    return f"{name} was {found!r}, and is {given!r} now"


def _flush(path: pathlib.Path) -> None:
    """Forces a file onto the disk, so that it survives a power failure."""
    with contextlib.suppress(OSError), open(path, "rb+") as file:
        os.fsync(file.fileno())


def _write_through(path: pathlib.Path, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
