"""Short clips drawn by code, whose optical flow and visibility are known exactly.

A camera pans over the sample picture `landscape`, and a balloon crosses in front of it. `CLIPS` names the clips:

- `journey`: five seconds with a pan, a balloon that hides and uncovers what is behind it, and a hard cut;
- `pan`: the camera alone moves;
- `passing`: the camera nearly rests, and the balloon passes quickly;
- `cut`: a pan with a hard cut in its middle;
- `still`: nothing moves, and all frames are the same.

    clip = sample_clips.get("journey")
    frames = [clip.frame(index) for index in range(len(clip))]
    visible = clip.visible(3, 4)  # Where frame 3's pixels are also seen in frame 4: moved by clip.flow(3, 4).
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import PIL.Image
import PIL.ImageFilter

from nst_keras import checks
from nst_keras.cli.video import sample_balloon, sample_motions
from nst_keras.images import samples

__all__ = ["CLIPS", "RATE", "SIZE", "Clip", "get"]

CLIPS = tuple(sample_motions.SHOTS)
RATE = 24  # Frames a second.
SIZE = (270, 480)  # Default height and width of a frame, in pixels.

_ENLARGED = 2  # The landscape is resampled from an enlarged copy, so that motion by parts of pixels is smooth.
_BLUR = 0.8  # Of that copy, as a lens has it: without, fine detail flickers with motion.
_LIGHTS = {"noon": (1.0, 1.0, 1.0), "evening": (1.0, 0.75, 0.60)}  # Gain of red, green and blue, 1 or less.


def get(name: str, *, size: tuple[int, int] = SIZE) -> Clip:
    """Returns a clip.

    Args:
        name: One of `CLIPS`.
        size: Height and width of its frames, in pixels, 16 or more each. Frames that are not 16:9 show less.

    Raises:
        ValueError: An unknown name, or a size that is too small.
    """
    checks.one_of("clip", name, CLIPS)
    height, width = (checks.integer("size", side, minimum=16) for side in size)
    return Clip(name, (height, width))


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip, of which each frame is drawn when it is asked for. `get` makes it.

    `size` is the height and width of its frames. Frames are numbered from 0; another number is an `IndexError`.
    """

    name: str
    size: tuple[int, int] = SIZE

    def __len__(self) -> int:
        return sum(shot.length for shot in sample_motions.SHOTS[self.name])

    @property
    def rate(self) -> int:
        """Returns the number of frames a second."""
        return RATE

    @property
    def cuts(self) -> tuple[int, ...]:
        """Returns the numbers of the frames that follow a cut."""
        lengths = [shot.length for shot in sample_motions.SHOTS[self.name]]
        return tuple(sum(lengths[:shot]) for shot in range(1, len(lengths)))

    def frame(self, index: int) -> np.ndarray:
        """Returns a frame, uint8 [height, width, 3], RGB."""
        shot, share = self._moment(index)
        height, width = self.size
        box = shot.landscape_place(share, self.size).scaled(_ENLARGED).box(0, 0, width, height)
        picture = np.array(_landscape(shot.light).resize((width, height), PIL.Image.Resampling.BILINEAR, box))
        balloon = self._balloon(index).astype(np.float32)
        front = balloon[..., 3] > 0
        behind = picture[front] * (1 - balloon[front, 3:] / 255)
        picture[front] = (behind + balloon[front, :3]).clip(0, 255).round()
        return picture

    def flow(self, first: int, second: int) -> np.ndarray:
        """Returns where what frame `first` shows is in frame `second`.

        Returns:
            float32 [height, width, 2]: for each pixel of frame `first`, how far to the right and down the same point
            of the scene is in frame `second`, in pixels. All 0 across a cut.
        """
        (shot, before), (other, after) = self._moment(first), self._moment(second)
        if shot is not other:
            return np.zeros((*self.size, 2), np.float32)
        flow = shot.landscape_place(before, self.size).flow(shot.landscape_place(after, self.size), self.size)
        here, there = shot.balloon_place(before, self.size), shot.balloon_place(after, self.size)
        if here is not None and there is not None:
            front = self._balloon(first)[..., 3:] > 127
            flow = np.where(front, here.flow(there, self.size), flow)
        return flow.astype(np.float32)

    def visible(self, first: int, second: int) -> np.ndarray:
        """Returns where frame `second` shows what frame `first` shows.

        Returns:
            bool [height, width], for each pixel of frame `first`: True where its point is inside frame `second` and
            nothing is in front of it. False across a cut, and along the balloon's outline, where colours mix.
        """
        if self._moment(first)[0] is not self._moment(second)[0]:
            return np.zeros(self.size, bool)
        flow, (height, width) = self.flow(first, second), self.size
        x, y = flow[..., 0] + np.arange(width), flow[..., 1] + np.arange(height)[:, None]
        inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        row, column = (np.where(inside, part, 0).round().astype(int) for part in (y, x))
        here, there = self._layers(first), self._layers(second)
        return inside & (here >= 0) & (there[row, column] == here)

    def _moment(self, index: int) -> tuple[sample_motions.Shot, float]:
        """Returns the shot of a frame, and the share of the shot's time that has gone by, 0 to 1."""
        begin = 0
        for shot in sample_motions.SHOTS[self.name]:
            if 0 <= index - begin < shot.length:
                return shot, (index - begin) / (shot.length - 1)
            begin += shot.length
        raise IndexError(f"frame {index} is not in the clip {self.name!r}. Choose one from 0 to {len(self) - 1}.")

    def _balloon(self, index: int) -> np.ndarray:
        """Returns the balloon as a frame shows it, uint8 [height, width, 4]: colours times opacity, and opacity."""
        shot, share = self._moment(index)
        frame = np.zeros((*self.size, 4), np.uint8)
        if (place := shot.balloon_place(share, self.size)) is None:
            return frame
        left, top, right, bottom = place.covered((sample_balloon.HEIGHT, sample_balloon.WIDTH), self.size)
        if left < right and top < bottom:
            box = place.box(left, top, right, bottom)
            part = _balloon(shot.light).resize((right - left, bottom - top), PIL.Image.Resampling.BILINEAR, box)
            frame[top:bottom, left:right] = np.asarray(part)
        return frame

    def _layers(self, index: int) -> np.ndarray:
        """Returns what a frame shows, int [height, width]: 0 the landscape, 1 the balloon, -1 where both may be."""
        opacity = self._balloon(index)[..., 3]
        inside, outside = _around(np.minimum, opacity) == 255, _around(np.maximum, opacity) == 0
        return np.where(inside, 1, np.where(outside, 0, -1))


