"""The folder of a clip that is being made: its frames, so that a command that was killed goes on.

It stands beside the output, and is removed once that is written. `pass_1/` has the pictures that later frames go on
from, `shown/` those that are not yet part of a clip, and `parts/` the clips of 48 frames that they become. Each file is
written under a temporary name. A frame is made once its picture is in `pass_1/`, which is written last.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import PIL.Image

from nst_keras.export import files

__all__ = ["PART", "Folder"]

PART = 48  # Frames that are written as a clip of their own.
_SUFFIX = ".frames"


class Folder:
    """The folder of a clip that is being made.

    Args:
        output: The clip's file.

    Attributes:
        path: The folder.
    """

    def __init__(self, output: pathlib.Path) -> None:
        self.path = output.with_name(output.name + _SUFFIX)

    def begin(self, asked: dict[str, Any], *, resume: bool) -> bool:
        """Makes the folder, or takes it up, and returns whether frames are there already.

        Args:
            asked: {name: value} of all that decides the frames.
            resume: Whether an earlier folder is taken up. Otherwise it is emptied.

        Raises:
            FileExistsError: The folder holds frames of another clip or of other settings.
            OSError: The folder cannot be written to.
        """
        note = self.path / "asked.json"
        if not resume:
            for found in self.path.glob("*"):
                if found.is_dir():
                    shutil.rmtree(found)
                elif found.suffix in (".json", ".jsonl", ".done"):
                    found.unlink()
        if note.exists():
            before = _read(note)
            if before != asked:
                names = [name for name in {**asked, **before} if before.get(name) != asked.get(name)]
                raise FileExistsError(
                    f"output: {str(self.path)!r} holds frames that were made with another {', '.join(names) or 'clip'}."
                    " Give the command of before to go on, or --noresume to throw them away."
                )
            return True
        for name in ("shown", "parts"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        files.write_text(note, json.dumps(asked, indent=1))
        return False

    def frame(self, kind: str, number: int) -> pathlib.Path:
        """Returns the path of a frame's picture, of a kind `shown` or `pass_1`, `pass_2`..."""
        return self.path / kind / f"{number:06}.png"

    def write(self, kind: str, number: int, picture: np.ndarray) -> None:
        """Writes a frame's picture without loss.

        Args:
            kind: See `frame`.
            number: The frame's number.
            picture: uint8 [height, width, 3 or 4].
        """
        path = self.frame(kind, number)
        path.parent.mkdir(exist_ok=True)
        data = files.encoded(PIL.Image.fromarray(picture), "PNG", compress_level=1)
        with files.replacing(path) as temporary:
            pathlib.Path(temporary).write_bytes(data)

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
            write(self.part(index), (self.read("shown", number) for number in numbers))
        self.forget("shown", [number for number in self.numbers("shown") if number < len(self.parts()) * PART])

    def note(self, entry: dict[str, Any]) -> None:
        """Adds what there is to say of a frame to the notes."""
        with (self.path / "notes.jsonl").open("a", encoding="utf-8") as notes:
            notes.write("\n" + json.dumps(entry))  # Behind a line that a kill may have cut off.

    def notes(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Returns {(pass, number of a frame): what there is to say of it}. A line that was cut off is left out."""
        found: dict[tuple[int, int], dict[str, Any]] = {}
        with contextlib.suppress(FileNotFoundError):
            for line in (self.path / "notes.jsonl").read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    found[entry["pass"], entry["frame"]] = entry
        return found

    def complete(self, number: int) -> None:
        """Notes that all frames of a pass are made."""
        self._mark(number).touch()

    def is_complete(self, number: int) -> bool:
        """Returns whether all frames of a pass are made."""
        return self._mark(number).exists()

    def _mark(self, number: int) -> pathlib.Path:
        return self.path / f"pass_{number}.done"

    def remove(self) -> None:
        """Removes the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def _read(note: pathlib.Path) -> dict[str, Any]:
    """Returns what a folder was begun with; {} if it cannot be read."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
