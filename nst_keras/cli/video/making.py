"""A clip from its source to its output: pass after pass, frame after frame, going on where an earlier command ended."""

from __future__ import annotations

import dataclasses
import fractions
import functools
import json
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nst_keras import export, settings
from nst_keras.cli import job
from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import folder as folder_lib
from nst_keras.cli.video import following, sources, stylising, writing
from nst_keras.engine import checkpoint_lock
from nst_keras.export import record
from nst_keras.settings import paths

__all__ = ["Frame", "Making", "Report"]

_TRIED = 3  # Frames that an estimate is made from: the first, one that may compile, and one as all others.


class Frame(NamedTuple):
    """A frame that has been made.

    Attributes:
        number: Its number in the clip, from 0.
        round: The pass, from 1.
        steps: Steps that were made.
        is_new_scene: Whether it was begun anew.
        loss: Total loss after the last step; None without steps.
        seconds: Seconds that it took.
    """

    number: int
    round: int
    steps: int
    is_new_scene: bool
    loss: float | None
    seconds: float


class Report(NamedTuple):
    """What has become of a clip.

    Attributes:
        output: The file that was written.
        frames: Number of frames.
        size: Height and width of the frames in pixels.
        rate: Frames a second.
        scenes: Numbers of the frames that were begun anew, from 0, in the first pass.
        steps: Steps of each frame, in all passes together.
        seconds: Seconds that making the frames took, also in earlier commands.
        estimate: Seconds that the whole clip would take, for a dry run; else None.
    """

    output: pathlib.Path
    frames: int
    size: tuple[int, int]
    rate: fractions.Fraction
    scenes: list[int]
    steps: list[int]
    seconds: float
    estimate: float | None = None


