"""The options of a clip: which part of it is made, how its frames hold together, and where it goes."""

from __future__ import annotations

import dataclasses
from typing import Any

from nst_keras import checks
from nst_keras.settings import options, paths

__all__ = ["VideoSettings"]


def _seconds(name: str, value: Any) -> float:
    """Returns a time in seconds, 0 or more."""
    if checks.finite(name, value) < 0:
        raise ValueError(f"{name} must be a time in seconds, 0 or more, but {value!r} was given.")
    return float(value)


def _end(name: str, value: Any) -> float | None:
    """Returns the time at which a part ends, above 0; None for the clip's end."""
    if value is not None and checks.finite(name, value) <= 0:
        raise ValueError(f"{name} must be a time in seconds above 0, but {value!r} was given.")
    return None if value is None else float(value)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class VideoSettings(options.Group):
    """Which part of a clip is made, how its frames hold together, and where it goes.

    Attributes:
        video: Clip to stylise: a path or `sample:NAME`. The samples are drawn: `journey`, `pan`, `passing`, `cut` and
            `still`.
        output: Clip file to write: .mp4, .mov or .mkv.
        start: Where the part that is made begins, in seconds.
        end: Where it ends, in seconds. Default: the end of the clip.
        every: Makes only each Nth frame, for a quick look at the whole clip. It lasts as long, with fewer frames.
        frame_steps: Most steps of a frame that goes on from the frame before. Default: a quarter of the steps of the
            first frame, 8 at least. Steps at smaller sizes are counted by their pixels.
        temporal_weight: How much it costs to depart from the frames before. With 1, a change of 20 levels of 255 costs
            as much as all that is left of the first frame's loss. 0: frames only start from one another.
        passes: Times that the clip is gone through, in alternating directions. What comes into view late is then known
            from the start. More than 1 needs room for all frames on the disk.
        sound: Keeps the clip's sound.
        preview: Picture file that each finished frame replaces, for viewers that reload it. Default: none.
        resume: Goes on from the frames that an earlier, interrupted command has made, to the same pixels. Otherwise
            these are thrown away.
        dry_run: Makes the first three frames, and tells how long the clip takes. The first is written as a picture
            beside the output.
    """

    title = "Video"
    video: str | None = options.option(None, options.optional(paths.checked))
    output: str = options.option("stylized.mp4", paths.checked)
    start: float = options.option(0.0, _seconds)
    end: float | None = options.option(None, _end)
    every: int = options.option(1, checks.integer)
    frame_steps: int | None = options.option(None, options.optional(checks.integer))
    temporal_weight: float = options.option(1.0, checks.non_negative)
    passes: int = options.option(1, checks.integer)
    sound: bool = options.option(True)
    preview: str | None = options.option(None, options.optional(paths.checked))
    resume: bool = options.option(True)
    dry_run: bool = options.option(False)
