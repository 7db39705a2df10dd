"""The frames of a clip: RGB pictures at a constant rate, upright, with square pixels, in a screen's colours."""

from __future__ import annotations

import dataclasses
import fractions
import math
import os
from collections.abc import Iterator

import numpy as np

from nst_keras import checks
from nst_keras.cli.video import colours, ffmpeg, pacing, probing, refusing

__all__ = ["Clip", "frames", "opened"]

_TOLERATED = 2  # Frames that may be missing at the end; the last one stands for them.
_ANNOUNCING = ("mov,", "matroska,", "avi", "flv", "asf")  # Formats that say at their beginning how long they last.
_CUT_OFF = 0.5  # Seconds that a whole file may lack of what it announces.
_INDEXED = ("mov,", "matroska,")  # Formats in which ffmpeg finds a time exactly.
_MARGIN = 2.0  # Seconds before the first frame from which decoding begins.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip, or a part of it, as it is read.

    Attributes:
        path: The file.
        size: (height, width) of the frames as they are read: even numbers, after rotation and scaling.
        rate: Frames a second.
        count: Number of frames.
        start: Second of the clip at which the first frame is shown: that of a frame of the clip. 0 is its first frame.
        end: Second of the clip at which the part ends; None for the clip's end.
        has_sound: Whether the file has sound.
        is_hdr: Whether the file is high dynamic range. Its frames are read mapped to a screen's.
        every: The part has each `every`th frame of the clip.
        gap: Longest time in seconds between two frames of the file.
        source: What is in the file.
    """

    path: str
    size: tuple[int, int]
    rate: fractions.Fraction
    count: int
    start: float
    end: float | None
    has_sound: bool
    is_hdr: bool
    every: int
    gap: float
    source: probing.Source

    @property
    def origin(self) -> float:
        """Returns the time of the clip's first frame in seconds, as it stands in the file."""
        return float(self.source.times[0])

    @property
    def is_indexed(self) -> bool:
        """Returns whether ffmpeg finds a time in the file exactly; else it must read from the beginning."""
        return self.source.kind.startswith(_INDEXED)


def opened(
    video: str | os.PathLike[str],
    *,
    image_size: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    every: int = 1,
) -> Clip:
    """Returns a clip, or a part of it, after all checks: the file is read once, and one frame is decoded.

    Args:
        video: The file.
        image_size: Longest side of the frames in pixels, 2 or more. They are never enlarged. Default: the clip's own.
        start: Second at which the part begins. It is moved to the nearest frame.
        end: Second at which it ends; beyond the clip's end it is the clip's end. Default: the clip's end.
        every: Takes each `every`th frame. The duration stays.

    Raises:
        ValueError: The file is no clip, cannot be decoded or is cut off, or a number is out of range.
        FileNotFoundError: There is no such file.
        OSError: It cannot be read.
        ImportError: ffmpeg is not installed.
    """
    _check_numbers(image_size, start, end, every)
    path = refusing.checked_file(video)
    source = refusing.source_of(path)
    pace = pacing.paced(source)
    _check_whole(path, source, pace, end)
    clip = _part(path, source, pace, image_size=image_size, start=start, end=end, every=every)
    _check_decoding(clip)
    return clip


def frames(clip: Clip, *, first: int = 0) -> Iterator[np.ndarray]:
    """Yields the frames of a clip: uint8 [height, width, 3], RGB. Closing the iterator ends ffmpeg.

    Args:
        clip: What `opened` has returned.
        first: Number of the frame to begin with, 0 or more.

    Raises:
        ValueError: `first` is no whole number.
        OSError: Reading ends more than two frames too early.
        ImportError: ffmpeg is not installed.
    """
    missing = clip.count - checks.integer("first", first, minimum=0)
    if missing <= 0:
        return
    tolerated = _TOLERATED + round(clip.source.last * clip.rate)
    with ffmpeg.running(_decoding(clip, first, missing)) as run:
        shape, frame = (*clip.size, 3), None
        while missing and len(data := run.output.read(math.prod(shape))) == math.prod(shape):
            frame = np.frombuffer(data, np.uint8).reshape(shape)
            missing -= 1
            yield frame
        if missing and (frame is None or missing > tolerated):
            raise OSError(_ends_early(clip, clip.count - missing, run.finish().errors))
    for _ in range(missing):
        assert frame is not None
        yield frame


