"""Moving pictures of a run: GIF and MP4."""

from __future__ import annotations

import importlib.util
import io
import os
import pathlib
from collections.abc import Callable, Sequence

import imageio.v2 as imageio
import numpy as np
import PIL.Image

from nst_keras import checks
from nst_keras.export import files

__all__ = ["ANIMATION_WRITERS", "check_animation", "save_animation"]

_FRAMES_PER_SECOND = 12
_MP4_FRAMES_PER_SECOND = 25
_LEAST_SECONDS = 0.1
_HOLD = 0.2  # The share of the time that the last frame is shown.


def save_animation(
    frames: Sequence[np.ndarray],
    path: str | os.PathLike,
    *,
    seconds: float = 6.0,
    longest_side: int = 512,
) -> None:
    """Saves frames as a moving picture that lasts `seconds` in either format.

    The last frame is held for a fifth of the time. Frames beyond 12 a second are thinned evenly, and those larger than
    `longest_side` reduced, which keeps a GIF within some megabytes. Frames of differing size take the last one's.

    Args:
        frames: uint8 arrays [height, width, 3], at least one.
        path: Ends in .gif, or in .mp4 (which needs the package `imageio-ffmpeg`). An existing file is replaced.
        seconds: Length in all, a tenth or more.
        longest_side: Pixels.

    Raises:
        ValueError: No frames, another suffix, or a length under a tenth of a second.
        ImportError: .mp4 without `imageio-ffmpeg`.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    if not len(frames):
        raise ValueError("frames is empty. Give at least one frame.")
    check_animation(path, seconds=seconds)
    checks.integer("longest_side", longest_side)
    chosen = _thinned(frames, max(2, round(seconds * (1 - _HOLD) * _FRAMES_PER_SECOND)))
    pictures = _one_size(chosen, longest_side)
    with files.replacing(path) as temporary:
        ANIMATION_WRITERS[path.suffix.lower()](pictures, temporary, seconds)


def check_animation(path: str | os.PathLike, *, seconds: float, argument: str = "path") -> None:
    """Finds out whether a moving picture of this kind and length can be made here.

    Raises:
        ValueError: A suffix other than .gif and .mp4, or a length under a tenth of a second.
        ImportError: .mp4 without `imageio-ffmpeg`.
    """
    path = pathlib.Path(path)
    files.check_suffix(argument, path, ANIMATION_WRITERS)
    if checks.finite("seconds", seconds) < _LEAST_SECONDS:
        raise ValueError(f"seconds must be {_LEAST_SECONDS} or more, but {seconds!r} was given.")
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise ImportError(f"{argument}: .mp4 needs ffmpeg. Install it with `pip install imageio-ffmpeg`.")


def _thinned(frames: Sequence[np.ndarray], most: int) -> list[np.ndarray]:
    """At most so many of the frames, evenly, the first and the last among them."""
    places = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    return [frames[place] for place in places]


def _one_size(frames: Sequence[np.ndarray], longest_side: int) -> list[PIL.Image.Image]:
    """Frames at the last one's size, reduced to `longest_side`; both sides even, as MP4 asks."""
    height, width = frames[-1].shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    size = tuple(max(2, round(side * scale / 2) * 2) for side in (width, height))
    pictures = [PIL.Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    return [p if p.size == size else p.resize(size, PIL.Image.Resampling.LANCZOS) for p in pictures]


def _write_gif(pictures: Sequence[PIL.Image.Image], path: str, seconds: float) -> None:
    """All frames share one palette, taken from several of them, so that colours do not flicker."""
    sampled = _thinned([np.asarray(p) for p in pictures], 8)
    palette = PIL.Image.fromarray(np.vstack(sampled)).quantize(256, PIL.Image.Quantize.MEDIANCUT)
    first, *others = [p.quantize(palette=palette, dither=PIL.Image.Dither.FLOYDSTEINBERG) for p in pictures]
    durations = _durations(len(pictures), round(seconds * 100))
    # By way of memory: Pillow itself does not notice where a disk takes half of a file.
    encoded = io.BytesIO()
    first.save(encoded, "GIF", save_all=True, append_images=others, duration=[10 * d for d in durations], loop=0)
    pathlib.Path(path).write_bytes(encoded.getbuffer())


def _durations(count: int, total: int) -> list[int]:
    """Whole hundredths of a second for each frame, which add up to `total`; GIF knows no others."""
    if count == 1:
        return [total]
    ends = np.linspace(0, total * (1 - _HOLD), count).round().astype(int)
    return [int(d) for d in np.diff([*ends, total])]


def _write_mp4(pictures: Sequence[PIL.Image.Image], path: str, seconds: float) -> None:
    durations = _durations(len(pictures), round(seconds * _MP4_FRAMES_PER_SECOND))
    with imageio.get_writer(path, fps=_MP4_FRAMES_PER_SECOND, macro_block_size=2, quality=8) as movie:
        for picture, duration in zip(pictures, durations, strict=True):
            for _ in range(duration):
                movie.append_data(np.asarray(picture))


ANIMATION_WRITERS: dict[str, Callable[[Sequence[PIL.Image.Image], str, float], None]] = {
    ".gif": _write_gif,
    ".mp4": _write_mp4,
}
