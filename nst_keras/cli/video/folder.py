"""The folder of a clip that is being made: its frames, so that a command that was killed goes on.

It stands beside the output, and is removed once that is written. `pass_1/` has the pictures that later frames go on
from, `shown/` those that are not yet part of a clip, and `parts/` the clips of 48 frames that they become. Each file is
written under a temporary name. A frame is made once its picture is in `pass_1/`, which is written last.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator

import numpy as np
import PIL.Image

from nst_keras import presets
from nst_keras.engine import checkpoint_lock
from nst_keras.export import files

__all__ = ["PART", "Folder"]

PART = 48  # Frames that are written as a clip of their own.
_SUFFIX = ".frames"
_ASKED, _NOTES = "asked.json", "notes.jsonl"
# All that is ever written into a folder. What else is in it is somebody's, and stays.
_OWN = (_ASKED, _NOTES, "*.done", "shown", "parts", "pass_*", ".nst_keras-*.tmp*")


class Folder:
    """The folder of a clip that is being made.

    Args:
        output: The clip's file.

    Attributes:
        path: The folder.
    """

    def __init__(self, output: pathlib.Path) -> None:
        self.path = output.with_name(output.name + _SUFFIX)

    @contextlib.contextmanager
    def held(self) -> Generator[None, None, None]:
        """Holds the folder, which is made if need be, for the length of a `with` block. One command at a time may.

        Raises:
            RuntimeError: Another command holds it.
        """
        with checkpoint_lock.held(self.path, argument="output"):
            yield

    def check(self, asked: presets.Options) -> None:
        """Raises `FileExistsError` if the folder holds frames that another command has begun.

        Args:
            asked: {name: value} of all that decides the frames.
        """
        if self.is_empty or (before := _read(self.path / _ASKED)) == asked:
            return
        names = [name for name in {**asked, **before} if before.get(name) != asked.get(name)] if before else []
        raise FileExistsError(
            f"output: {str(self.path)!r} holds frames that were made with another {', '.join(names) or 'clip'}."
            " Repeat the earlier call to go on, or discard its frames: --noresume, in Python resume=False."
        )

    def begin(self, asked: presets.Options, *, resume: bool) -> None:
        """Makes the folder, or takes it up.

        Args:
            asked: {name: value} of all that decides the frames.
            resume: Whether an earlier folder is taken up. Otherwise it is emptied.

        Raises:
            FileExistsError: The folder holds frames of another clip or of other settings.
            OSError: The folder cannot be written to.
        """
        if resume:
            self.check(asked)
        with self._told():
            if not resume or self.is_empty:
                self._clear()
            for name in ("shown", "parts"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            files.write_text(self.path / _ASKED, json.dumps(asked, indent=1))

    @property
    def is_empty(self) -> bool:
        """Returns whether the folder holds no frame that a command could go on from."""
        kinds = (found.name for found in self.path.glob("pass_*"))
        return not (self.path / _ASKED).exists() or not any(map(self.numbers, kinds))

    def frame(self, kind: str, number: int) -> pathlib.Path:
        """Returns the path of a frame's picture, of a kind `shown` or `pass_1`, `pass_2`..."""
        return self.path / kind / f"{number:06}.png"

    def write(self, kind: str, number: int, picture: np.ndarray) -> None:
        """Writes a frame's picture without loss.

        Args:
            kind: See `frame`.
            number: The frame's number.
            picture: uint8 [height, width, 3 or 4].

        Raises:
            OSError: It cannot be written, such as on a full disk.
        """
        path = self.frame(kind, number)
        data = files.encoded(PIL.Image.fromarray(picture), "PNG", compress_level=1)
        with self._told():
            path.parent.mkdir(exist_ok=True)
            with files.replacing(path) as temporary:
                pathlib.Path(temporary).write_bytes(data)
                _sync(pathlib.Path(temporary))

    def read(self, kind: str, number: int) -> np.ndarray:
        """Returns what `write` has written."""
        with PIL.Image.open(self.frame(kind, number)) as opened:
            return np.asarray(opened)

    def numbers(self, kind: str) -> list[int]:
        """Returns the numbers of the frames of a kind, in order."""
        found = (path.stem for path in (self.path / kind).glob("*.png") if path.stem.isdigit())
        return sorted(map(int, found))

    def forget(self, kind: str, numbers: Iterable[int]) -> None:
        """Removes frames of a kind."""
        for number in numbers:
            self.frame(kind, number).unlink(missing_ok=True)

    def forget_all(self, kind: str) -> None:
        """Removes the frames of a kind, and their folder."""
        shutil.rmtree(self.path / kind, ignore_errors=True)

    def part(self, index: int) -> pathlib.Path:
        """Returns the path of a part, a clip of `PART` frames or, at the end, of fewer."""
        return self.path / "parts" / f"{index:05}.mp4"

    def parts(self) -> list[pathlib.Path]:
        """Returns the paths of the parts that are written, in order."""
        return sorted((self.path / "parts").glob("[0-9]*.mp4"))

    def write_parts(self, count: int, write: Callable[[pathlib.Path, Iterator[np.ndarray]], None]) -> None:
        """Writes the parts whose frames are all shown and that are not written yet, and removes these frames.

        Args:
            count: Number of frames, from the first on, that are shown or parts already. Fewer than 48 make the last
                part.
            write: Writes a clip's file from its frames, whole or not at all.
        """
        for index in range(len(self.parts()), -(-count // PART)):
            numbers = range(index * PART, min((index + 1) * PART, count))
            with self._told():
                write(self.part(index), (self.read("shown", number) for number in numbers))
                _sync(self.part(index))  # Before the frames that it holds are removed.
        self.forget("shown", [number for number in self.numbers("shown") if number < len(self.parts()) * PART])

    def note(self, entry: presets.Options) -> None:
        """Adds what there is to say of a frame to the notes."""
        with self._told(), (self.path / _NOTES).open("a", encoding="utf-8") as notes:
            notes.write("\n" + json.dumps(entry))  # Behind a line that a kill may have cut off.
            notes.flush()
            os.fsync(notes.fileno())  # Before the frame that counts as made.

    def notes(self) -> dict[tuple[int, int], presets.Options]:
        """Returns {(pass, number of a frame): what there is to say of it}. A line that was cut off is left out."""
        found: dict[tuple[int, int], presets.Options] = {}
        with contextlib.suppress(FileNotFoundError):
            for line in (self.path / _NOTES).read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    found[entry["pass"], entry["frame"]] = entry
        return found

    def complete(self, number: int) -> None:
        """Notes that all frames of a pass are made."""
        with self._told():
            self._mark(f"pass_{number}").touch()

    def is_complete(self, number: int) -> bool:
        """Returns whether all frames of a pass are made."""
        return self._mark(f"pass_{number}").exists()

    def begin_output(self) -> None:
        """Notes that the output is written from now on."""
        with self._told():
            self._mark("output").touch()

    @property
    def has_begun_output(self) -> bool:
        """Returns whether an earlier command began to write the output, which may then be replaced."""
        return self._mark("output").exists()

    def remove(self) -> None:
        """Removes all that was kept, and the folder unless it holds something else."""
        self._clear()
        (self.path / checkpoint_lock.NAME).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def sweep(self) -> None:
        """Removes what is left of a command that was killed at its very end, after it had written the clip."""
        if self.path.is_dir() and not (self.path / _ASKED).exists():
            with contextlib.suppress(OSError, RuntimeError), self.held():
                if not (self.path / _ASKED).exists():
                    self.remove()

    def _mark(self, name: str) -> pathlib.Path:
        return self.path / f"{name}.done"

    def _clear(self) -> None:
        """Removes all that was kept. What it was made with goes first: without it, the rest counts for nothing."""
        (self.path / _ASKED).unlink(missing_ok=True)
        for pattern in _OWN:
            for found in self.path.glob(pattern):
                if found.is_dir():
                    shutil.rmtree(found)
                else:
                    found.unlink()

    @contextlib.contextmanager
    def _told(self) -> Generator[None, None, None]:
        """Raises `OSError` of one sentence in place of one in the block."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error.__cause__ or error).rstrip(".")
            raise OSError(
                f"output: the frames in {str(self.path)!r} cannot be kept ({reason}). Make room for them or mend the"
                " folder, and give the same command to go on."
            ) from error


def _sync(path: pathlib.Path) -> None:
    """Waits until a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _read(note: pathlib.Path) -> presets.Options:
    """Returns what a folder was begun with; {} if it cannot be read."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
