"""Where the frames of a clip come from: a file, or a sample that is drawn."""

from __future__ import annotations

import dataclasses
import fractions
import math
from collections.abc import Iterator

import numpy as np

from nst_keras import checks, settings
from nst_keras.cli.video import reading, sample_clips
from nst_keras.images import digests
from nst_keras.settings import paths

__all__ = ["Source", "opened"]

_LEAST = 32  # Longest side of a sample in pixels. Its shorter one is then more than the 16 that are drawn.
_CHUNK = 24  # Frames that are read at once, to go through them backwards.


@dataclasses.dataclass(frozen=True)
class Source:
    """A clip, or a part of it.

    Attributes:
        size: Height and width of its frames in pixels, even numbers.
        rate: Frames a second.
        count: Number of frames.
        clip: The clip that it is, or a part of.
        first: Number of the clip's frame that is the first here. Only a sample counts so; a file's part knows its own.
        every: The step from one frame to the next, for a sample.
    """

    size: tuple[int, int]
    rate: fractions.Fraction
    count: int
    clip: reading.Clip | sample_clips.Clip
    first: int = 0
    every: int = 1

    @property
    def sound(self) -> reading.Clip | None:
        """The clip whose sound belongs to these frames; None for no sound."""
        return self.clip if isinstance(self.clip, reading.Clip) and self.clip.has_sound else None

    @property
    def digest(self) -> str:
        """What tells this clip from others: SHA-256 of its file, or the sample's name."""
        if isinstance(self.clip, sample_clips.Clip):
            return f"{paths.SAMPLE}{self.clip.name}"
        return str(digests.digest(self.clip.path))

    def frames(self, start: int = 0) -> Iterator[np.ndarray]:
        """Yields the frames from a number on, uint8 [height, width, 3], RGB."""
        if isinstance(self.clip, reading.Clip):
            yield from reading.frames(self.clip, first=start)
            return
        for number in range(start, self.count):
            yield self.clip.frame(self.first + self.every * number)

    def backwards(self, start: int) -> Iterator[np.ndarray]:
        """Yields the frames from a number down to 0."""
        for end in range(start + 1, 0, -_CHUNK):
            begin = max(0, end - _CHUNK)
            chunk = [frame for frame, _ in zip(self.frames(begin), range(end - begin), strict=False)]
            yield from reversed(chunk)


def opened(video: settings.VideoSettings, image_size: int | None) -> Source:
    """Returns the clip that is asked for.

    Args:
        video: The options of the clip.
        image_size: Longest side of the frames in pixels. They are never enlarged. Default: the clip's own.

    Raises:
        ValueError: No clip is given, an unknown sample, or a file that is no clip, is cut off or cannot be decoded.
        OSError: The file is missing or cannot be read.
        ImportError: ffmpeg is not installed.
    """
    if video.video is None:
        raise ValueError("video is missing. Give a clip, such as --video=clip.mp4 or --video=sample:journey.")
    if video.video.startswith(paths.SAMPLE):
        return _sample(video, video.video.removeprefix(paths.SAMPLE), image_size)
    options = {"start": video.start, "end": video.end, "every": video.every}
    clip = reading.opened(paths.local(video.video), image_size=image_size, **options)
    return Source(clip.size, clip.rate, clip.count, clip)


def _sample(video: settings.VideoSettings, name: str, image_size: int | None) -> Source:
    """Returns a part of a sample."""
    checks.one_of("video: the sample", name, sample_clips.CLIPS)
    height, width = sample_clips.SIZE
    if image_size is not None and image_size < _LEAST:
        raise ValueError(f"image_size must be {_LEAST} or more for a sample, but {image_size} was given.")
    scale = min(1.0, (image_size or width) / width)
    size = (2 * round(height * scale / 2), 2 * round(width * scale / 2))
    clip = sample_clips.get(name, size=size)
    first = round(video.start * clip.rate)
    last = len(clip) if video.end is None else min(len(clip), round(video.end * clip.rate))
    if first >= last:
        seconds = len(clip) / clip.rate
        raise ValueError(
            f"start={video.start:g} leaves no frame: the part ends at {min(seconds, last / clip.rate):g} s."
        )
    count = math.ceil((last - first) / video.every)
    return Source(size, fractions.Fraction(clip.rate, video.every), count, clip, first, video.every)
