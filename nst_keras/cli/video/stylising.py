"""Makes the frames of a clip, one after the other, by transfers that are compiled once for all of them."""

from __future__ import annotations

import dataclasses
import math
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import tensorflow as tf

from nst_keras import settings, transfer
from nst_keras.callbacks import run_view
from nst_keras.cli.video import flow as flow_lib
from nst_keras.cli.video import following
from nst_keras.engine import compile_cost, schedule
from nst_keras.engine import plan as plan_lib
from nst_keras.engine.state import StopReason
from nst_keras.losses import statistics, temporal
from nst_keras.runtime import messages

__all__ = ["Course", "Made", "Stylizer"]

_DEVIATION = 20.0  # Levels: the change that costs as much as the first frame's loss, at a temporal weight of 1.
_FEWEST = 8  # Steps of a frame. L-BFGS needs some to learn how the loss bends.


class Made(NamedTuple):
    """What was made of a frame.

    Attributes:
        picture: The picture that later frames go on from, uint8 [height, width, 3].
        age: In how many frames each pixel's surface was seen; see `following.Earlier`.
        shown: The picture as it is shown: in its final colours, and with what a mask keeps.
        is_new_scene: Whether it was begun anew.
        steps: Steps that were made.
        losses: {term: loss} after the last step; empty without steps.
    """

    picture: np.ndarray
    age: np.ndarray
    shown: np.ndarray
    is_new_scene: bool
    steps: int
    losses: dict[str, float]


