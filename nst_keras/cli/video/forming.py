"""Frames that come from a program, made one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from nst_keras import settings
from nst_keras.cli import job
from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import stylising

__all__ = ["formed"]


def formed(
    frames: Iterable[np.ndarray],
    asked: settings.JobSettings,
    video: settings.VideoSettings,
    *,
    flow: flow_lib.Flow = flow_lib.dis,
) -> Iterator[stylising.Made]:
    """Yields what is made of each frame, see `nst_keras.video.stylize_frames`."""
    given = dataclasses.replace(asked.transfer, network=job.resolved_weights(asked.transfer.network))
    course, size = stylising.Course(stylising.Stylizer(given, asked.fit, video, flow=flow)), None
    for frame in frames:
        size = size or np.shape(frame)
        yield course.make(_checked(frame, size))


def _checked(frame: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns a copy of a frame; raises `ValueError` for one of another type, or of another size than the first."""
    found = np.array(frame)  # A program that reads frames may read each into the same array.
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[-1] != 3 or found.shape != size:
        given = f"{found.dtype} {list(found.shape)}"
        raise ValueError(f"frames must be uint8 [height, width, 3], all of one size, but {given} was given.")
    return found
