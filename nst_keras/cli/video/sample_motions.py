"""How the camera and the balloon of the sample clips move.

Places and sizes are in pixels of the sample picture `landscape`, sizes of frames `(height, width)` in pixels.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from nst_keras.cli.video import sample_balloon

__all__ = ["SHOTS", "Path", "Placement", "Shot"]

_ASPECT = 16 / 9  # Of a camera's window, in which frames of any shape lie.
_ROUNDING = 1e-3  # Pixels by which an edge may be wrong.


@dataclasses.dataclass(frozen=True)
class Path:
    """A straight way from `start` to `end`, each a centre's x and y, and a size.

    The speed is `1 + swing` times its mean at both ends, and `1 - swing` times halfway.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    swing: float = 0.0

    def at(self, share: float) -> tuple[float, float, float]:
        """Returns x, y and size at a share of the time, 0 to 1."""
        way = share + self.swing * np.sin(2 * np.pi * share) / (2 * np.pi)
        x, y, size = (first + (last - first) * way for first, last in zip(self.start, self.end, strict=True))
        return x, y, size


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a frame lies on a layer's picture.

    The pixel (x, y) of the frame has its middle at `(left, top) + (x + 0.5, y + 0.5) * step`.
    """

    left: float
    top: float
    step: float

    def box(self, left: int, top: int, right: int, bottom: int) -> tuple[float, float, float, float]:
        """Returns the edges of a part of the frame, as places on the picture."""
        first = self.left + left * self.step, self.top + top * self.step
        return *first, self.left + right * self.step, self.top + bottom * self.step

    def covered(self, layer: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Returns the part of a frame that lies wholly on a picture of size `layer`: left, top, right, bottom."""
        edges = -self.left, -self.top, layer[1] - self.left, layer[0] - self.top
        left, top, right, bottom = (edge / self.step for edge in edges)
        inside = np.ceil(left + _ROUNDING), np.ceil(top + _ROUNDING), right - _ROUNDING, bottom - _ROUNDING
        left, top, right, bottom = (
            int(np.clip(edge, 0, side)) for edge, side in zip(inside, size[::-1] * 2, strict=True)
        )
        return left, top, right, bottom

    def scaled(self, factor: float) -> Placement:
        """Returns where the frame lies on an enlarged copy of the picture."""
        return Placement(self.left * factor, self.top * factor, self.step * factor)

    def flow(self, other: Placement, size: tuple[int, int]) -> np.ndarray:
        """Returns how far points of the picture move from this placement to another.

        Returns:
            float64 [height, width, 2], to the right and down, in pixels of the frame.
        """
        growth = self.step / other.step - 1
        across = (self.left - other.left) / other.step + (np.arange(size[1]) + 0.5) * growth
        down = (self.top - other.top) / other.step + (np.arange(size[0]) + 0.5) * growth
        return np.stack(np.broadcast_arrays(across[None, :], down[:, None]), axis=-1)


@dataclasses.dataclass(frozen=True)
class Shot:
    """What lies between two cuts: `length` frames.

    A camera's size is the width of its window, which is 16:9. A balloon's is the height of its picture.
    """

    length: int
    camera: Path
    balloon: Path | None = None
    light: str = "noon"

    def landscape_place(self, share: float, size: tuple[int, int]) -> Placement:
        """Returns where a frame lies on the landscape, at a share of the shot's time."""
        x, y, window = self.camera.at(share)
        height, width = size
        step = min(window / width, window / _ASPECT / height)
        return Placement(x - width * step / 2, y - height * step / 2, step)

    def balloon_place(self, share: float, size: tuple[int, int]) -> Placement | None:
        """Returns where a frame lies on the balloon's picture; None without a balloon."""
        if self.balloon is None:
            return None
        x, y, height = self.balloon.at(share)
        frame, unit = self.landscape_place(share, size), sample_balloon.HEIGHT / height
        left = (frame.left - x) * unit + sample_balloon.WIDTH / 2
        top = (frame.top - y) * unit + sample_balloon.HEIGHT / 2
        return Placement(left, top, frame.step * unit)


_CABIN = Path((214, 318, 384), (330, 328, 372), swing=0.3)
# {name of the clip: its shots}.
SHOTS = {
    "journey": (
        Shot(84, Path((286, 196, 560), (484, 208, 540), swing=0.4), Path((640, 156, 190), (176, 180, 220), swing=-0.2)),
        Shot(36, _CABIN, Path((388, 262, 64), (366, 258, 66)), light="evening"),
    ),
    "pan": (Shot(24, Path((262, 240, 480), (342, 222, 480), swing=0.4)),),
    "passing": (Shot(24, Path((380, 200, 520), (386, 200, 520)), Path((150, 180, 230), (610, 164, 230))),),
    "cut": (
        Shot(12, Path((500, 200, 500), (462, 208, 500), swing=0.3)),
        Shot(12, Path((214, 318, 384), (252, 322, 380), swing=0.3), light="evening"),
    ),
    "still": (Shot(24, Path((300, 220, 520), (300, 220, 520))),),
}
