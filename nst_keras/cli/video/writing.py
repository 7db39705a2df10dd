"""Frames into a clip: parts of H.264, and one file of all parts with the sound of another clip."""

from __future__ import annotations

import contextlib
import fractions
import math
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nst_keras.cli.video import colours, ffmpeg, probing, reading
from nst_keras.export import files

__all__ = ["SUFFIXES", "join", "write_part"]

SUFFIXES = (".mp4", ".mov", ".mkv")
_PART = (".mp4",)
_LEAST_TICKS = 10000  # Ticks a second, at least, in which a part counts time. A frame is a whole number of them.
# Without frames that refer to later ones, a part begins with its first frame and ends with its last one.
_H264 = ("-c:v", "libx264", "-preset", "medium", "-crf", "16", "-bf", "0")
_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
# Sound that is copied: what players expect in such a file.
_COPIED = {
    ".mp4": ("aac", "mp3", "ac3", "eac3", "alac"),
    ".mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"),
    ".mkv": ("aac", "mp3", "ac3", "eac3", "alac", "flac", "opus", "vorbis", "dts", "pcm_s16le", "pcm_s24le"),
}
# Silence fills what is missing at the beginning and between, so that sound stays in step.
_IN_STEP = ("atrim=start=0", "aresample=async=1:first_pts=0")


def write_part(path: str | os.PathLike[str], frames: Iterable[np.ndarray], *, rate: fractions.Fraction) -> None:
    """Writes frames as a part: H.264 in MP4, which `join` takes without encoding it again.

    Args:
        path: The file, which ends in .mp4. It is replaced once the part is whole.
        frames: uint8 arrays [height, width, 3], RGB, one or more, of one size with even sides.
        rate: Frames a second.

    Raises:
        ValueError: Another suffix, no frames, or frames of a shape that cannot be written.
        OSError: The file cannot be written.
        ImportError: ffmpeg is not installed.
    """
    files.check_suffix("path", pathlib.Path(path), _PART)
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise ValueError("frames is empty. Give at least one frame.")
    _check_frame(first, first.shape)
    with _told("path", path), files.replacing(path) as temporary:
        _encode(_chained(first, remaining), _encoding(first, rate, temporary))


def join(
    parts: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    sound: reading.Clip | None,
    comment: str | None = None,
) -> None:
    """Joins parts into one clip, without encoding them again, with the sound of a clip.

    The sound begins where that clip's part begins, and ends with the pictures. It is copied where such a file can hold
    it; else it is encoded as AAC.

    Args:
        parts: Files that `write_part` has written, of one size and rate, in order.
        output: The file, which ends in .mp4, .mov or .mkv. It is replaced once the new one is whole.
        sound: The clip whose sound is taken. None, or a clip without sound: the result is silent.
        comment: Text that the file holds as its comment.

    Raises:
        ValueError: Another suffix, or no parts.
        OSError: A part cannot be read, or the file cannot be written.
        ImportError: ffmpeg is not installed.
    """
    files.check_suffix("output", pathlib.Path(output), SUFFIXES)
    if not parts:
        raise ValueError("parts is empty. Give at least one part.")
    sources = [_part(path) for path in parts]
    rate = _rate(sources[0])
    seconds = sum(len(source.times) for source in sources) / rate
    with _told("output", output), files.replacing(output) as temporary, _listed(parts) as listing:
        pictures = ["-loglevel", "error", "-copyts", "-f", "concat", "-safe", "0", "-i", listing]
        suffix = pathlib.Path(output).suffix.lower()
        inputs, chosen = _sound(sound, suffix)
        kept = ["-map", "0:v:0", *chosen, "-c:v", "copy", *_timed(rate), "-t", f"{float(seconds):.6f}"]
        made = [*_described(suffix, rate, comment), "-y", ffmpeg.file_name(temporary)]
        ffmpeg.check(ffmpeg.run([*pictures, *inputs, *kept, *made]))


def _encode(frames: Iterable[np.ndarray], options: Sequence[str]) -> None:
    """Gives frames to a run of ffmpeg."""
    with ffmpeg.running(options, reads=True) as run:
        for frame in frames:
            try:
                run.input.write(np.ascontiguousarray(frame).data)
            except OSError:  # ffmpeg has ended. What it said about it says more.
                break
        ffmpeg.check(run.finish())


