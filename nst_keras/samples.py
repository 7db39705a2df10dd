"""Pictures that need no download: a photograph of matplotlib's sample data, and pictures drawn by code.

Wherever a picture is taken, `"sample:NAME"` names one of them. Two are for content, `grace_hopper` and `landscape`;
three for style, `swirls` (thick paint), `stained_glass` (lead lines and flat jewel colours) and `woodblock` (outlines
and parallel curves). The drawn ones come in any size, the same composition at each, and another seed draws another.
Two are masks, white where the landscape is sky, `landscape_sky`, and where it is not, `landscape_ground`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nst_keras import checks
from nst_keras.drawing.landscape_scene import landscape, landscape_ground, landscape_sky
from nst_keras.drawing.photograph import grace_hopper
from nst_keras.drawing.stained_glass_window import stained_glass
from nst_keras.drawing.swirls_night import swirls
from nst_keras.drawing.woodblock_print import woodblock

__all__ = [
    "PREFIX",
    "SAMPLES",
    "draw",
    "grace_hopper",
    "landscape",
    "landscape_ground",
    "landscape_sky",
    "stained_glass",
    "swirls",
    "woodblock",
]

PREFIX = "sample:"


def draw(name: str) -> np.ndarray:
    """Draws the sample that `"sample:NAME"` names, at its own size.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        ValueError: Unknown name.
    """
    return _drawn(SAMPLES[checks.one_of("sample", name.removeprefix(PREFIX), SAMPLES)]).copy()


@functools.cache  # Drawing takes a second or two, and a notebook or a run of many asks again and again.
def _drawn(sample: Callable[[], np.ndarray]) -> np.ndarray:
    return sample()


SAMPLES: dict[str, Callable[[], np.ndarray]] = {
    "grace_hopper": grace_hopper,
    "landscape": landscape,
    "landscape_ground": landscape_ground,
    "landscape_sky": landscape_sky,
    "stained_glass": stained_glass,
    "swirls": swirls,
    "woodblock": woodblock,
}
