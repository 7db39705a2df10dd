"""A clip from its source to its output: pass after pass, frame after frame, going on where an earlier command ended."""

from __future__ import annotations

import dataclasses
import fractions
import functools
import pathlib
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nst_keras import export, presets, settings
from nst_keras.cli import job
from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import folder as folder_lib
from nst_keras.cli.video import following, identity, outputs, sources, stylising, writing
from nst_keras.export import record
from nst_keras.runtime import phases

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
        self._given = dataclasses.replace(asked.transfer, network=job.resolved_weights(asked.transfer.network))
        self._outputs = outputs.named(video, overwrite=asked.files.overwrite)
        self._folder = folder_lib.Folder(self._outputs.clip)
        self._folder.sweep()
        self._may_replace = asked.files.overwrite or (video.resume and self._folder.has_begun_output)
        read = record.input_files(settings.values(self._given))
        outputs.check(self._outputs, video, read, may_replace=self._may_replace)
        self.source = sources.opened(video, asked.transfer.images.image_size)
        if video.resume and not video.dry_run:
            self._folder.check(self._fingerprint)
        self._stylizer = stylising.Stylizer(self._given, asked.fit, video, flow=flow, count=self.source.count)
        self._rehearse()

    def run(self, tell: Callable[[Frame], None]) -> Report:
        """Makes all frames that are not made yet, writes the clip, and removes what was kept meanwhile.

        Args:
            tell: Is called with each frame.

        Raises:
            KeyboardInterrupt: It was interrupted. What is made stays, and the same command goes on.
            Exception: A frame could not be made, or a file could not be written. What is made stays as well.
        """
        with self._folder.held():
            self._folder.begin(self._fingerprint, resume=self._video.resume)
            try:
                for number in range(1, self._video.passes + 1):
                    self._go_through(number, tell)
            finally:
                if self._folder.is_empty:
                    self._folder.remove()
            report = self._report(self._written())
            self._folder.remove()
        return report

    def try_out(self) -> Report:
        """Makes the first frames, writes the first as a picture beside the output, and returns an estimate."""
        course = stylising.Course(self._stylizer)
        seconds, scenes, steps = [], [], []
        picture = self._outputs.tried
        for index, source in zip(range(_TRIED), self.source.frames(), strict=False):
            begun = time.monotonic()
            made = course.make(source)
            if index == 0:
                export.save_image(made.shown, picture)
            scenes += [index] if made.is_new_scene else []
            steps.append(made.steps)
            seconds.append(time.monotonic() - begun)
        # A frame that is repeated costs nothing, and tells nothing of the others.
        usual = min((one for one, made in zip(seconds[1:], steps[1:], strict=True) if made), default=0.0)
        whole = seconds[0] + usual * (self._video.passes * self.source.count - 1)
        source = self.source
        return Report(picture, source.count, source.size, source.rate, scenes, steps, sum(seconds), whole)

    @property
    def made(self) -> int:
        """Number of frames that an earlier command has made, in all passes, and that are not made again."""
        if not self._video.resume:
            return 0
        numbers = range(1, self._video.passes + 1)
        return sum(self.source.count if self._folder.is_complete(one) else self._done(one) for one in numbers)

    def _rehearse(self) -> None:
        """Raises the error of a look that does not suit the clip, or of a package that is missing, before a frame."""
        frame = next(iter(self.source.frames()))
        flow_lib.moved(frame, np.zeros((*frame.shape[:2], 2), np.float32))
        with phases.named("preparing the look"):
            self._stylizer.kept(frame, frame)

    def _written(self) -> pathlib.Path:
        """Writes the clip from its frames, and returns its path: the output's, or one beside it that is free."""
        self._write_parts(self.source.count)
        output = self._outputs.clip if self._may_replace else export.free_name(self._outputs.clip)
        if output == self._outputs.clip:
            self._folder.begin_output()
        sound = self.source.sound if self._video.sound else None
        text = identity.comment(self._given, self._asked.fit, self._video)
        writing.join(self._folder.parts(), output, sound=sound, comment=text)
        return output

    def _go_through(self, number: int, tell: Callable[[Frame], None]) -> None:
        """Makes the frames of one pass that are not made yet."""
        if self._folder.is_complete(number):
            self._folder.forget_all(f"pass_{number - 1}")
            return
        count, kind, done = self.source.count, f"pass_{number}", self._done(number)
        is_back, is_last = number % 2 == 0, number == self._video.passes
        course = stylising.Course(self._stylizer, self._remembered(number, done), self._first_loss())
        numbers = range(count - 1 - done, -1, -1) if is_back else range(done, count)
        read = self.source.backwards(numbers.start) if is_back else self.source.frames(done)
        for frame, source in zip(numbers, read, strict=False):
            begun = time.monotonic()
            own = self._folder.read(f"pass_{number - 1}", frame)[..., :3] if number > 1 else None
            made = course.make(source, own)
            if is_last:
                self._folder.write("shown", frame, made.shown)
            seconds = time.monotonic() - begun
            entry = Frame(frame, number, made.steps, made.is_new_scene, made.losses.get("loss"), seconds)
            noted = entry._asdict()
            self._folder.note({"pass": noted.pop("round"), "frame": noted.pop("number"), **noted})
            self._folder.write(kind, frame, np.dstack([made.picture, made.age]))
            self._tidy(frame, made.shown)
            tell(entry)
        self._folder.complete(number)
        self._folder.forget_all(f"pass_{number - 1}")

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
        if self._outputs.preview is not None:
            _show(shown, self._outputs.preview)
        if self._video.passes == 1:
            self._folder.forget("pass_1", [frame - max(following.DISTANCES)])
            if (frame + 1) % folder_lib.PART == 0:
                self._write_parts(frame + 1)

    def _write_parts(self, count: int) -> None:
        self._folder.write_parts(count, functools.partial(writing.write_part, rate=self.source.rate))

    def _report(self, output: pathlib.Path) -> Report:
        """Returns what has become of the clip."""
        notes, source = self._folder.notes(), self.source
        scenes = [frame for (number, frame), entry in sorted(notes.items()) if number == 1 and entry["is_new_scene"]]
        steps = [0] * source.count
        for (_, frame), entry in notes.items():
            steps[frame] += entry["steps"]
        seconds = sum(entry["seconds"] for entry in notes.values())
        return Report(output, source.count, source.size, source.rate, scenes, steps, seconds)

    @functools.cached_property
    def _fingerprint(self) -> presets.Options:
        """What decides the frames."""
        return identity.fingerprint(self._given, self._asked.fit, self._video, clip=self.source.digest, flow=self._flow)


def _show(shown: np.ndarray, preview: pathlib.Path) -> None:
    """Replaces the preview. Where it cannot be written, that is no reason to end."""
    try:
        export.save_image(shown, preview)
    except OSError as error:
        message = f"preview: {str(preview)!r} cannot be written ({error.strerror or error}); the clip goes on."
        warnings.warn(message, stacklevel=2)
