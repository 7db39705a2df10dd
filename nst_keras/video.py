"""A video in the style of a painting. `python -m nst_keras.video --video=clip.mp4 --style_image=... --output=...`.

`nst-keras video clip.mp4 painting.jpg made.mp4` is the same in fewer words.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_keras import presets, settings
from nst_keras.cli import process
from nst_keras.cli.video import asking, command

if TYPE_CHECKING:
    from nst_keras.cli.video.making import Frame, Report
    from nst_keras.settings import ImageSource

__all__ = ["main", "stylize", "stylize_frames"]

main = command.main


def stylize(
    video: str | os.PathLike[str],
    style_image: ImageSource | list[ImageSource],
    output: str | os.PathLike[str] = "stylized.mp4",
    *,
    preset: str | None = None,
    start: float = 0.0,
    end: float | None = None,
    every: int = 1,
    frame_steps: int | None = None,
    temporal_weight: float = 1.0,
    passes: int = 1,
    sound: bool = True,
    preview: str | os.PathLike[str] | None = None,
    resume: bool = True,
    dry_run: bool = False,
    flow: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    tell: Callable[[Frame], None] | None = None,
    **options: Any,
) -> Report:
    """Makes each frame of a clip in the style of a painting, so that the strokes move with what they lie on.

    After Ctrl-C or a crash, the same call goes on, to the same pixels.

    Example:
    ```python
    from nst_keras import video

    report = video.stylize("clip.mp4", "painting.jpg", "made.mp4", preset="quick")
    report.scenes  # [0, 84]
    ```

    Args:
        video: The clip, or `sample:NAME`; see `settings.VideoSettings`, also for what follows.
        style_image: Style image, or images to blend.
        output: Clip file to write: .mp4, .mov or .mkv.
        preset: Look to start from; `nst_keras.presets.names()` has all.
        start: Where the part that is made begins, in seconds.
        end: Where it ends, in seconds. Default: the end of the clip.
        every: Makes only each Nth frame.
        frame_steps: Most steps of a frame that goes on from the frame before.
        temporal_weight: How much it costs to depart from the frames before.
        passes: Times that the clip is gone through, in alternating directions.
        sound: Keeps the clip's sound.
        preview: Picture file that each finished frame replaces.
        resume: Goes on from the frames that an earlier, interrupted call has made.
        dry_run: Makes the first frames, writes one as a picture, and estimates the time of the whole clip.
        flow: Function of two frames, uint8 [height, width, 3], to the flow from the first to the second, float32
            [height, width, 2]: for each pixel of the first, how far right and how far down its surface lies in the
            second. Default: OpenCV's dense inverse search.
        tell: Is called with each frame that is made.
        options: {option: value} of `NeuralStyleTransfer` and of `fit_style_transfer`. They win over the preset's.

    Returns:
        What has become of the clip.

    Raises:
        ValueError: A bad option, or a file that is no clip, is cut off or cannot be decoded.
        TypeError: A value of another type, such as what a `flow` returns.
        OSError: A file is missing or cannot be read, or the output cannot be written.
        ImportError: The extra `video` is not installed.
        RuntimeError: The loss is not finite any more, or another process is making this clip.
        MemoryError: A frame needs more memory than there is.
    """
    asked_of_clip = settings.VideoSettings(
        video=video,  # pyright: ignore[reportArgumentType]  It is checked there.
        output=output,  # pyright: ignore[reportArgumentType]
        start=start,
        end=end,
        every=every,
        frame_steps=frame_steps,
        temporal_weight=temporal_weight,
        passes=passes,
        sound=sound,
        preview=preview,  # pyright: ignore[reportArgumentType]
        resume=resume,
        dry_run=dry_run,
    )
    asked = asking.settings_of(_options(style_image, preset, options))
    from nst_keras.cli.video import making  # noqa: PLC0415  It loads TensorFlow.

    made = making.Making(asked, asked_of_clip, **_flow(flow))
    return made.try_out() if dry_run else made.run(tell or (lambda frame: None))


def stylize_frames(
    frames: Iterable[np.ndarray],
    style_image: ImageSource | list[ImageSource],
    *,
    preset: str | None = None,
    frame_steps: int | None = None,
    temporal_weight: float = 1.0,
    flow: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    **options: Any,
) -> Iterator[np.ndarray]:
    """Returns an iterator of frames in the style of a painting, each made when it is asked for. No file is written.

    Example:
    ```python
    made = list(video.stylize_frames(frames, "painting.jpg", preset="quick"))
    nst_keras.save_animation(made, "made.gif", seconds=2)
    ```

    Args:
        frames: uint8 [height, width, 3], RGB, all of one size, which the pictures have too.
        style_image: Style image, or images to blend.
        preset: See `stylize`, also for what follows.
        frame_steps: Most steps of a frame that goes on from the frame before.
        temporal_weight: How much it costs to depart from the frames before.
        flow: The flow between two frames.
        options: {option: value} of `NeuralStyleTransfer` and of `fit_style_transfer`. They win over the preset's.

    Returns:
        uint8 [height, width, 3], one after the other.

    Raises:
        ValueError: A bad option; and from the iterator, a frame of another size or type.
        TypeError: A value of another type, such as what a `flow` returns.
        ImportError: OpenCV is not installed.
        RuntimeError: The loss is not finite any more.
    """
    if "image_size" in options:
        raise ValueError("image_size has no effect: pictures have the frames' size. Give frames of the size you want.")
    asked = asking.settings_of(_options(style_image, preset, options))
    of_clip = settings.VideoSettings(frame_steps=frame_steps, temporal_weight=temporal_weight)
    return _shown(frames, asked, of_clip, _flow(flow))


def _shown(
    frames: Iterable[np.ndarray], asked: settings.JobSettings, of_clip: settings.VideoSettings, flow: presets.Options
) -> Iterator[np.ndarray]:
    """Yields the pictures of frames."""
    from nst_keras.cli.video import forming  # noqa: PLC0415  It loads TensorFlow.

    for made in forming.formed(frames, asked, of_clip, **flow):
        yield made.shown


def _options(style_image: Any, preset: str | None, options: presets.Options) -> presets.Options:
    """Returns {option: value} of what is given."""
    given = {"style_image": style_image, **options}
    return given if preset is None else {"preset": preset, **given}


def _flow(flow: Callable[[np.ndarray, np.ndarray], np.ndarray] | None) -> presets.Options:
    """Returns {"flow": the function}; nothing for the default."""
    return {} if flow is None else {"flow": asking.checked_flow(flow)}


if __name__ == "__main__":
    process.run(main)
