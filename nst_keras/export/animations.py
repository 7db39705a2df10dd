"""Animations of a run: GIF and MP4."""

from __future__ import annotations

import importlib.util
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import PIL.Image

from nst_keras import checks
from nst_keras.export import files

__all__ = ["ANIMATION_WRITERS", "check_animation", "save_animation"]

_FRAMES_PER_SECOND = 12
_MP4_FRAMES_PER_SECOND = 25
_LEAST_SECONDS = 0.1
_LONGEST_SIDE = 16384  # Pixels. The encoder of MP4 takes no more.
_HOLD = 0.2  # The share of the time for which the last frame is shown.

_Item = TypeVar("_Item")


def save_animation(
    frames: Sequence[np.ndarray],
    path: str | os.PathLike,
    *,
    seconds: float = 6.0,
    longest_side: int = 512,
) -> None:
    """Saves frames as an animation that lasts `seconds`, in either format.

    The last frame is held for a fifth of the time. Frames beyond 12 a second are thinned evenly, and frames larger than
    `longest_side` are reduced, which keeps a GIF within a few megabytes. All frames take the size of the last one. MP4
    holds even sides alone: an odd side gets one more pixel, which repeats the edge.

    Args:
        frames: uint8 arrays [height, width, 3], at least one.
        path: Ends in .gif, or in .mp4 (which needs the package `imageio-ffmpeg`). An existing file is replaced.
        seconds: Length of the animation, 0.1 or more.
        longest_side: Longest side of the animation, in pixels, 16384 at most. Frames are never enlarged.

    Raises:
        ValueError: No frames, another suffix, a length under 0.1 seconds, or a longest side out of range.
        ImportError: .mp4 without `imageio-ffmpeg`.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    if not len(frames):
        raise ValueError("frames is empty. Give at least one frame.")
    check_animation(path, seconds=seconds)
    if checks.integer("longest_side", longest_side) > _LONGEST_SIDE:
        raise ValueError(f"longest_side must be {_LONGEST_SIDE} or less, but {longest_side} was given.")
    chosen = _thinned(frames, max(2, round(seconds * (1 - _HOLD) * _FRAMES_PER_SECOND)))
    pictures = _one_size(chosen, longest_side)
    with files.replacing(path) as temporary:
        ANIMATION_WRITERS[path.suffix.lower()](pictures, temporary, seconds)


def check_animation(path: str | os.PathLike, *, seconds: float, argument: str = "path") -> None:
    """Checks that an animation of this format and length can be made.

    Args:
        path: The file.
        seconds: Length of the animation.
        argument: The argument that errors name.

    Raises:
        ValueError: A suffix other than .gif and .mp4, or a length under 0.1 seconds.
        ImportError: .mp4 without `imageio-ffmpeg`.
    """
    path = pathlib.Path(path)
    files.check_suffix(argument, path, ANIMATION_WRITERS)
    if checks.finite("seconds", seconds) < _LEAST_SECONDS:
        raise ValueError(f"seconds must be {_LEAST_SECONDS} or more, but {seconds!r} was given.")
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise ImportError(f"{argument}: .mp4 needs ffmpeg. Install it with `pip install imageio-ffmpeg`.")


def _thinned(items: Sequence[_Item], most: int) -> list[_Item]:
    """Returns at most `most` of the items, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def _one_size(frames: Sequence[np.ndarray], longest_side: int) -> list[PIL.Image.Image]:
    """Returns frames at the last one's size, reduced to `longest_side`."""
    height, width = frames[-1].shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pictures = [PIL.Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    return [p if p.size == size else p.resize(size, PIL.Image.Resampling.LANCZOS) for p in pictures]


def _with_even_sides(levels: np.ndarray) -> np.ndarray:
    """Returns a picture, uint8 [height, width, 3], whose last row and column are repeated where their number is odd."""
    height, width = levels.shape[:2]
    return np.pad(levels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _write_gif(pictures: Sequence[PIL.Image.Image], path: str, seconds: float) -> None:
    """Writes a GIF with one palette for all frames, drawn from up to 8 of them, so that colours do not flicker."""
    sampled = _thinned([np.asarray(p) for p in pictures], 8)
    palette = PIL.Image.fromarray(np.vstack(sampled)).quantize(256, PIL.Image.Quantize.MEDIANCUT)
    first, *others = [p.quantize(palette=palette, dither=PIL.Image.Dither.FLOYDSTEINBERG) for p in pictures]
    durations = [10 * hundredths for hundredths in _durations(len(pictures), round(seconds * 100))]
    data = files.encoded(first, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    pathlib.Path(path).write_bytes(data)


def _write_mp4(pictures: Sequence[PIL.Image.Image], path: str, seconds: float) -> None:
    """Writes an MP4 at a constant rate, in which a picture is repeated for as long as it is shown."""
    durations = _durations(len(pictures), round(seconds * _MP4_FRAMES_PER_SECOND))
    levels = [_with_even_sides(np.asarray(picture)) for picture in pictures]
    shown = [frame for frame, times in zip(levels, durations, strict=True) for _ in range(times)]
    import imageio.v3 as imageio  # noqa: PLC0415  Few runs write a film.

    imageio.imwrite(path, shown, plugin="FFMPEG", fps=_MP4_FRAMES_PER_SECOND, macro_block_size=2, quality=8)


def _durations(count: int, total: int) -> list[int]:
    """Returns how long each of `count` frames is shown, in whole units of time that add up to `total`."""
    if count == 1:
        return [total]
    ends = np.linspace(0, total * (1 - _HOLD), count).round().astype(int)
    return [int(d) for d in np.diff([*ends, total])]


# Suffix -> what writes pictures of one size into a file of this name, of a length in seconds.
ANIMATION_WRITERS: dict[str, Callable[[Sequence[PIL.Image.Image], str, float], None]] = {
    ".gif": _write_gif,
    ".mp4": _write_mp4,
}
