"""Video: how much frames flicker along the true motion, and what they cost.

    python benchmarks/video.py [--clips=pan,passing,cut] [--size=256] [--frames=24] [--preset=quick]

Each clip is drawn by code, so that its motion is known exactly. It is made three times: each frame by itself, as
`nst_keras.video` makes it, and in the same way with the exact flow in the place of the one that is found. For each way:

- flicker: mean difference between a frame and the frame before, moved along the true motion, in levels of 0..255, where
  the frame before shows the same surface;
- style and content: what is left of the style's loss, and the content loss, medians over the frames but the first, and
  their ratio to those of frames by themselves;
- seconds: median of a frame but the first two, which compile.

With more frames than a clip has, it goes back and forth: `--frames=120` shows whether a frame that is seen again has
drifted, in colours or in style. `--sheet` writes a sheet with frames of each way, `--gif` an animation of the clip and
of what is made of it.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import PIL.Image
from absl import app, flags

from nst_keras import export, settings
from nst_keras.cli.video import asking, flow, sample_clips, stylising

FLAGS = flags.FLAGS
flags.DEFINE_list("clips", ["pan", "passing", "cut"], "Sample clips.")
flags.DEFINE_list("ways", ["alone", "video", "exact"], "Ways to make them, of alone, video and exact.")
flags.DEFINE_integer("size", 256, "Width of the frames in pixels.", lower_bound=32)
flags.DEFINE_integer("frames", 24, "Frames of each clip. Beyond its last, it goes back and forth.", lower_bound=3)
flags.DEFINE_string("preset", "quick", "Look.")
flags.DEFINE_string("style_image", "sample:swirls", "Style image.")
flags.DEFINE_integer("steps", None, "Steps of a first frame. Default: the preset's.", lower_bound=1)
flags.DEFINE_float("temporal_weight", 1.0, "See nst_keras.video.", lower_bound=0)
flags.DEFINE_integer("frame_steps", None, "See nst_keras.video.", lower_bound=1)
flags.DEFINE_string("sheet", None, "Picture file for a sheet of frames: a row for the clip and for each way.")
flags.DEFINE_string("gif", None, "GIF of the last clip beside the last way.")


class Made(NamedTuple):
    """The frames of one clip, made in one way.

    Attributes:
        pictures: uint8 [height, width, 3] each.
        losses: {term: loss} of each; of a frame that was repeated, those of the frame before.
        seconds: Seconds of each.
    """

    pictures: list[np.ndarray]
    losses: list[dict[str, float]]
    seconds: list[float]


def make(frames: Sequence[np.ndarray], *, flow_of: flow.Flow | None) -> Made:
    """Returns frames made in one way: with a flow, or without one each by itself."""
    given = {"style_image": FLAGS.style_image, "preset": FLAGS.preset, "image_size": max(frames[0].shape[:2])}
    asked = asking.settings_of(given | ({} if FLAGS.steps is None else {"steps_per_epoch": FLAGS.steps}))
    video = settings.VideoSettings(temporal_weight=FLAGS.temporal_weight, frame_steps=FLAGS.frame_steps)
    stylizer = stylising.Stylizer(asked.transfer, asked.fit, video, flow=flow_of or flow.dis, count=len(frames))
    course, found = stylising.Course(stylizer), Made([], [], [])
    for source in frames:
        begun = time.perf_counter()
        made = stylizer.first(source) if flow_of is None else course.make(source)
        found.seconds.append(time.perf_counter() - begun)
        found.pictures.append(made.shown)
        found.losses.append(made.losses or found.losses[-1])
    return found


def exact(clip: sample_clips.Clip, frames: Sequence[np.ndarray]) -> flow.Flow:
    """Returns the true flow between two frames of a clip."""
    numbers = {clip.frame(number).tobytes(): number for number in range(len(clip))}
    outside = np.full((*frames[0].shape[:2], 2), 1e4, np.float32)

    def flow_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Returns the true flow; across a cut, one that leads outside."""
        pair = numbers[first.tobytes()], numbers[second.tobytes()]
        return clip.flow(*pair) if clip.visible(*pair).any() else outside

    return flow_between


def to_and_fro(length: int, count: int) -> list[int]:
    """Returns numbers of frames that go through a clip of some length forwards and backwards in turn."""
    there = [*range(length), *range(length - 2, 0, -1)]
    return [there[number % len(there)] for number in range(count)]