class Stylizer:
    """Makes frames of one size.

    Args:
        given: The look, without a content image.
        fit: Steps and weights of the first frame.
        video: The options of the clip.
        flow: The flow between two frames.
        count: Number of frames of the clip, by which the engine decides what is worth compiling.
    """

    def __init__(
        self,
        given: settings.TransferSettings,
        fit: settings.FitSettings,
        video: settings.VideoSettings,
        *,
        flow: flow_lib.Flow = flow_lib.dis,
        count: int = sys.maxsize,
    ) -> None:
        self._given, self._fit, self._video = given, fit, video
        self._flow, self._count = flow, count
        self._temporal: temporal.Temporal | None = None
        self._beginner: transfer.NeuralStyleTransfer | None = None
        self._follower: transfer.NeuralStyleTransfer | None = None

    def first(self, source: np.ndarray) -> Made:
        """Returns a frame that is begun anew, as a picture by itself is.

        Args:
            source: The clip's frame, uint8 [height, width, 3].

        Raises:
            ValueError: A bad option, or a frame that is too small for the network.
            OSError: A picture cannot be read.
            RuntimeError: The loss is not finite any more.
            KeyboardInterrupt: The frame was interrupted.
        """
        self._begin(source).set_images(content_image=source)
        return self._run(self._begin(source), self._fit)

    def next(
        self, source: np.ndarray, earlier: Sequence[following.Earlier], *, loss: float, own: np.ndarray | None = None
    ) -> Made:
        """Returns a frame that goes on from earlier ones; one that is begun anew where the scene changes.

        Args:
            source: The clip's frame, uint8 [height, width, 3].
            earlier: Frames of the same scene, the nearest first; one or more.
            loss: Total loss of the clip's first frame, for the temporal weight.
            own: What an earlier pass has made of this frame; None in the first pass.

        Raises:
            ImportError: OpenCV is not installed.
            Exception: As for `first`.
        """
        near = earlier[0]
        if own is None and np.array_equal(near.source, source):
            return self._repeated(source, near)
        followed = following.follow(source, earlier, self._flow)
        if followed is None:
            if own is None:
                return self.first(source)
            followed = following.nothing(own)
        follower = self._going_on(source, followed.start(source if own is None else own, is_own=own is not None))
        scale = self._video.temporal_weight * loss / _DEVIATION**2
        seen = follower.state.pictures.seen
        reference = seen(tf.constant(followed.reference[None]))
        weights = tf.constant(followed.weights[None, :, :, None], tf.float32)
        young = 1.0 - weights if own is None else tf.zeros_like(weights)
        self._known(source).compare_with(reference, scale * weights, young)
        fit = dataclasses.replace(
            self._fit, epochs=1, steps_per_epoch=self.steps(source), callbacks=(*self._fit.callbacks, _Flat())
        )
        return self._run(follower, fit, age=followed.age, is_new_scene=not followed.weights.any())

    def kept(self, source: np.ndarray, own: np.ndarray) -> Made:
        """Returns a frame as an earlier pass has made it, without a step.

        Args:
            source: The clip's frame, uint8 [height, width, 3].
            own: What was made of it, uint8 [height, width, 3].
        """
        old = np.full(own.shape[:2], following.OLD, np.uint8)
        return self._repeated(source, following.Earlier(source, own, old))._replace(is_new_scene=True)

    def steps(self, source: np.ndarray) -> int:
        """Returns the most steps of a frame that goes on from another."""
        if self._video.frame_steps is not None:
            return self._video.frame_steps
        asked = self._given.schedule
        sides = schedule.stage_sizes(asked.pyramid, max(source.shape[:2]))
        shares = schedule.stage_shares(asked.pyramid_shares, len(sides))
        ends = schedule.stage_ends(len(sides), self._fit.epochs * self._fit.steps_per_epoch, shares)
        steps = [end - begin for begin, end in zip((0, *ends), ends, strict=False)]
        whole = sum(count * (side / sides[-1]) ** 2 for count, side in zip(steps, sides, strict=True))
        return max(_FEWEST, round(whole / 4))

    def _begin(self, source: np.ndarray) -> transfer.NeuralStyleTransfer:
        """Returns the transfer that makes frames anew."""
        beginner = self._beginner = self._beginner or self._made_for(source, self._given)
        return beginner

    def _known(self, source: np.ndarray) -> temporal.Temporal:
        """Returns the terms that know other frames, for frames of this size."""
        if self._temporal is None:
            setup = self._begin(source).result.plan.setup
            asked = setup.settings.losses
            self._temporal = temporal.Temporal(
                setup.pictures.size,
                setup.extractor.sizes(*setup.pictures.size),
                setup.style_layers,
                style_weight=plan_lib.make(setup, self._fit).fit.style_weight or 0.0,
                statistic=statistics.get(asked.style_statistic, normalization=asked.normalization),
                normalization=asked.normalization,
                channels=setup.extractor.channels,
            )
        return self._temporal

    def _made_for(
        self, source: np.ndarray, given: settings.TransferSettings, **images: Any
    ) -> transfer.NeuralStyleTransfer:
        """Returns a transfer with the look of these settings, for frames of this size."""
        images = {"content_image": source, "image_size": max(source.shape[:2]), **images}
        return transfer.NeuralStyleTransfer.from_settings(
            dataclasses.replace(
                given,
                images=dataclasses.replace(given.images, **images),
                frames=settings.FrameSettings(frame_interval=sys.maxsize),
            )
        )

    def _going_on(self, source: np.ndarray, start: np.ndarray) -> transfer.NeuralStyleTransfer:
        """Returns the transfer that makes frames from a start at their full size, with its pictures set."""
        if self._follower is not None:
            self._follower.set_images(content_image=source, init=start)
            return self._follower
        asked = self._given.losses
        losses = dataclasses.replace(asked, losses=(*asked.losses, *self._known(source).terms))
        given = dataclasses.replace(self._given, losses=losses, schedule=settings.ScheduleSettings())
        self._follower = follower = self._made_for(source, self._compiled(given, source), init=start)
        return follower

    def _compiled(self, given: settings.TransferSettings, source: np.ndarray) -> settings.TransferSettings:
        """Returns the settings with XLA where it pays over the whole clip."""
        height, width = source.shape[:2]
        network = given.network.extractor
        name = network if isinstance(network, str) else network.name
        if given.runtime.jit_compile != "auto" or not compile_cost.pays(
            name, (height, width), self.steps(source) * self._count
        ):
            return given
        return dataclasses.replace(given, runtime=dataclasses.replace(given.runtime, jit_compile="true"))

    def _repeated(self, source: np.ndarray, near: following.Earlier) -> Made:
        """Returns the picture of a frame that is the same as the one before."""
        maker = self._going_on(source, near.picture.astype(np.float32))
        shown = _levels(maker.state.pictures.finished(_tensor(near.picture)))
        return Made(near.picture, near.age, shown, is_new_scene=False, steps=0, losses={})

    def _run(
        self,
        maker: transfer.NeuralStyleTransfer,
        fit: settings.FitSettings,
        *,
        age: np.ndarray | None = None,
        is_new_scene: bool = True,
    ) -> Made:
        """Makes a frame with the pictures that are set; of a new scene without an age."""
        with messages.of_keras(shown=False), warnings.catch_warnings():
            # A frame begins near its end, where one step says nothing about the balance of the terms.
            warnings.filterwarnings("ignore", "One step from here", UserWarning)
            maker.fit(dataclasses.replace(fit, verbose=0))
        result = maker.result
        if result.stop.reason is StopReason.INTERRUPTED:
            raise KeyboardInterrupt
        if result.stop.reason is StopReason.NOT_FINITE:
            raise RuntimeError(result.stop.sentence)
        picture = _levels(maker.generated_image)
        shown = _levels(maker.state.pictures.finished(_tensor(picture)))
        losses = {name: float(values[-1]) for name, values in result.history.items() if values}
        old = np.full(picture.shape[:2], following.OLD, np.uint8)
        return Made(picture, old if age is None else age, shown, is_new_scene, result.step, losses)


