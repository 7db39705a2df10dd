"""The frames of a run, in memory or in files."""

from __future__ import annotations

import errno
import os
import pathlib
import re
import shutil
import warnings
from collections.abc import Collection, Sequence
from typing import overload

import numpy as np
import PIL.Image

from nst_keras import checks, export
from nst_keras.callbacks import run_view
from nst_keras.runtime import memory

__all__ = ["FrameRecorder", "StoredFrames", "recorder"]

_CHECKPOINTS = 4  # Those that are kept, and one that is being written.


class StoredFrames(Sequence[np.ndarray]):
    """Frames in a folder, each read when it is indexed. The frame of step 50 is the file `step_00000050.bmp`.

    BMP keeps the pixels exactly and is written ten times as fast as PNG, which would take a few hundredths of a step's
    time. Stylised pictures are full of texture, which PNG hardly makes smaller.

    Args:
        folder: The folder, made with the first frame.

    Attributes:
        folder: The folder.
        steps: The step of each frame, in rising order.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = pathlib.Path(folder).expanduser()
        names = (path.name for path in self.folder.iterdir()) if self.folder.is_dir() else ()
        steps = (int(name[5:-4]) for name in names if re.fullmatch(r"step_\d{8,}\.bmp", name))
        self.steps = sorted(step for step in steps if self._path(step).exists())

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, place: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, place: slice) -> list[np.ndarray]: ...

    def __getitem__(self, place: int | slice) -> np.ndarray | list[np.ndarray]:
        """Reads the frame at an index, uint8 [height, width, 3], or a list of frames for a slice."""
        if isinstance(place, slice):
            return [self._read(step) for step in self.steps[place]]
        return self._read(self.steps[place])

    def make_folder(self) -> None:
        """Makes the folder.

        Raises:
            OSError: The folder cannot be made or written to.
        """
        checks.make_folder("frames_dir", self.folder)

    def append(self, step: int, frame: np.ndarray) -> None:
        """Writes a frame, whole or not at all.

        Args:
            step: Its step, after or equal to the last one's, which it then replaces.
            frame: uint8 [height, width, 3].

        Raises:
            OSError: It cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with export.replacing(self._path(step)) as temporary:
            pathlib.Path(temporary).write_bytes(export.encoded(PIL.Image.fromarray(frame), "BMP"))
        if step not in self.steps[-1:]:
            self.steps.append(step)

    def keep(self, steps: Collection[int]) -> None:
        """Removes the frames of all other steps, and half-written files that a killed run has left."""
        for left in self.folder.glob(".*.bmp"):
            if re.fullmatch(r"\.[0-9a-f]{32}\.bmp", left.name):  # Earlier versions wrote such names.
                left.unlink()
        export.sweep(self.folder)
        for step in set(self.steps) - set(steps):
            self._path(step).unlink(missing_ok=True)
        self.steps[:] = [step for step in self.steps if step in steps]

    def _path(self, step: int) -> pathlib.Path:
        return self.folder / f"step_{step:08}.bmp"

    def _read(self, step: int) -> np.ndarray:
        with PIL.Image.open(self._path(step), formats=["BMP"]) as picture:
            return np.asarray(picture)


