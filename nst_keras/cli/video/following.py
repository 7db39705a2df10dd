"""What of a frame is known from earlier frames: their pictures, moved to where things are now."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_keras.cli.video import flow as flow_lib
from nst_keras.losses import temporal

__all__ = ["DISTANCES", "OLD", "Earlier", "Followed", "History", "follow", "nothing"]

# How many frames before a frame the pictures are that it is held to. The nearest in which a thing is seen counts; the
# farther ones know what was hidden meanwhile.
DISTANCES = (1, 10, 20)
# A scene changes where less than this share of the frame is seen in the frame before.
_SAME_SCENE = 0.25


# A surface that has come into view is held to what was made of it only little by little, over 12 frames. What few
# steps make of a narrow strip is poor, and would otherwise stay so.
OLD = 12
_ALIKE = 2.0  # Age of what only looks the same.


class Earlier(NamedTuple):
    """An earlier frame.

    Attributes:
        source: The clip's frame, uint8 [height, width, 3].
        picture: What was made of it, uint8 [height, width, 3].
        age: In how many frames each pixel's surface was seen, uint8 [height, width]; `OLD` for all that a frame shows
            that was begun anew.
    """

    source: np.ndarray
    picture: np.ndarray
    age: np.ndarray


class Followed(NamedTuple):
    """What of a frame is known from earlier ones.

    Attributes:
        reference: The earlier pictures, moved along, float32 [height, width, 3], 0..255.
        weights: How much they count, float32 [height, width], 0..1: 0 where none shows what the frame shows, little
            where one only has the same colours, and 1 for what was seen long enough.
        age: See `Earlier`, of the frame itself.
    """

    reference: np.ndarray
    weights: np.ndarray
    age: np.ndarray

    def start(self, rest: np.ndarray, *, is_own: bool) -> np.ndarray:
        """Returns the picture that a frame starts from, float32 [height, width, 3], 0..255.

        Args:
            rest: What fills the places that nothing earlier shows, uint8 [height, width, 3].
            is_own: Whether `rest` was made of this frame by an earlier pass. It then counts half everywhere else.
        """
        known = 0.5 * (self.reference + rest) if is_own else self.reference
        seen = self.weights > 0
        new = rest.astype(np.float32) if is_own else _recoloured(rest, self.reference, seen)
        share = flow_lib.feathered(seen)[..., None]
        return share * known + (1 - share) * new


class History:
    """The frames that later ones may go on from, of the present scene."""

    def __init__(self) -> None:
        self._frames: collections.deque[Earlier] = collections.deque(maxlen=max(DISTANCES))

    def add(self, frame: Earlier, *, is_new_scene: bool) -> None:
        """Adds the frame that was made last."""
        if is_new_scene:
            self._frames.clear()
        self._frames.appendleft(frame)

    def nearest(self) -> list[Earlier]:
        """Returns the frames at `DISTANCES` before the next one, the nearest first."""
        return [self._frames[distance - 1] for distance in DISTANCES if distance <= len(self._frames)]


def follow(source: np.ndarray, earlier: Sequence[Earlier], flow: flow_lib.Flow) -> Followed | None:
    """Returns the earlier pictures, moved to this frame, and how much each pixel counts. None where the scene changes.

    Args:
        source: The clip's frame, uint8 [height, width, 3].
        earlier: Earlier frames, the nearest first; one or more.
        flow: The flow between two frames.
    """
    found: list[tuple[np.ndarray, np.ndarray]] = []
    similar: list[tuple[np.ndarray, np.ndarray]] = []
    for one in earlier:
        there, back = flow(source, one.source), flow(one.source, source)
        visible = flow_lib.visible(there, back)
        if not found and visible.mean() < _SAME_SCENE:
            return None
        layers = flow_lib.moved(np.dstack([one.picture, one.age]), there)
        found.append((layers[..., :3], visible * np.clip(layers[..., 3] + 1, 1, OLD)))
        # Next to edges, what is seen cannot be told from what is hidden. What looks the same counts a little.
        similar.append((layers[..., :3], _ALIKE * flow_lib.alike(source, one.source, there)))
    reference, ages = temporal.combined([*found, *similar])
    return Followed(reference, ages / OLD, np.floor(ages).astype(np.uint8))


def nothing(own: np.ndarray) -> Followed:
    """Returns what is known of a frame that no earlier one shows, from what an earlier pass has made of it."""
    nowhere = np.zeros(own.shape[:2], np.float32)
    return Followed(own.astype(np.float32), nowhere, np.full(own.shape[:2], OLD, np.uint8))


def _recoloured(source: np.ndarray, picture: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Returns a frame in the colours of a picture: their mean and covariance are those of the picture, where seen.

    Args:
        source: The clip's frame, uint8 [height, width, 3].
        picture: A picture of it, float32 [height, width, 3].
        seen: Where the picture shows what the frame shows, bool [height, width].

    Returns:
        float32 [height, width, 3], 0..255.
    """
    if seen.sum() < 100:
        return source.astype(np.float32)
    before, after = source[seen].astype(np.float64), picture[seen].astype(np.float64)
    spreads = [np.cov(colours.T) + np.eye(3) for colours in (before, after)]
    lower = [np.linalg.cholesky(spread) for spread in spreads]
    change = lower[1] @ np.linalg.inv(lower[0])
    found = (source - before.mean(0)) @ change.T + after.mean(0)
    return np.clip(found, 0.0, 255.0).astype(np.float32)
