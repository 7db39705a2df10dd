"""The frames of a run, in memory or in files."""

from __future__ import annotations

import io
import os
import pathlib
import re
import warnings
from collections.abc import Sequence

import keras
import numpy as np
import PIL.Image

from nst_keras import checks, export
from nst_keras.runtime import memory

__all__ = ["FrameRecorder", "StoredFrames", "recorder"]

Logs = dict[str, float] | None


class StoredFrames(Sequence):
    """Frames in a folder, `step_00000050.bmp` that of step 50, each read when it is asked for.

    BMP holds the pixels as they are, and is written in a tenth of PNG's time, which would be a few hundredths of a
    step's; pictures full of texture are hardly smaller as PNG.

    Args:
        folder: Made with the first frame.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = pathlib.Path(folder).expanduser()
        names = (path.name for path in self.folder.iterdir()) if self.folder.is_dir() else ()
        steps = (int(name[5:-4]) for name in names if re.fullmatch(r"step_\d{8,}\.bmp", name))
        self.steps = sorted(step for step in steps if self._path(step).exists())

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int | slice) -> np.ndarray | list[np.ndarray]:
        """The frame at a place, uint8 [height, width, 3]; for a slice, a list of them."""
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        with PIL.Image.open(self._path(self.steps[place])) as picture:
            return np.asarray(picture)

    def make_folder(self) -> None:
        """Makes the folder; raises `OSError` where that, or writing into it, is not possible."""
        checks.make_folder("frames_dir", self.folder)

    def append(self, step: int, frame: np.ndarray) -> None:
        """Writes a frame, whole or not at all; raises `OSError` where it cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with export.replacing(self._path(step)) as temporary:
            # By way of memory: Pillow itself does not notice where a disk takes half of a file.
            encoded = io.BytesIO()
            PIL.Image.fromarray(frame).save(encoded, "BMP")
            pathlib.Path(temporary).write_bytes(encoded.getbuffer())
        if step not in self.steps[-1:]:
            self.steps.append(step)

    def keep(self, steps: Sequence[int]) -> None:
        """Removes the frames of all other steps, and what a kill has left half-written."""
        for left in self.folder.glob(".*.bmp"):
            if re.fullmatch(r"\.[0-9a-f]{32}\.bmp", left.name):
                left.unlink()
        for step in set(self.steps) - set(steps):
            self._path(step).unlink()
        self.steps[:] = [step for step in self.steps if step in steps]

    def _path(self, step: int) -> pathlib.Path:
        return self.folder / f"step_{step:08}.bmp"


class FrameRecorder(keras.callbacks.Callback):
    """Keeps every `interval`-th step's image, and the last.

    Args:
        interval: Steps.
        folder: Where the frames are written, each when it is made; they are kept in memory if it is left out.
        resume: Whether the run goes on: then those frames in the folder that it has made already are kept, and others
            removed.

    Raises:
        ValueError: The folder holds frames, and the run does not go on.

    Attributes:
        frames: uint8 arrays [height, width, 3], with the values of the image, never stretched: a list, or
            `StoredFrames`.
        steps: The step of each.
    """

    keeps = True  # Its end is told also where another callback fails.

    def __init__(self, interval: int = 1, folder: str | os.PathLike | None = None, *, resume: bool = False) -> None:
        super().__init__()
        self.interval = interval
        self.frames: list[np.ndarray] | StoredFrames = [] if folder is None else StoredFrames(folder)
        if len(self.frames) and not resume:
            raise ValueError(
                f"frames_dir: {str(folder)!r} holds the frames of another run. Go on with that (resume), or choose "
                "another folder."
            )
        if isinstance(self.frames, StoredFrames):
            self.frames.make_folder()
        self.steps: list[int] = self.frames.steps if isinstance(self.frames, StoredFrames) else []
        self._failed = False

    def held(self, steps: int) -> int:
        """How many frames a run of so many steps keeps in memory."""
        return -(-steps // self.interval) if isinstance(self.frames, list) else 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Keeps of the frames in the folder those that the run has made up to here."""
        if isinstance(self.frames, StoredFrames):
            self.frames.keep(range(self.interval, self.model.first_step + 1, self.interval))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Keeps the frame if its turn has come."""
        if self.model.step % self.interval == 0:
            self._keep()

    def on_train_end(self, logs: Logs = None) -> None:
        """Keeps the last image, if it is not kept yet."""
        if not len(self.frames) or not np.array_equal(self.frames[-1], self.model.image):
            self._keep()

    def _keep(self) -> None:
        if not isinstance(self.frames, StoredFrames):
            if self.steps[-1:] == [self.model.step]:  # A callback has put another picture in the place of this one.
                del self.frames[-1], self.steps[-1]
            self.frames.append(self.model.image)
            self.steps.append(self.model.step)
        elif not self._failed:
            try:
                self.frames.append(self.model.step, self.model.image)
            except OSError as error:
                self._failed = True
                warnings.warn(
                    f"frames_dir: the frame of step {self.model.step} could not be written ({error}); the run goes "
                    "on, and keeps no more of them.",
                    stacklevel=2,
                )


def recorder(
    folder: str | os.PathLike | None,
    *,
    interval: int,
    steps: int,
    size: tuple[int, int],
    checkpoints_dir: pathlib.Path | None,
    resume: bool,
) -> FrameRecorder:
    """Keeps a run's frames in memory, or in a folder where one is named, or where the run may have to go on.

    Args:
        folder: As `FrameRecorder` takes it.
        interval: Likewise.
        steps: Of the whole run.
        size: Height and width of a frame.
        checkpoints_dir: Where the run's checkpoints lie, and its frames beside them; None for a run without.
        resume: Whether it goes on.

    Raises:
        ValueError: As `FrameRecorder`, or frames that would not fit into memory.
        OSError: The folder cannot be written to.
    """
    own = checkpoints_dir and checkpoints_dir / "frames"
    if folder is None and own is None:
        memory.check_frames(*size, steps=steps, frame_interval=interval)
    # Without a checkpoint, frames beside the checkpoints are those of a run that did not come to its first.
    return FrameRecorder(interval, folder or own, resume=resume or (own is not None and (folder or own) == own))
