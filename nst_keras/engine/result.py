"""The result of a run: picture, frames and losses, with functions to save and plot them, and the picture's record."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nst_keras import export, settings
from nst_keras.engine import descriptions, inputs
from nst_keras.engine import plan as plan_lib
from nst_keras.engine.state import RunState, Stop
from nst_keras.export import plots, record
from nst_keras.images import resizing
from nst_keras.runtime import memory

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["Result", "of", "output_size"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """The result of a run.

    Attributes:
        image: The picture, uint8 [height, width, 3].
        generated_image: The picture before it is rounded, float32 [1, height, width, 3], 0..255.
        frames: The frames kept, uint8 arrays [height, width, 3].
        frame_steps: The step of each frame.
        history: {term: value at each step} of loss, style_loss, content_loss and var_loss.
        history_steps: The step of each value.
        step: Number of steps made.
        stage: Index of the stage in which the run ended, from 0.
        stop: Why the run ended.
        completed: Whether the run made all its steps, or converged: further ones were of no use.
        changes: The changes made during the run: for each the step after which it was made, and the change in words.
        picture_replaced: Whether a callback has replaced the picture of the last step.
        plan: The plan of the run.
        options: {option: value}, with the number that the run used where None was given.
        input_digests: {option: SHA-256} of the pictures and weights that were read from files or given as arrays.
    """

    image: np.ndarray
    generated_image: tf.Tensor
    frames: Sequence[np.ndarray]
    frame_steps: Sequence[int]
    history: Mapping[str, Sequence[float]]
    history_steps: Sequence[int]
    step: int
    stage: int
    stop: Stop
    completed: bool
    changes: Sequence[tuple[int, str]]
    picture_replaced: bool
    plan: plan_lib.Plan
    options: Mapping[str, object]
    input_digests: Mapping[str, str]

    def __repr__(self) -> str:
        """Returns which picture it is, and how far its run came."""
        made = f"{descriptions.pictures(self.plan.setup.settings.images)}, {self.image.shape[1]}x{self.image.shape[0]}"
        standing = f"step {self.step}: {self.stop.sentence}" if self.stop.sentence else f"step {self.step}"
        return f"<{type(self).__name__}: {made}, {self.plan.setup.extractor.name}, {standing}>"

    def __copy__(self) -> Result:
        """Returns a result with the same values."""
        return dataclasses.replace(self)

    def __reduce_ex__(self, protocol: object) -> Any:
        """Raises `TypeError`: the network in the plan can be neither copied in depth nor pickled."""
        raise TypeError(
            "A Result cannot be pickled or deep-copied, since its plan holds a network. Take what you need: image, "
            "frames, history and record() can be, and save(path) keeps the picture."
        )

    @settings.documents(settings.SaveSettings)
    def save(  # noqa: D417  The decorator inserts the help of the options.
        self,
        path: str | os.PathLike[str],
        *,
        output_size: int | str | None = None,
        bit_depth: int = 8,
        alpha: bool = False,
        metadata: bool = True,
    ) -> None:
        """Saves the picture with an sRGB profile, and with the settings that make it again.

        Args:
            path: The file, ending in .png, .jpg, .jpeg, .webp, .tif or .tiff. An existing file is replaced completely
                or not at all.
            {options}

        Raises:
            ValueError: A bad argument, a format that cannot hold this bit depth or transparency, or an `output_size`
                for which there is not enough memory.
            OSError: The file cannot be written.
        """
        asked = settings.SaveSettings(output_size=output_size, bit_depth=bit_depth, alpha=alpha, metadata=metadata)
        self.save_as(path, asked)

    def save_as(
        self,
        path: str | os.PathLike[str],
        asked: settings.SaveSettings,
        *,
        notes: Mapping[str, object] = types.MappingProxyType({}),
    ) -> None:
        """Saves the picture. See `save`, which takes the same options one by one.

        Args:
            path: The file, ending in .png, .jpg, .jpeg, .webp, .tif or .tiff.
            asked: The options of `save`.
            notes: What the record in the file has beside that of `record`, in JSON's types.
        """
        height, width = size = output_size(self.plan.setup.pictures, asked.output_size)
        # Before the picture is resized, which may take much memory.
        export.check_still(path, bit_depth=asked.bit_depth, has_alpha=asked.alpha, size=size)
        if asked.output_size is not None:
            memory.check_output(*size)
        export.save_image(
            resizing.resize_to(self.generated_image, height, width),
            path,
            bit_depth=asked.bit_depth,
            alpha=self.plan.setup.pictures.content_alpha if asked.alpha else None,
            text=json.dumps({**self.record(asked), **notes}) if asked.metadata else None,
        )

    def record(self, asked: settings.SaveSettings | None = None) -> record.Record:
        """Returns the record of how the picture was made, see `nst_keras.export.record`.

        Args:
            asked: The options of `save`, to be recorded too. Default: none are recorded.
        """
        facts = record.Facts(
            options=self._recorded() | ({} if asked is None else settings.values(asked)),
            inputs=self.input_digests,
            extractor=self.plan.setup.extractor.name,
            extractor_sha256=self._extractor_sha256,
            steps=self.step,
            stop_reason=self.stop.sentence,
            completed=self.completed,
            losses={name: values[-1] for name, values in self.history.items() if values},
            exceptions=self._exceptions(),
        )
        return record.record(facts)

    def plot_history(self, path: str | os.PathLike[str] | None = None) -> matplotlib.figure.Figure:
        """Returns a plot of the losses over the steps, see `plots.plot_history`.

        Args:
            path: A .png, .pdf or .svg file to save the plot to. An existing file is replaced. Default: not saved.
        """
        return plots.plot_history(self.history, steps=self.history_steps, path=path)

    def plot_frames(
        self, path: str | os.PathLike[str] | None = None, *, rows: int = 1, columns: int = 6
    ) -> matplotlib.figure.Figure:
        """Returns a contact sheet: content image, style images and picture, with frames at even intervals below.

        Args:
            path: A .png, .pdf or .svg file to save the sheet to. An existing file is replaced. Default: not saved.
            rows: Number of rows of frames, 1 or more.
            columns: Frames in each row, 1 or more.
        """
        return plots.plot_frames(
            self.plan.setup.pictures.content_image,
            self.plan.setup.pictures.style_images,
            self.frames,
            self.generated_image,
            steps=self.frame_steps,
            rows=rows,
            columns=columns,
            path=path,
        )

    @functools.cached_property
    def _extractor_sha256(self) -> str:
        """The network's fingerprint. Each file of a run has it, and it digests all weights."""
        return self.plan.setup.extractor.fingerprint()

    def _recorded(self) -> dict[str, object]:
        """Returns the options that make this picture again.

        A run that ended early gets the steps that it made, and XLA as it was chosen for all that were planned.
        """
        stage, *later = self.plan.stages
        if not self.step or self.completed or later:
            return dict(self.options)
        jit_compile = self.options["jit_compile"]
        if jit_compile == "auto":
            jit_compile = "false" if stage.jit_compile == "false" else "true"
        return dict(self.options) | {"epochs": 1, "steps_per_epoch": self.step, "jit_compile": jit_compile}

    def _exceptions(self) -> dict[str, str]:
        """Returns {name: description} of what decided the picture and no flag can say."""
        stages = len(self.plan.stages)
        found: dict[str, str] = {}
        if self.step and not self.completed and stages > 1:
            found["end"] = f"after step {self.step}, in stage {self.stage + 1} of {stages}"
        if self.plan.went_on:
            found["init"] = self.plan.went_on
        if self.changes:
            found["changes"] = "; ".join(f"after step {step}: {what}" for step, what in self.changes)
        if self.picture_replaced:
            found["picture"] = "one of an earlier step, which a callback has restored"
        return found


def output_size(pictures: inputs.Inputs, asked: int | str | None) -> tuple[int, int]:
    """Returns height and width of the saved picture in pixels.

    Args:
        pictures: The pictures at the size of the result.
        asked: The option `output_size`.
    """
    height, width = pictures.size
    if asked is None:
        return height, width
    if isinstance(asked, str):
        return pictures.content_size or (height, width)
    return resizing.scaled_size(height, width, asked / max(height, width))


def of(plan: plan_lib.Plan, state: RunState, input_digests: Mapping[str, str]) -> Result:
    """Returns the result of a run so far.

    Args:
        plan: The plan of the run.
        state: The present state of the run.
        input_digests: {option: SHA-256} of the pictures and weights that it read.
    """
    return Result(
        image=state.image,
        generated_image=state.generated_image,
        frames=state.frames,
        frame_steps=state.frame_steps,
        history=state.history.history,
        history_steps=state.history.epoch,
        step=state.step,
        stage=state.stage,
        stop=state.stop,
        completed=state.completed,
        changes=tuple(state.changes),
        picture_replaced=state.picture_replaced,
        plan=plan,
        options=plan_lib.used(plan),
        input_digests=input_digests,
    )
