"""The options of a clip's frames: those of a picture, but for what a clip has of its own.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nst_keras import checks, presets, settings
from nst_keras.settings import modes
from nst_keras.sweeps import variation

__all__ = ["NOT_HERE", "OPTIONS", "checked_flow", "settings_of"]

# Options of a single picture that mean nothing for a clip. Its frames are content images, known whole, and one size.
NOT_HERE = (
    *variation.OF_ONE_RUN,
    *(field.name for field in settings.fields(settings.SaveSettings)),
    *(field.name for field in settings.fields(settings.FrameSettings) if field.name not in variation.OF_ONE_RUN),
    *("content_image", "mode", "enlarge", "size_step", "texture_size", "tile_size", "halo"),
    *("show_image", "show_interval", "preview", "callbacks", "verbose", "debug", "strategy"),
    *("output", "animation", "animation_seconds", "contact_sheet", "loss_plot", "compare"),
)
# {option of a clip's frames: its field}.
OPTIONS = {field.name: field for field in settings.fields(settings.JobSettings) if field.name not in NOT_HERE}
_SEED = 0  # The same for each command, so that one that was killed goes on to the same pixels.


def settings_of(given: presets.Options) -> settings.JobSettings:
    """Returns the settings of a clip's frames.

    Args:
        given: {option: value} of those that are given. They win over those of a preset among them.

    Raises:
        ValueError: An unknown or bad option, an unknown preset, or one that needs no photograph.
        TypeError: A value of another type.
    """
    for name in given:
        checks.one_of("video: the option", name, OPTIONS)
    if given.get("style_image") is None:
        raise ValueError("style_image is missing. Give a painting, such as --style_image=painting.jpg.")
    asked = {"seed": _SEED, **given}
    whole = presets.options(asked["preset"], asked) if asked.get("preset") else asked
    mode = whole.get("mode", "transfer")
    if mode != "transfer":
        raise ValueError(
            f"preset={asked.get('preset')!r} has the mode {mode!r}, but a clip needs 'transfer'. Take another."
        )
    defaults = {field.name: field.default for field in settings.fields(settings.JobSettings)}
    known = {name: value for name, value in whole.items() if name in OPTIONS}
    made = settings.built(settings.JobSettings, {**defaults, "tile_size": None, **known}.__getitem__)
    modes.get("transfer", made.fit)
    return made


def checked_flow(
    flow: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Returns a user's flow between two frames, as float32 and with its form checked.

    Raises:
        TypeError: It is no function. The function that is returned raises it for what is no flow.
    """
    if not callable(flow):
        raise TypeError(f"flow must be a function of two frames, but {flow!r} was given.")

    @functools.wraps(flow, assigned=("__qualname__",), updated=())
    def checked(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Returns the flow between two frames."""
        found = np.asarray(flow(first, second))
        shape = (*first.shape[:2], 2)
        if found.shape != shape or found.dtype.kind not in "fiu" or not np.isfinite(found).all():
            given = f"{found.dtype} {list(found.shape)}"
            raise TypeError(f"flow must return finite numbers {list(shape)}, but {given} was returned.")
        return found.astype(np.float32)

    return checked
