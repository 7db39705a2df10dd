"""The options of a run and of the picture that it saves."""

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

# The `output_size` that stands for the size of the content image before it was reduced.
CONTENT_SIZE = "content"


def _output_size(name: str, value: int | str | None) -> int | str | None:
    if isinstance(value, str) and value != CONTENT_SIZE:
        raise ValueError(f"{name} must be {CONTENT_SIZE!r} or the longest side in pixels, but {value!r} was given.")
    return value if value is None or isinstance(value, str) else checks.integer(name, value)


def _callbacks(name: str, value: Any) -> tuple[Any, ...]:
    return tuple(value or ()) if isinstance(value, Iterable) or value is None else (value,)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FitSettings(options.Group):
    """A run: steps, weights, and what is shown and kept on the way.

    Attributes:
        epochs: Rounds of `steps_per_epoch` steps.
        steps_per_epoch: Steps a round. A step evaluates loss and gradient once.
        learning_rate: For `adam`: levels of 0..255 a step, a number or a Keras schedule. Default, and most that is
            used: 5.1.
        style_weight: Weight of the style term, beta in the paper. Default: the normalization's usual one.
        content_weight: Weight of the content term, alpha in the paper. Default: the normalization's usual one.
        var_weight: Weight of the total variation, which smooths.
        show_image: Shows the picture while it forms, in a notebook or a window.
        show_interval: Steps between two showings, and between two images for TensorBoard.
        preview: Picture file that each showing replaces, for any viewer that follows it.
        tensorboard: Folder for TensorBoard: losses by term and layer, the picture, the settings.
        checkpoint_dir: Folder for the run's last three checkpoints, and for its frames, unless `frames_dir` is given.
        checkpoint_interval: Steps between two checkpoints; one more is written at the end.
        resume: Goes on from the last whole checkpoint, to the same pixels as an uninterrupted run; starts anew where
            there is none. More `epochs` may be asked for, except with a pyramid. Callbacks with a memory of their own
            begin anew.
        callbacks: Keras callbacks, called as in `keras.Model.fit`, on each host; their `model` shows this run.
        alpha_norm_weight: Weight of the alpha-norm, which keeps levels away from the ends of their range.
        verbose: 1 or `auto`: a line of progress, redrawn; in a file, a line now and then. 2: such lines everywhere. 0:
            nothing.
    """

    title = "Run"
    epochs: int = options.option(10, checks.integer)
    steps_per_epoch: int = options.option(100, checks.integer)
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = options.option(None)
    style_weight: float | None = options.option(None, options.optional(checks.non_negative), term="style")
    content_weight: float | None = options.option(None, options.optional(checks.non_negative), term="content")
    var_weight: float = options.option(0.0, options.optional(checks.non_negative))
    show_image: bool = options.option(False, is_recorded=False)
    show_interval: int = options.option(90, checks.integer, is_recorded=False)
    preview: str | os.PathLike[str] | None = options.option(None, is_recorded=False)
    tensorboard: str | os.PathLike[str] | None = options.option(None, is_recorded=False)
    checkpoint_dir: str | os.PathLike[str] | None = options.option(None, is_recorded=False)
    checkpoint_interval: int = options.option(50, checks.integer, is_recorded=False)
    resume: bool = options.option(False, is_recorded=False)
    callbacks: Iterable[keras.callbacks.Callback] = options.option((), _callbacks, has_flag=False)
    alpha_norm_weight: float = options.option(0.0, options.optional(checks.non_negative))
    verbose: int | str = options.option("auto", has_flag=False, is_recorded=False)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SaveSettings(options.Group):
    """How the picture is saved.

    Attributes:
        output_size: `content` for the content image's size before it was reduced, or a longest side in pixels
            (Lanczos). Default: the picture's size.
        bit_depth: Bits a channel: 8, or 16 for PNG and TIFF, from the picture before it is rounded.
        alpha: Keeps the content image's transparency; not in JPEG.
        metadata: Puts the settings into the file, paths of files among them; `python -m nst_keras.provenance` shows
            them.
    """

    title = "Picture file"
    output_size: int | str | None = options.option(None, _output_size)
    bit_depth: int = options.option(8)
    alpha: bool = options.option(False)
    metadata: bool = options.option(True)