def _decoding(clip: Clip, first: int, count: int) -> list[str]:
    """Returns ffmpeg's options to decode `count` frames of a clip from number `first` on."""
    assert clip.source.pictures is not None
    full_rate = clip.rate * clip.every
    time = clip.origin + clip.start + first / float(clip.rate)
    seek = max(clip.origin, time - clip.gap - _MARGIN) if clip.is_indexed else clip.origin
    filters = [
        *([] if clip.source.has_times else [f"setpts=PTS-STARTPTS+{clip.origin:.6f}/TB"]),
        # From the same time whatever the first frame: a variable rate is brought to the same frames.
        f"fps={full_rate.numerator}/{full_rate.denominator}:start_time={clip.origin + clip.start:.6f}",
        *([f"framestep={clip.every}"] if clip.every > 1 else []),
        *([f"trim=start_frame={first}"] if first else []),
        *colours.to_rgb(clip.source.pictures, clip.size),
    ]
    position = ["-copyts", *(["-seek_timestamp", "1", "-ss", f"{seek:.6f}"] if seek > clip.origin else [])]
    wanted = ["-map", f"0:{clip.source.pictures.stream}", "-vf", ",".join(filters), "-frames:v", str(count)]
    raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    return ["-loglevel", "error", *position, "-i", ffmpeg.file_name(clip.path), *wanted, *raw]


def _part(
    path: str,
    source: probing.Source,
    pace: pacing.Pace,
    *,
    image_size: int | None,
    start: float,
    end: float | None,
    every: int,
) -> Clip:
    """Returns the part of a clip from `start` to `end`, both moved to frames."""
    assert source.pictures is not None
    assert source.pictures.size is not None
    seconds = float(pace.frames / pace.rate)
    if start >= seconds:
        raise ValueError(f"start={start:g} must lie before the clip's end, but the clip lasts {seconds:.2f} s.")
    begins = min(round(start * pace.rate), pace.frames - 1)
    last = pace.frames if end is None else round(end * pace.rate)
    is_whole = last >= pace.frames
    ends = min(pace.frames, max(begins + 1, last))
    return Clip(
        path=path,
        size=_even(source.pictures.size, image_size),
        rate=pace.rate / every,
        count=math.ceil((ends - begins) / every),
        start=float(begins / pace.rate),
        end=None if is_whole else float(ends / pace.rate),
        has_sound=source.sound is not None,
        is_hdr=colours.is_hdr(source.pictures),
        every=every,
        gap=pace.gap,
        source=source,
    )


def _even(size: tuple[int, int], longest_side: int | None) -> tuple[int, int]:
    """Returns the even sides next to a size that is reduced to a longest side.

    >>> _even((57, 101), None), _even((1080, 1920), 512)
    ((56, 100), (288, 512))
    """
    scale = min(1.0, (longest_side or max(size)) / max(size))
    height, width = (max(2, 2 * math.ceil(side * scale / 2 - 0.5)) for side in size)
    return height, width


def _check_numbers(image_size: int | None, start: float, end: float | None, every: int) -> None:
    """Checks the numbers that need no file."""
    if image_size is not None:
        checks.integer("image_size", image_size, minimum=2)
    checks.integer("every", every)
    if checks.finite("start", start) < 0:
        raise ValueError(f"start must be 0 or more seconds, but {start!r} was given.")
    if end is not None and checks.finite("end", end) <= start:
        raise ValueError(f"end must be more than start={start:g}, but {end!r} was given.")


def _check_whole(path: str, source: probing.Source, pace: pacing.Pace, end: float | None) -> None:
    """Raises `ValueError` if a file lacks packets that it announces, unless `end` lies before them."""
    if source.announced is None or not source.kind.startswith(_ANNOUNCING):
        return
    if source.announced - source.lasts <= _CUT_OFF:
        return
    there = math.floor(100 * (float(source.times[-1] - source.times[0]) - 1 / pace.rate)) / 100
    if end is not None and end <= there:
        return
    advice = f", or give --end={there:.2f} to take what is there" if there > 0 else ""
    raise ValueError(
        f"video: {path!r} is cut off: it ends at {max(0.0, there):.2f} s, but {source.announced:.2f} s are announced. "
        f"Copy or download it again{advice}."
    )


def _check_decoding(clip: Clip) -> None:
    """Raises `ValueError` if ffmpeg cannot decode a clip."""
    try:
        next(frames(dataclasses.replace(clip, start=0.0, count=1)))
    except OSError as error:
        raise ValueError(str(error)) from error


def _ends_early(clip: Clip, count: int, errors: str) -> str:
    """Returns the sentence about a clip whose reading ended after `count` frames."""
    if not count:
        return f"video: {clip.path!r} cannot be decoded ({ffmpeg.reason(errors)}). Convert it to MP4 with H.264."
    second = clip.start + count / float(clip.rate)
    return (
        f"video: {clip.path!r} ends at {second:.2f} s, after {count} of {clip.count} frames ({ffmpeg.reason(errors)}). "
        f"Copy or download it again, or give --end={math.floor(100 * second) / 100:.2f} to take what is there."
    )