class FrameRecorder(run_view.RunCallback):
    """Keeps the picture every `interval` steps, and the last picture.

    Args:
        interval: Steps between two frames, 1 or more.
        folder: A folder to which each frame is written at once. None: frames stay in memory.
        resume: Whether the run is resumed. If so, frames in the folder of steps already made are kept, and others
            removed.
        spares: Whether frames in a folder leave the disk room for checkpoints: four times the optimizer's variables.

    Raises:
        ValueError: The folder holds frames, and the run is not resumed.
        OSError: The folder cannot be made or written to.

    Attributes:
        frames: The frames, uint8 [height, width, 3], never stretched: a list, or `StoredFrames`.
        steps: The step of each frame.
    """

    keeps = True

    def __init__(
        self,
        interval: int = 1,
        folder: str | os.PathLike | None = None,
        *,
        resume: bool = False,
        spares: bool = False,
    ) -> None:
        super().__init__()
        self.interval = interval
        self._spares = spares
        self.frames: list[np.ndarray] | StoredFrames = [] if folder is None else StoredFrames(folder)
        if len(self.frames) and not resume:
            raise ValueError(
                f"frames_dir: {str(folder)!r} holds the frames of another run. Continue it with resume, or choose "
                "another folder."
            )
        if isinstance(self.frames, StoredFrames):
            self.frames.make_folder()
        self.steps: list[int] = self.frames.steps if isinstance(self.frames, StoredFrames) else []
        self._failed = False

    def held(self, steps: int) -> int:
        """Returns how many frames a run of `steps` steps keeps in memory: none if they are written to a folder."""
        return -(-steps // self.interval) if isinstance(self.frames, list) else 0

    def on_train_begin(self, logs: run_view.Logs = None) -> None:
        """Removes frames of steps after the one at which this run begins, and warns if some before it are missing."""
        if not isinstance(self.frames, StoredFrames):
            return
        before = range(self.interval, self.run.first_step + 1, self.interval)
        self.frames.keep(before)
        if len(self.frames) < len(before):
            missing = len(before) - len(self.frames)
            warnings.warn(
                f"frames_dir: {missing} of the {len(before)} frames up to step {self.run.first_step} were not kept; "
                "the run goes on without them.",
                stacklevel=2,
            )

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Keeps the picture, every `interval` steps."""
        if self.run.step % self.interval == 0:
            self._keep()

    def on_train_end(self, logs: run_view.Logs = None) -> None:
        """Keeps the last picture, unless it is kept already. An interruption may have come before its step's turn."""
        is_due = self.run.step > 0 and self.run.step % self.interval == 0 and self.steps[-1:] != [self.run.step]
        if is_due or not self._is_last(self.run.image):
            self._keep()

    def _is_last(self, image: np.ndarray) -> bool:
        """Returns whether the last frame is this picture. Somebody may have removed its file."""
        try:
            return len(self.frames) > 0 and np.array_equal(self.frames[-1], image)
        except OSError:
            return False

    def _keep(self) -> None:
        if isinstance(self.frames, StoredFrames):
            self._write(self.frames)
            return
        if self.steps[-1:] == [self.run.step]:  # A callback has replaced this step's picture.
            del self.frames[-1], self.steps[-1]
        self.frames.append(self.run.image)
        self.steps.append(self.run.step)

    def _write(self, frames: StoredFrames) -> None:
        if self._failed:
            return
        try:
            image = self.run.image
            self._check_room(frames.folder, image.nbytes)
            frames.append(self.run.step, image)
        except OSError as error:
            self._failed = True
            warnings.warn(
                f"frames_dir: the frame of step {self.run.step} could not be written ({error}); the run goes "
                "on, and keeps no more of them.",
                stacklevel=2,
            )

    def _check_room(self, folder: pathlib.Path, size: int) -> None:
        """Raises `OSError` if a file of this size would leave too little room for the run's checkpoints."""
        if not self._spares:
            return
        try:
            free = shutil.disk_usage(folder).free
        except OSError:  # Removed, or the system does not tell.
            return
        variables = self.run.optimizer_variables().values()
        if free - size < _CHECKPOINTS * sum(v.dtype.size * (v.shape.num_elements() or 0) for v in variables):
            raise OSError(errno.ENOSPC, "the rest of the disk is left to the checkpoints")


def recorder(
    folder: str | os.PathLike | None,
    *,
    interval: int,
    steps: int,
    size: tuple[int, int],
    checkpoints_dir: pathlib.Path | None,
    resume: bool,
) -> FrameRecorder:
    """Returns a recorder that keeps frames in memory, or in files if a folder is given or the run has checkpoints.

    A run with checkpoints whose last frame is its only one keeps it in memory too.

    Args:
        folder: A folder for the frames. None: beside the checkpoints, or else in memory.
        interval: Steps between two frames, 1 or more.
        steps: Steps of the whole run.
        size: Height and width of a frame, in pixels.
        checkpoints_dir: The folder of the run's checkpoints, whose frames lie in its subfolder `frames`. None for a run
            without checkpoints.
        resume: Whether the run is resumed.

    Raises:
        ValueError: The folder holds frames of another run, or the frames would not fit into memory.
        OSError: The folder cannot be made or written to.
    """
    beside = checkpoints_dir / "frames" if checkpoints_dir is not None and interval <= steps else None
    if folder is None and beside is None:
        memory.check_frames(*size, steps=steps, frame_interval=interval)
    # If there is no checkpoint yet, frames beside the checkpoints are those of a run that never came to its first.
    is_own = beside is not None and (folder or beside) == beside
    return FrameRecorder(interval, folder or beside, resume=resume or is_own, spares=checkpoints_dir is not None)
