"""Transfers, results and handles in a line, for `repr`."""

from __future__ import annotations

import os
import pathlib

from nst_keras import settings
from nst_keras.engine import setup as setup_lib
from nst_keras.engine import state as state_lib

__all__ = ["going", "pictures", "standing"]


def pictures(images: settings.ImageSettings) -> str:
    """Returns which pictures are used, such as "golden_gate.jpg in the style of starry_night.jpg".

    Args:
        images: The pictures as given. One without a name stands as its kind, such as `ndarray`.
    """
    given = images.style_image
    several = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    style, content = " and ".join(map(_named, several)), images.content_image
    if content is None:
        return f"the style of {style}"
    return f"{_named(content)} in the style of {style}" if style else f"the content of {_named(content)}"


def standing(setup: setup_lib.Setup, state: state_lib.RunState) -> str:
    """Returns what is made and how far it has come: pictures, size in pixels, network, step."""
    height, width = setup.pictures.size
    return f"{pictures(setup.settings.images)}, {width}x{height}, {setup.extractor.name}, {going(state)}"


def going(state: state_lib.RunState) -> str:
    """Returns how far a run has come, such as "step 3 of 60", and why it has ended if it has not made all steps."""
    reason, kinds = state.stop.reason, state_lib.StopReason
    if reason is kinds.NOT_BEGUN:
        return reason.value
    steps = f"step {state.step} of {state.total_steps}"
    return steps if reason in (kinds.ALL_STEPS, kinds.RUNNING) else f"{steps}, {reason.value}"


def _named(source: object) -> str:
    """Returns a picture's file name, or its kind."""
    return pathlib.Path(source).name if isinstance(source, (str, os.PathLike)) else type(source).__name__