class Course:
    """The frames of a pass, each made from those before it.

    Args:
        stylizer: Makes the frames.
        history: The frames that the next may go on from. Default: none.
        loss: Total loss of the clip's first frame; 0 before it is made.
    """

    def __init__(self, stylizer: Stylizer, history: following.History | None = None, loss: float = 0.0) -> None:
        self._stylizer, self._loss = stylizer, loss
        self._history = history or following.History()

    def make(self, source: np.ndarray, own: np.ndarray | None = None) -> Made:
        """Returns the next frame, see `Stylizer.next`."""
        earlier = self._history.nearest()
        if earlier:
            made = self._stylizer.next(source, earlier, loss=self._loss, own=own)
        elif own is None:
            made = self._stylizer.first(source)
        else:  # Where a pass begins, the earlier pass ended: its picture is the best there is.
            made = self._stylizer.kept(source, own)
        self._loss = self._loss or made.losses.get("loss", 0.0)
        self._history.add(following.Earlier(source, made.picture, made.age), is_new_scene=made.is_new_scene)
        return made


class _Flat(run_view.RunCallback):
    """The callback that ends a frame once its loss hardly falls any more."""

    STEPS, LEAST = 4, 0.005  # The loss falls by less than 0.005 of itself in 4 steps.

    def __init__(self) -> None:
        super().__init__()
        self._losses: list[float] = []

    def on_train_batch_end(self, batch: int, logs: run_view.Logs = None) -> None:
        """Notes the loss, and ends the run where it is flat."""
        self._losses.append((logs or {}).get("loss", math.inf))
        if len(self._losses) > _FEWEST and self._losses[-1] > (1 - self.LEAST) * self._losses[-1 - self.STEPS]:
            cast(Any, self.model).run.stop()


def _levels(image: tf.Tensor) -> np.ndarray:
    """Returns an image, float32 [1, height, width, 3], as uint8 [height, width, 3]."""
    return np.clip(np.rint(image.numpy()[0]), 0, 255).astype(np.uint8)


def _tensor(picture: np.ndarray) -> tf.Tensor:
    """Returns a picture, uint8 [height, width, 3], as float32 [1, height, width, 3]."""
    return tf.constant(picture[None], tf.float32)