def _encoding(frame: np.ndarray, rate: fractions.Fraction, path: str) -> list[str]:
    """Returns ffmpeg's options to encode frames like this one into a file."""
    height, width = frame.shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-framerate", str(rate), "-i", "pipe:0"]
    filters = ["-vf", ",".join(colours.to_video())]
    base = ["-video_track_timescale", str(_ticks(rate)), "-f", "mp4"]
    return ["-loglevel", "error", *raw, *filters, *_H264, *_TAGS, *base, "-y", ffmpeg.file_name(path)]


def _ticks(rate: fractions.Fraction) -> int:
    """Returns the ticks a second of a clip, of which a frame takes a whole number."""
    return rate.numerator * math.ceil(_LEAST_TICKS / rate.numerator)


def _chained(first: np.ndarray, remaining: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields all frames, each of which has the first one's shape."""
    yield first
    for frame in remaining:
        _check_frame(frame, first.shape)
        yield frame


def _check_frame(frame: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises `ValueError` if a frame cannot be written with others of this shape."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape[0] % 2 or frame.shape[1] % 2:
        raise ValueError(
            "frames must be uint8 arrays [height, width, 3] with even sides, but one is "
            f"{frame.dtype} {list(frame.shape)}. Convert it."
        )
    if frame.shape != shape:
        raise ValueError(
            f"frames must have one size, but {list(frame.shape)} came after {list(shape)}. Resize the frame."
        )


def _part(path: str | os.PathLike[str]) -> probing.Source:
    """Returns what is in a part; raises `OSError` where it cannot be read."""
    source, said = probing.probed(ffmpeg.file_name(path))
    if source is None or not source.times:
        raise OSError(f"parts: {os.fspath(path)!r} cannot be read ({ffmpeg.reason(said)}). Write it again.")
    return source


def _rate(part: probing.Source) -> fractions.Fraction:
    """Returns the exact rate of a part that `write_part` has written."""
    steps = len(part.times) - 1
    return fractions.Fraction(steps, 1) / (part.times[-1] - part.times[0]) if steps else 1 / part.last


def _timed(rate: fractions.Fraction) -> list[str]:
    """Returns the options that give each frame its exact time, whatever was rounded where parts meet."""
    step = _ticks(rate) / rate
    return ["-bsf:v", f"setts=pts=N*{step}:dts=N*{step}:duration={step}"]


def _described(suffix: str, rate: fractions.Fraction, comment: str | None) -> list[str]:
    """Returns the options for a file's format and the text that it holds."""
    text = ["-map_metadata", "-1", "-map_chapters", "-1", *(["-metadata", f"comment={comment}"] if comment else [])]
    if suffix == ".mkv":
        return [*text, "-f", "matroska"]
    return [*text, "-movflags", "+faststart", "-video_track_timescale", str(_ticks(rate)), "-f", suffix[1:]]


def _sound(clip: reading.Clip | None, suffix: str) -> tuple[list[str], list[str]]:
    """Returns the options for the input of sound, and those for what becomes of it."""
    if clip is None or clip.source.sound is None:
        return [], []
    index, codec = clip.source.sound
    begins = clip.origin + clip.start
    is_copied = codec in _COPIED[suffix] and clip.is_indexed
    position = ["-seek_timestamp", "1", "-ss", f"{begins:.6f}"] if clip.is_indexed else []
    how = ["-c:a", "copy"] if is_copied else ["-af", ",".join(_IN_STEP), "-c:a", "aac", "-b:a", "192k"]
    shifted = [*position, "-itsoffset", f"{-begins:.6f}"]
    return [*shifted, "-i", ffmpeg.file_name(clip.path)], ["-map", f"1:{index}", *how]


@contextlib.contextmanager
def _listed(parts: Sequence[str | os.PathLike[str]]) -> Iterator[str]:
    """Yields the name of a list of files that ffmpeg reads as one."""
    with tempfile.TemporaryDirectory(prefix="nst_keras-") as folder:
        listing = pathlib.Path(folder, "parts.txt")
        names = [ffmpeg.file_name(path).replace("'", "'\\''") for path in parts]
        listing.write_bytes(os.fsencode("".join(f"file '{name}'\n" for name in names)))
        yield str(listing)


@contextlib.contextmanager
def _told(argument: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Raises `OSError` in place of a failure of ffmpeg in the block."""
    try:
        yield
    except ffmpeg.FailedError as failure:
        raise OSError(f"{argument}: {os.fspath(path)!r} cannot be written ({failure}). Choose another.") from failure