def flicker(clip: sample_clips.Clip, numbers: Sequence[int], pictures: Sequence[np.ndarray]) -> float:
    """Returns the mean difference of successive pictures along the true motion, in levels."""
    found = []
    for place in range(1, len(pictures)):
        pair = numbers[place], numbers[place - 1]
        seen = clip.visible(*pair)
        if seen.any():
            before = flow.moved(pictures[place - 1], clip.flow(*pair))
            found.append(float(np.abs(pictures[place] - before)[seen].mean()))
    return statistics.fmean(found)


def saturation(picture: np.ndarray) -> float:
    """Returns the mean saturation of a picture, 0..1."""
    return float(np.asarray(PIL.Image.fromarray(picture).convert("HSV"))[..., 1].mean() / 255)


def middle(made: Made, term: str) -> float:
    """Returns the median of a term's loss over the frames but the first."""
    return statistics.median(losses[term] for losses in made.losses[1:])


def row(clip: sample_clips.Clip, numbers: Sequence[int], way: str, made: Made, alone: Made | None) -> str:
    """Returns a line of the table."""
    moving = flicker(clip, numbers, made.pictures)
    style, content = middle(made, "style_loss"), middle(made, "content_loss")
    cost = statistics.median(made.seconds[2:])
    text = (
        f"{clip.name:8} {way:6} flicker {moving:6.2f}  style {style:.4f}  content {content:.4f}  {cost:6.2f} s a frame"
    )
    if alone is not None and alone is not made:
        flickering = flicker(clip, numbers, alone.pictures)
        ratios = (
            moving / flickering if flickering else math.nan,  # Where nothing moves, a frame by itself does not flicker.
            style / middle(alone, "style_loss"),
            content / middle(alone, "content_loss"),
            cost / statistics.median(alone.seconds[2:]),
        )
        text += "   of alone: flicker {:.3f}, style {:.2f}, content {:.2f}, seconds {:.2f}".format(*ratios)
    return text


def drift(numbers: Sequence[int], made: Made) -> str:
    """Returns how the fifth frame, or the second of a short clip, was made when it was seen last and first."""
    early = min(4, len(made.pictures) - 2)
    late = len(numbers) - 1 - numbers[::-1].index(numbers[early])
    colours = saturation(made.pictures[late]) / saturation(made.pictures[early])
    left = made.losses[late]["style_loss"] / made.losses[early]["style_loss"]
    return f"frame {late + 1} against {early + 1}, of one content: saturation {colours:.3f}, style left {left:.3f}"


def sheet(rows: Sequence[Sequence[np.ndarray]], columns: int = 6) -> PIL.Image.Image:
    """Returns a sheet of frames at even intervals."""
    chosen = np.linspace(0, len(rows[0]) - 1, columns).round().astype(int)
    return PIL.Image.fromarray(np.vstack([np.hstack([pictures[number] for number in chosen]) for pictures in rows]))


def main(_: list[str]) -> None:
    """Makes the clips, and prints the table."""
    sheets: list[Sequence[np.ndarray]] = []
    for name in FLAGS.clips:
        clip = sample_clips.get(name, size=(2 * round(FLAGS.size * 9 / 32), FLAGS.size))
        numbers = to_and_fro(len(clip), FLAGS.frames)
        frames = [clip.frame(number) for number in numbers]
        flows: dict[str, Callable[..., np.ndarray] | None] = {
            "alone": None,
            "video": flow.dis,
            "exact": exact(clip, frames),
        }
        sheets.append(frames)
        alone, made = None, None
        for way in FLAGS.ways:
            made = make(frames, flow_of=flows[way])
            alone = made if way == "alone" else alone
            sheets.append(made.pictures)
            print(row(clip, numbers, way, made, alone), flush=True)
            if way != "alone" and len(numbers) > len(clip):
                print(f"{'':8} {way:6} {drift(numbers, made)}", flush=True)
        if FLAGS.gif and made is not None:
            beside = [np.hstack(pair) for pair in zip(frames, made.pictures, strict=True)]
            export.save_animation(beside, FLAGS.gif, seconds=len(beside) / clip.rate)
    if FLAGS.sheet:
        sheet([pictures[: min(map(len, sheets))] for pictures in sheets]).save(FLAGS.sheet)


if __name__ == "__main__":
    app.run(main)
