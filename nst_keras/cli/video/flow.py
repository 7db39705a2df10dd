"""How things move between two frames: optical flow, what is seen in both, and a picture moved along.

The flow from one frame to another is float32 [height, width, 2]: for each pixel of the first, how far right and how far
down its surface lies in the second, in pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["alike", "dis", "feathered", "moved", "visible"]

_SAME_COLOUR = 12.0  # Levels of 0..255.
# first frame, second frame, both uint8 [height, width, 3] -> the flow from the first to the second.
Flow: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


def dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the flow from one frame to another, by dense inverse search (Kroeger et al. 2016) as OpenCV has it.

    Args:
        first: uint8 [height, width, 3].
        second: Of the same shape.

    Raises:
        ImportError: OpenCV is not installed.
    """
    cv2 = _cv2()
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)  # The preset stops at half the size, and misses edges of what moves.
    return search.calc(*grey, None)


def moved(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Returns an earlier frame's picture moved to where its surfaces are in a later frame.

    Args:
        image: The earlier picture, float32 or uint8 [height, width, channels].
        flow: The flow from the later frame to the earlier one.

    Returns:
        float32 [height, width, channels], interpolated by cubics, which blur less than straight lines do, and kept
        between the lowest and the highest level around each place. From frame to frame, cubics alone would go ever
        further beyond these, to specks. Beyond the border, the border is repeated.
    """
    cv2 = _cv2()
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    place = (columns + flow[..., 0], rows + flow[..., 1])
    levels, around = image.astype(np.float32), np.ones((3, 3), np.uint8)
    found, lowest, highest = (
        cv2.remap(layer, *place, how, borderMode=cv2.BORDER_REPLICATE)
        for layer, how in (
            (levels, cv2.INTER_CUBIC),
            (cv2.erode(levels, around), cv2.INTER_NEAREST),
            (cv2.dilate(levels, around), cv2.INTER_NEAREST),
        )
    )
    return np.clip(found, lowest, highest)


def visible(there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Returns where a frame shows what the other frame shows too, by the tests of Ruder et al. 2016, section 4.

    What is hidden in the other frame does not come back to where it began. Next to the edges of things that move, the
    flow is not exact. Neither is visible, nor is what lies outside the other frame.

    Args:
        there: The flow from this frame to the other.
        back: The flow from the other frame to this one.

    Returns:
        bool [height, width].
    """
    returned = moved(back, there)
    lengths = np.square(there).sum(-1) + np.square(returned).sum(-1)
    is_consistent = np.square(there + returned).sum(-1) <= 0.01 * lengths + 0.5
    down, right = np.gradient(there, axis=(0, 1))
    is_smooth = np.square(down).sum(-1) + np.square(right).sum(-1) <= 0.01 * np.square(there).sum(-1) + 0.002
    return _without_specks(is_consistent & is_smooth & _inside(there))


def alike(source: np.ndarray, other: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Returns where another frame, moved along, has the colours of this one: the same thing, or one that looks like it.

    Args:
        source: This frame, uint8 [height, width, 3].
        other: The other frame, of the same shape.
        there: The flow from this frame to the other.

    Returns:
        bool [height, width].
    """
    difference = np.abs(source - moved(other, there)).max(-1)
    return _without_specks((_cv2().blur(difference, (3, 3)) < _SAME_COLOUR) & _inside(there))


def feathered(mask: np.ndarray) -> np.ndarray:
    """Returns a mask, bool [height, width], as shares, float32 in 0..1, that fall to 0 towards the edges inside it."""
    levels = mask.astype(np.float32)
    return levels * np.clip(2 * _cv2().blur(levels, (5, 5)) - 1, 0, 1)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """Returns a mask without single pixels that differ from those around them, of which a picture would get specks."""
    return _cv2().medianBlur(mask.astype(np.uint8), 3) > 0


def _inside(there: np.ndarray) -> np.ndarray:
    """Returns which pixels lie inside the other frame, bool [height, width], given the flow to it."""
    height, width = there.shape[:2]
    columns, rows = np.arange(width) + there[..., 0], np.arange(height)[:, None] + there[..., 1]
    return (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)


@functools.cache
def _cv2() -> Any:
    """Returns OpenCV; raises `ImportError` with what to do if it is missing."""
    try:
        import cv2  # noqa: PLC0415  An extra.
    except ImportError as error:
        raise ImportError('The flow between frames needs OpenCV. Install it: pip install "nst_keras[video]"') from error
    return cv2
