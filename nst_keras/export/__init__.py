"""Files out: stills, animations and plots of a run, each written whole or not at all.

`stills`, and TensorFlow with it, is imported when one of its names is first used: commands that only read a picture's
`record` answer at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nst_keras.export.animations import ANIMATION_WRITERS, check_animation, save_animation
from nst_keras.export.files import check_destination, check_suffix, encoded, free_name, replacing, sweep, write_text

if TYPE_CHECKING:
    from nst_keras.export.stills import STILL_OPTIONS, StillOptions, check_still, save_image

__all__ = [
    "ANIMATION_WRITERS",
    "STILL_OPTIONS",
    "StillOptions",
    "check_animation",
    "check_destination",
    "check_still",
    "check_suffix",
    "encoded",
    "free_name",
    "replacing",
    "save_animation",
    "save_image",
    "sweep",
    "write_text",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.stills"), name)
