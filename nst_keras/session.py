"""A session: the runs of one setup, one after the other. Each reuses what earlier runs have compiled."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Generator, Hashable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import callbacks, checks, settings
from nst_keras.engine import checkpoint_lock as lock
from nst_keras.engine import checkpoints, choices, compiled, memory_advice, memory_estimate, steering, warm_start
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.engine import run as run_lib
from nst_keras.engine import setup as setup_lib
from nst_keras.engine import state as state_lib
from nst_keras.export import record
from nst_keras.networks import extractors
from nst_keras.runtime import defaults, hosts
from nst_keras.settings import modes

__all__ = ["Session"]

_MISSING = object()


class Session:
    """The runs of one setup.

    Args:
        given: The settings of the transfer.

    Attributes:
        setup: Pictures, network and layers.
        state: The state of the last run, also during the run. Before the first run: the start.
        input_digests: {option: SHA-256} of the pictures and weights that were read from files or given as arrays.

    Raises:
        ValueError: A bad option, or options that contradict each other.
        TypeError: An option of an unsupported type.
        OSError: A picture or weights cannot be read.
        RuntimeError: The call comes from inside a `tf.Graph` or a `tf.function`.
    """

    def __init__(self, given: settings.TransferSettings) -> None:
        runtime = given.runtime
        defaults.require_eager()
        self._replicas = hosts.joined(runtime.strategy)  # Before TensorFlow runs anything.
        hosts.check_same(self._replicas, _agreed(given))
        self._asked = given
        self._given = given = choices.made(given, self._replicas)
        if runtime.deterministic:
            keras.utils.set_random_seed(given.runtime.seed)
            tf.config.experimental.enable_op_determinism()
        self.setup = setup_lib.prepare(given, self._replicas)
        self._compiled = compiled.Compiled()
        self._balanced: set[Hashable] = set()  # Weights that a run has been checked for.
        self.input_digests = record.digests(settings.values(given))
        self._run: run_lib.Run | None = None
        self._in_use = threading.Lock()
        self.state = state_lib.RunState(self.setup.pictures)

    def set_images(self, images: Mapping[str, Any]) -> None:
        """Replaces pictures, or how they are used, for the runs to come.

        For pictures of a size seen before, nothing is traced or compiled. Files that have changed are read again.

        Args:
            images: {option of `ImageSettings`: its new value}. The others stay.

        Raises:
            ValueError: A bad or unknown option, options that contradict each other, or a picture that is too small.
            TypeError: An option of an unsupported type.
            OSError: A picture cannot be read.
            RuntimeError: A run is going.
        """
        for name in images:
            checks.one_of("set_images: the option", name, settings.values(self._given.images))
        with self._alone("set_images: a run is going. Call run.set_style to change its style, or run.stop first."):
            given = dataclasses.replace(self.given, images=dataclasses.replace(self._given.images, **images))
            values = settings.values(given.images)
            setup = setup_lib.with_images(self.setup, given, {*images, *record.changed(values, self.input_digests)})
            kept = {name: value for name, value in self.input_digests.items() if name.partition("[")[0] not in images}
            self.input_digests = kept | record.digests(values)
            self._given, self.setup = given, setup
            self._compiled.forget_pictures()

    def fit(self, asked: settings.FitSettings) -> Sequence[np.ndarray]:
        """Optimises the picture from its start, from a checkpoint or from where it is, and returns the frames.

        See `NeuralStyleTransfer.fit_style_transfer`, which takes the same options one by one.
        """
        defaults.require_eager()
        alone = self._alone("fit_style_transfer: a run is going. Call run.stop first, or use another object.")
        with alone, lock.held(asked.checkpoint_dir if self.is_chief else None):
            return self._fit(asked)

    @contextlib.contextmanager
    def _alone(self, refusal: str) -> Generator[None, None, None]:
        """Raises `RuntimeError` while a run is going in this thread or another, until it has ended altogether."""
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(f"{refusal} After stop, wait until fit_style_transfer has returned.")
        try:
            yield
        finally:
            self._in_use.release()

    def _fit(self, asked: settings.FitSettings) -> Sequence[np.ndarray]:
        """Optimises the picture, see `fit`."""
        self._check_asked(asked)
        store = None if asked.checkpoint_dir is None else checkpoints.Store(asked.checkpoint_dir)
        checkpoint = self._found_checkpoint(asked, store)
        if checkpoint is not None:
            self.setup = choices.as_begun(self.setup, self._asked, checkpoint.record)
        before = self._run if asked.warm_start else None
        plan = plan_lib.make(self.setup, asked) if before is None else warm_start.plan(before, self.setup, asked)
        if checkpoint is not None:
            plan = choices.compiled_as_begun(plan, checkpoint.record)
        recorder = self._recorder(plan, store, resume=checkpoint is not None)
        request = plan_lib.stage_memory(plan, frames=recorder.held(plan.total_steps))
        header = memory_advice.check_memory(request)  # Before the targets are computed, which takes memory too.
        self._check_same_run(plan, checkpoint)
        every = callbacks.standard(
            plan,
            recorder,
            replicas=self._replicas,
            header=header,
            checkpoint=checkpoint,
            store=store,
            balanced=self._balanced,
        )
        with memory_advice.explained(request):
            run = run_lib.Run(
                plan,
                every,
                built=self._compiled,
                solver=None if before is None else warm_start.optimizer(before, plan),
                checkpoint=checkpoint,
                input_digests=self.input_digests,
            )
        # All arguments have passed their checks.
        self._give_way_to(run)
        self.state.frames, self.state.frame_steps = recorder.frames, recorder.steps
        _execute(run, request)
        return recorder.frames

    def result(self) -> result_lib.Result:
        """Returns the result of the last run. During a run: so far. Before the first run: the start image."""
        if self._run is None:
            return result_lib.of(plan_lib.start(self.setup), self.state, self.input_digests)
        return self._run.result()

    @property
    def extractor(self) -> extractors.FeatureExtractor:
        """The network, cut to the style and content layers."""
        return self.setup.extractor

    @property
    def seed(self) -> int:
        """The seed in use: the one given, or the one drawn."""
        return self.setup.pictures.seed

    @property
    def content_image(self) -> tf.Tensor | None:
        """The content image of the next run, as resized; None without content."""
        return self.setup.pictures.content_image

    @property
    def style_images(self) -> list[tf.Tensor]:
        """The style images of the next run, as resized."""
        return self.setup.pictures.style_images

    @property
    def settings(self) -> dict[str, object]:
        """{option: value} of the transfer and of the last run, as given."""
        return settings.values(self.setup.settings) if self._run is None else plan_lib.asked(self._run.plan)

    def refusal(self, name: str) -> str | None:
        """Returns why an attribute of this name cannot be set; None for a name that is free."""
        known = {"content_image", "style_images", *settings.values(self._given.images)}
        if name in known:
            return f"{name} cannot be set. Call set_images({name.replace('images', 'image')}=...), and then make a run."
        if name in settings.values(settings.FitSettings()):
            return f"{name} cannot be set. Give it to fit_style_transfer."
        if name in settings.values(self._given):
            return f"{name} cannot be set. Give it to another NeuralStyleTransfer."
        is_made = hasattr(self.state, name)
        return f"{name} is what the run has made, and cannot be set. Make another run." if is_made else None

    def shown(self, name: str) -> Any:
        """Returns the attribute of this name: the session's own, or the one that callbacks see of the last run.

        Raises:
            AttributeError: Neither has such an attribute.
        """
        found = getattr(self, name, _MISSING)
        if found is _MISSING:
            return getattr(self.state if self._run is None else self._run.model, name)
        return found

    @property
    def run(self) -> steering.Steering:
        """The handle of the run that is going, or of the last one; raises `RuntimeError` before the first."""
        if self._run is None:
            raise RuntimeError("run: no run has begun. Call fit_style_transfer in another thread, or use a callback.")
        return self._run.steering

    @property
    def given(self) -> settings.TransferSettings:
        """The settings as given, with the seed and the precision in use."""
        runtime = dataclasses.replace(self._given.runtime, seed=self.seed)
        return dataclasses.replace(self._given, runtime=runtime, network=self.setup.settings.network)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files and shows progress. Of several hosts, only the chief does."""
        return hosts.is_chief(self._replicas)

    def _found_checkpoint(
        self, asked: settings.FitSettings, store: checkpoints.Store | None
    ) -> checkpoints.Checkpoint | None:
        """Returns the checkpoint that a run resumes from, the same one on all hosts; None for a run from its start."""
        found = checkpoints.checkpoint_to_resume(store, resume=asked.resume, steps=asked.epochs * asked.steps_per_epoch)
        step, size = found and found.step, self.setup.pictures.size
        hosts.check_same(self._replicas, {"checkpoint_dir": step, "epochs": asked.epochs, "image_size": size})
        return found

    def _check_asked(self, asked: settings.FitSettings) -> None:
        """Raises `ValueError` for options that contradict the mode or each other."""
        modes.get(self.setup.settings.losses.mode, asked)  # Raises for an option without effect in the mode.
        if asked.warm_start and asked.resume:
            raise ValueError("warm_start and resume would go on from different pictures. Give one of them.")

    def _give_way_to(self, run: run_lib.Run) -> None:
        """Makes a run the present one, and lets go of the last one."""
        if self._run is not None:
            self._run.leave()
        self._run, self.state = run, run.state

    def _check_same_run(self, plan: plan_lib.Plan, checkpoint: checkpoints.Checkpoint | None) -> None:
        """Raises `ValueError` for a run that is not that of the other hosts, or not that of the checkpoint.

        A run by itself has no fingerprint taken, which digests all of the network's weights.
        """
        if checkpoint is None and not self._replicas.has_other_hosts():
            return
        fingerprint = plan_lib.fingerprint(plan)
        hosts.check_same(self._replicas, {"pyramid": None, **fingerprint})
        if checkpoint is not None:
            checkpoint.check_same_run(fingerprint, plan_lib.optimizer_defaults(self.setup))

    def _recorder(
        self, plan: plan_lib.Plan, store: checkpoints.Store | None, *, resume: bool
    ) -> callbacks.FrameRecorder:
        """Returns the callback that keeps the frames of a run. Hosts other than the chief keep the last one alone."""
        if not self.is_chief:
            return callbacks.FrameRecorder(plan.total_steps)
        asked = self.setup.settings.frames
        return callbacks.recorder(
            asked.frames_dir,
            interval=asked.frame_interval,
            steps=plan.total_steps,
            size=self.setup.pictures.size,
            checkpoints_dir=store and store.folder,
            resume=resume,
        )


def _execute(run: run_lib.Run, request: memory_estimate.MemoryRequest) -> None:
    """Makes the steps of a run. If memory runs out, the error and the run's sentence say what would fit."""
    try:
        with memory_advice.explained(request):
            run.execute()
    except MemoryError as error:
        run.state.stop = state_lib.Stop(state_lib.StopReason.FAILED, str(error))
        raise


def _agreed(given: settings.TransferSettings) -> dict[str, object]:
    """Returns {option: value} of the options that must be the same on all hosts."""
    names = [f.name for f in settings.fields(settings.TransferSettings) if settings.declared(f).is_agreed]
    return {name: record.described(value) for name, value in settings.values(given).items() if name in names}