@functools.cache
def _landscape(light: str) -> PIL.Image.Image:
    """Returns the landscape, enlarged and blurred, in a light."""
    picture = _lit(PIL.Image.fromarray(samples.read("landscape")), light)
    picture = picture.resize([_ENLARGED * side for side in picture.size], PIL.Image.Resampling.BICUBIC)
    return picture.filter(PIL.ImageFilter.GaussianBlur(_BLUR))


@functools.cache
def _balloon(light: str) -> PIL.Image.Image:
    """Returns the balloon in a light, in mode RGBa: its colours are multiplied by its opacity."""
    return _lit(sample_balloon.balloon(), light).convert("RGBa")


def _lit(picture: PIL.Image.Image, light: str) -> PIL.Image.Image:
    """Returns a picture in a light. Opacity, if it has one, stays."""
    gains = (*_LIGHTS[light], 1.0)[: len(picture.getbands())]
    return picture.point([round(level * gain) for gain in gains for level in range(256)])


def _around(extreme: np.ufunc, values: np.ndarray) -> np.ndarray:
    """Returns the extreme, least or greatest, of each value and its eight neighbours."""
    values = np.pad(values, 1, mode="edge")
    for _ in range(2):  # Along rows, and along columns.
        values = extreme(extreme(values[:-2], values[1:-1]), values[2:]).T
    return values
