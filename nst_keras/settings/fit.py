"""The options of a run and of the picture file that it saves."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from nst_keras import checks
from nst_keras.settings import options

if TYPE_CHECKING:  # Names in annotations, which nothing evaluates.
    import keras

__all__ = ["CONTENT_SIZE", "FitSettings", "LearningRate", "SaveSettings"]

LearningRate: TypeAlias = "float | keras.optimizers.schedules.LearningRateSchedule"

# The `output_size` for the size of the content image before it was reduced.
CONTENT_SIZE = "content"


def _output_size(name: str, value: int | str | None) -> int | str | None:
    """Returns `value` if it is `CONTENT_SIZE`, None or a whole number, 1 or more; raises `ValueError` otherwise."""
    if isinstance(value, str) and value != CONTENT_SIZE:
        raise ValueError(f"{name} must be {CONTENT_SIZE!r} or the longest side in pixels, but {value!r} was given.")
    return value if value is None or isinstance(value, str) else checks.integer(name, value)


def _callbacks(name: str, value: Any) -> tuple[Any, ...]:
    """Returns callbacks as a tuple: empty for None, of one for a single callback; raises `TypeError` for others."""
    found: tuple[Any, ...] = tuple(value or ()) if isinstance(value, Iterable) or value is None else (value,)
    for one in found:
        if not hasattr(one, "set_model"):
            raise TypeError(f"{name} must be Keras callbacks, but {one!r} was given. Give a list of them.")
    return found


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FitSettings(options.Group):
    """A run: its steps and weights, and what is shown and stored during it.

    Attributes:
        epochs: Number of epochs, of `steps_per_epoch` steps each.
        steps_per_epoch: Steps in an epoch; presets have one epoch. Each step computes loss and gradient once.
        learning_rate: Step length of `adam` in levels of 0..255. In Python also a Keras schedule. Default: 5.1. Larger
            values act as 5.1. Keras's other optimizers take any rate. Their default is 5.1 too, except for `adadelta`
            (1000), `adafactor` and `lamb` (both 0.01).
        style_weight: Weight of the style term, beta in the paper. Default: the usual weight of the normalization.
        content_weight: Weight of the content term, alpha in the paper. Default: the usual weight of the normalization.
        var_weight: Weight of the total variation, which smooths the picture.
        strength: How far the picture goes from the photograph (0) to the style (1). Its steps are even: the style's
            statistics are blended with the content image's own.
        show_image: Shows the picture during the run, in a notebook or a window.
        show_interval: Steps between two displays of the picture, and between two images for TensorBoard.
        preview: Picture file that each display replaces, for viewers that reload it.
        tensorboard: Folder for TensorBoard's logs: losses by term and layer, the picture, the settings.
        checkpoint_dir: Folder for checkpoints, from which `resume` goes on. It keeps the run's last three, and its
            frames unless `frames_dir` is given. One run at a time uses it.
        checkpoint_interval: Steps between two checkpoints. One more is written at the end.
        resume: Goes on from the last undamaged checkpoint, to the same pixels. Without a checkpoint, the run starts at
            step 0. `epochs` may be larger than before, except with a pyramid. Callbacks with a state of their own start
            again.
        warm_start: Goes on from the present picture in place of `init`, with the pictures and options as they are now.
            An optimizer goes on with what it has learned if the loss has not changed. A pyramid's smaller stages are
            left out. Before the first run, it has no effect.
        callbacks: Keras callbacks, called as in `keras.Model.fit`, on every host. Their `model` is a view of this run.
        alpha_norm_weight: Weight of the alpha-norm, which keeps pixel levels away from the ends of their range.
        verbose: 1 or `auto`: one progress line that is redrawn, or, in a file, a line now and then. 2: a line now and
            then everywhere. 0: no output.
    """

    title = "Run"
    epochs: int = options.option(10, checks.integer)
    steps_per_epoch: int = options.option(100, checks.integer)
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = options.option(None)
    style_weight: float | None = options.option(None, options.optional(checks.non_negative), term="style")
    content_weight: float | None = options.option(None, options.optional(checks.non_negative), term="content")
    var_weight: float = options.option(0.0, options.optional(checks.non_negative))
    strength: float = options.option(1.0, checks.share)
    show_image: bool = options.option(False, is_recorded=False)
    show_interval: int = options.option(90, checks.integer, is_recorded=False)
    preview: str | os.PathLike[str] | None = options.option(None, is_recorded=False)
    tensorboard: str | os.PathLike[str] | None = options.option(None, checks.folder, is_recorded=False)
    checkpoint_dir: str | os.PathLike[str] | None = options.option(None, checks.folder, is_recorded=False)
    checkpoint_interval: int = options.option(50, checks.integer, is_recorded=False)
    resume: bool = options.option(False, is_recorded=False)
    warm_start: bool = options.option(False, has_flag=False, is_recorded=False)
    callbacks: Iterable[keras.callbacks.Callback] = options.option((), _callbacks, has_flag=False)
    alpha_norm_weight: float = options.option(0.0, options.optional(checks.non_negative))
    verbose: int | str = options.option("auto", has_flag=False, is_recorded=False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SaveSettings(options.Group):
    """How the picture is saved.

    Attributes:
        output_size: Size of the saved picture: `content`, or the longest side in pixels. `content` is the size of the
            content image before it was reduced. The picture is resized by Lanczos. Default: the picture's size.
        bit_depth: Bits per channel: 8, or 16 for PNG and TIFF, from the picture before it is rounded.
        alpha: Keeps the content image's transparency. JPEG cannot hold it.
        metadata: Stores the settings in the file, with the paths of the images used. `python -m nst_keras.provenance`
            prints them.
    """

    title = "Picture file"
    output_size: int | str | None = options.option(None, _output_size)
    bit_depth: int = options.option(8)
    alpha: bool = options.option(False)
    metadata: bool = options.option(True)
