"""Pictures out: stills, and moving pictures of a run.

A file is written under a temporary name beside its place and renamed when whole, so that none is ever half-written.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import struct
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import imageio.v2 as imageio
import numpy as np
import PIL.Image
import PIL.ImageCms
import tensorflow as tf

from nst_keras import checks, images

__all__ = [
    "ANIMATION_WRITERS",
    "STILL_OPTIONS",
    "check_animation",
    "check_destination",
    "replacing",
    "save_animation",
    "save_image",
]

# What Pillow is asked for, by suffix.
STILL_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95},
    ".tif": {"compression": "tiff_adobe_deflate"},
    ".tiff": {"compression": "tiff_adobe_deflate"},
}
_FRAMES_PER_SECOND = 12
_MP4_FRAMES_PER_SECOND = 25
_LEAST_SECONDS = 0.1
_HOLD = 0.2  # The share of the time that the last frame is shown.


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[str]:
    """Gives a temporary name in the same folder, which takes the place of `path` if the block ends well.

    Raises:
        OSError: The folder is missing or may not be written to.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        yield str(temporary)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def check_destination(argument: str, path: str | os.PathLike, suffixes: Sequence[str], *, overwrite: bool) -> None:
    """Finds out before a run, as far as that goes, whether a file can be written after it.

    Raises:
        ValueError: No name, or a suffix that is not among `suffixes`.
        FileExistsError: The file exists, and `overwrite` is False.
        OSError: The folder is missing or may not be written to.
    """
    path = pathlib.Path(path)
    _check_suffix(argument, path, suffixes)
    if path.is_dir():
        raise IsADirectoryError(f"{argument}: {str(path)!r} is a folder. Name a file in it.")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{argument}: {str(path)!r} exists already. Choose another name, or let it be overwritten (--overwrite)."
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = "may not be written to" if path.parent.is_dir() else "does not exist"
        raise OSError(f"{argument}: the folder of {str(path)!r} {reason}. Make it, or choose another.") from error


def save_image(image: np.ndarray | tf.Tensor, path: str | os.PathLike) -> None:
    """Saves a still with an sRGB profile; JPEG and WebP at quality 95.

    Args:
        image: uint8 [height, width, 3], or float32 [1, height, width, 3] in 0..255.
        path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing file is replaced.

    Raises:
        ValueError: Another suffix.
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    _check_suffix("path", path, STILL_OPTIONS)
    pixels = images.to_uint8(images.load(image))
    with replacing(path) as temporary:
        PIL.Image.fromarray(pixels).save(temporary, icc_profile=_srgb_profile(), **STILL_OPTIONS[path.suffix.lower()])


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
    with replacing(path) as temporary:
        ANIMATION_WRITERS[path.suffix.lower()](pictures, temporary, seconds)


def check_animation(path: str | os.PathLike, *, seconds: float, argument: str = "path") -> None:
    """Finds out whether a moving picture of this kind and length can be made here.

    Raises:
        ValueError: A suffix other than .gif and .mp4, or a length under a tenth of a second.
        ImportError: .mp4 without `imageio-ffmpeg`.
    """
    path = pathlib.Path(path)
    _check_suffix(argument, path, ANIMATION_WRITERS)
    if checks.finite("seconds", seconds) < _LEAST_SECONDS:
        raise ValueError(f"seconds must be {_LEAST_SECONDS} or more, but {seconds!r} was given.")
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise ImportError(f"{argument}: .mp4 needs ffmpeg. Install it with `pip install imageio-ffmpeg`.")


def _srgb_profile() -> bytes:
    """An sRGB profile whose date of creation is not now, so that the same picture makes the same file."""
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def _check_suffix(argument: str, path: pathlib.Path, suffixes: Sequence[str]) -> None:
    if not path.name or path.suffix.lower() not in suffixes:
        raise ValueError(f"{argument}: {str(path)!r} must end in one of {', '.join(suffixes)}.")


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
    first.save(path, save_all=True, append_images=others, duration=[10 * d for d in durations], loop=0)


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