class Making:
    """A clip that is made. All that can be known to be wrong is told before the first frame.

    Args:
        asked: The look, and the process.
        video: The options of the clip.
        flow: The flow between two frames.

    Attributes:
        source: The clip.

    Raises:
        ValueError: A bad option, or a file that is no clip, is cut off or cannot be decoded.
        OSError: A file is missing or cannot be read, or the output cannot be written.
        ImportError: The extra `video` is not installed.
    """

    def __init__(
        self, asked: settings.JobSettings, video: settings.VideoSettings, *, flow: flow_lib.Flow = flow_lib.dis
    ) -> None:
        self._asked, self._video, self._flow = asked, video, flow
        self._output = pathlib.Path(video.output).expanduser()
        self._check_outputs()
        self.source = sources.opened(video, asked.transfer.images.image_size)
        given = dataclasses.replace(asked.transfer, network=job.resolved_weights(asked.transfer.network))
        self._given = given
        self._stylizer = stylising.Stylizer(given, asked.fit, video, flow=flow, count=self.source.count)
        self._folder = folder_lib.Folder(self._output)

    def run(self, tell: Callable[[Frame], None]) -> Report:
        """Makes all frames that are not made yet, writes the clip, and removes what was kept meanwhile.

        Args:
            tell: Is called with each frame.

        Raises:
            KeyboardInterrupt: It was interrupted. What is made stays, and the same command goes on.
            Exception: A frame could not be made, or a file could not be written. What is made stays as well.
        """
        with checkpoint_lock.held(self._folder.path):
            self._folder.begin(self._fingerprint(), resume=self._video.resume)
            for number in range(1, self._video.passes + 1):
                self._go_through(number, tell)
            self._write_parts(self.source.count)
            sound = self.source.sound if self._video.sound else None
            writing.join(self._folder.parts(), self._output, sound=sound, comment=self._comment())
            report = self._report()
        self._folder.remove()
        return report

    def try_out(self) -> Report:
        """Makes the first frames, writes the first as a picture beside the output, and returns an estimate."""
        seconds, history, first = [], following.History(), 0.0
        for index, source in zip(range(_TRIED), self.source.frames(), strict=False):
            begun = time.monotonic()
            made = self._made(source, history, None, first)
            if index == 0:
                first = made.losses["loss"]
                export.save_image(made.shown, self._output.with_suffix(".png"))
            seconds.append(time.monotonic() - begun)
        usual = min(seconds[1:], default=0.0)
        whole = seconds[0] + usual * (self._video.passes * self.source.count - 1)
        return self._report()._replace(output=self._output.with_suffix(".png"), estimate=whole)

    @property
    def made(self) -> int:
        """Number of frames that are made, in all passes."""
        return len(self._folder.notes())

    def _go_through(self, number: int, tell: Callable[[Frame], None]) -> None:
        """Makes the frames of one pass that are not made yet."""
        if self._folder.is_complete(number):
            return
        count, kind, done = self.source.count, f"pass_{number}", self._done(number)
        is_back, is_last = number % 2 == 0, number == self._video.passes
        history = self._remembered(number, done)
        first = self._first_loss()
        numbers = range(count - 1 - done, -1, -1) if is_back else range(done, count)
        read = self.source.backwards(numbers.start) if is_back else self.source.frames(done)
        for frame, source in zip(numbers, read, strict=False):
            begun = time.monotonic()
            own = self._folder.read(f"pass_{number - 1}", frame)[..., :3] if number > 1 else None
            made = self._made(source, history, own, first)
            first = first or made.losses["loss"]
            if is_last:
                self._folder.write("shown", frame, made.shown)
            seconds = time.monotonic() - begun
            entry = Frame(frame, number, made.steps, made.is_new_scene, made.losses.get("loss"), seconds)
            self._folder.note({"pass": number, "frame": frame, **entry._asdict()})
            self._folder.write(kind, frame, np.dstack([made.picture, made.age]))
            self._tidy(frame, made.shown)
            tell(entry)
        self._folder.complete(number)
        self._folder.forget_all(f"pass_{number - 1}")

    def _made(
        self, source: np.ndarray, history: following.History, own: np.ndarray | None, first: float
    ) -> stylising.Made:
        """Makes a frame, and adds it to the history."""
        earlier = history.nearest()
        if earlier:
            made = self._stylizer.next(source, earlier, loss=first, own=own)
        elif own is None:
            made = self._stylizer.first(source)
        else:  # Where a pass begins, the earlier pass ended: its picture is the best there is.
            made = self._stylizer.kept(source, own)
        history.add(following.Earlier(source, made.picture, made.age), is_new_scene=made.is_new_scene)
        return made

    def _done(self, number: int) -> int:
        """Returns how many frames of a pass are made."""
        found = self._folder.numbers(f"pass_{number}")
        if not found:
            return 0
        return self.source.count - found[0] if number % 2 == 0 else found[-1] + 1

    def _remembered(self, number: int, done: int) -> following.History:
        """Returns the history of a pass of which some frames are made."""
        history, notes = following.History(), self._folder.notes()
        if not done:
            return history
        begin = max(0, done - max(following.DISTANCES))
        count, is_back = self.source.count, number % 2 == 0
        numbers = range(count - 1 - begin, count - 1 - done, -1) if is_back else range(begin, done)
        read = self.source.backwards(numbers.start) if is_back else self.source.frames(begin)
        for frame, source in zip(numbers, read, strict=False):
            layers = self._folder.read(f"pass_{number}", frame)
            earlier = following.Earlier(source, layers[..., :3], layers[..., 3])
            history.add(earlier, is_new_scene=notes[number, frame]["is_new_scene"])
        return history

    def _first_loss(self) -> float:
        """Returns the loss of the clip's first frame; 0 before it is made."""
        entry = self._folder.notes().get((1, 0))
        return float(entry["loss"]) if entry else 0.0

    def _tidy(self, frame: int, shown: np.ndarray) -> None:
        """Writes a part once its frames are there, and removes what is not needed any more."""
        if self._video.preview is not None:
            export.save_image(shown, pathlib.Path(self._video.preview).expanduser())
        if self._video.passes == 1:
            self._folder.forget("pass_1", [frame - max(following.DISTANCES)])
            if (frame + 1) % folder_lib.PART == 0:
                self._write_parts(frame + 1)

    def _write_parts(self, count: int) -> None:
        self._folder.write_parts(count, functools.partial(_write_part, rate=self.source.rate))

    def _report(self) -> Report:
        """Returns what has become of the clip."""
        notes = self._folder.notes()
        scenes = [frame for (number, frame), entry in sorted(notes.items()) if number == 1 and entry["is_new_scene"]]
        steps = [0] * self.source.count
        for (_, frame), entry in notes.items():
            steps[frame] += entry["steps"]
        seconds = sum(entry["seconds"] for entry in notes.values())
        return Report(self._output, self.source.count, self.source.size, self.source.rate, scenes, steps, seconds)

    def _fingerprint(self) -> dict[str, Any]:
        """Returns {name: value} of all that decides the frames."""
        given = self._given
        transfer, fit = settings.values(given), settings.values(self._asked.fit)
        known = record.recorded_options()
        found = {name: record.described(value) for name, value in {**transfer, **fit}.items() if name in known}
        names = ("start", "end", "every", "frame_steps", "temporal_weight", "passes")
        found |= {name: getattr(self._video, name) for name in names}
        found |= record.digests(transfer)
        found["video"] = self.source.digest
        found["flow"] = getattr(self._flow, "__qualname__", type(self._flow).__name__)
        return json.loads(json.dumps(found))

    def _comment(self) -> str:
        """Returns the text that the clip's file holds: the settings that differ from the defaults."""
        usual = settings.values(settings.TransferSettings()) | settings.values(settings.FitSettings())
        usual |= settings.values(settings.VideoSettings())
        used = settings.values(self._given) | settings.values(self._asked.fit) | settings.values(self._video)
        changed = {name: record.described(value) for name, value in used.items() if value != usual[name]}
        return "Made by nst_keras.video: " + json.dumps(changed, sort_keys=True)

    def _check_outputs(self) -> None:
        """Raises an error if a file cannot be written, or would replace the clip itself."""
        overwrite = self._asked.files.overwrite
        if not self._video.dry_run:
            export.check_destination("output", self._output, writing.SUFFIXES, overwrite=overwrite)
        else:
            export.check_suffix("output", self._output, writing.SUFFIXES)
        if self._video.preview is not None:
            preview = pathlib.Path(self._video.preview).expanduser()
            export.check_still(preview, argument="preview")
        clip = pathlib.Path(paths.local(self._video.video or "")).expanduser()
        if self._output.exists() and clip.is_file() and self._output.samefile(clip):
            raise ValueError(f"output: {str(self._output)!r} would replace the clip itself. Choose another name.")


def _write_part(path: pathlib.Path, frames: Iterator[np.ndarray], *, rate: fractions.Fraction) -> None:
    writing.write_part(path, frames, rate=rate)
