"""A session: the runs of one setup, one after the other. Each reuses what earlier runs have compiled."""

from __future__ import annotations

import dataclasses
import gc
import secrets
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_keras import callbacks, settings
from nst_keras.engine import checkpoints, compiled, memory_advice, modes
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.engine import run as run_lib
from nst_keras.engine import setup as setup_lib
from nst_keras.engine import state as state_lib
from nst_keras.export import record
from nst_keras.runtime import hosts

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
    """

    def __init__(self, given: settings.TransferSettings) -> None:
        runtime = given.runtime
        self._replicas = hosts.joined(runtime.strategy)  # Before TensorFlow runs anything.
        hosts.check_same(self._replicas, _agreed(given))
        self._seed_is_drawn = runtime.seed is None
        seed = runtime.seed
        if seed is None:
            seed = hosts.number_of_chief(self._replicas, secrets.randbelow(2**31))
        if runtime.deterministic:
            keras.utils.set_random_seed(seed)
            tf.config.experimental.enable_op_determinism()
        self._given = given = dataclasses.replace(given, runtime=dataclasses.replace(runtime, seed=seed))
        self.setup = setup_lib.prepare(given, self._replicas)
        self._compiled = compiled.Compiled()
        self.input_digests = record.digests(settings.values(given))
        self._run: run_lib.Run | None = None
        self.state = state_lib.RunState(self.setup.pictures)

    def fit(self, asked: settings.FitSettings) -> Sequence[np.ndarray]:
        """Optimises the picture from its start, or from a checkpoint, and returns the frames.

        See `NeuralStyleTransfer.fit_style_transfer`, which takes the same options one by one.
        """
        modes.get(self.setup.settings.losses.mode, asked)  # Raises for an option without effect in the mode.
        store = None if asked.checkpoint_dir is None else checkpoints.Store(asked.checkpoint_dir)
        checkpoint = self._found_checkpoint(asked, store)
        if checkpoint is not None:
            self._adopt(checkpoint)
        plan = plan_lib.make(self.setup, asked)
        recorder = self._recorder(plan, store, resume=checkpoint is not None)
        request = plan_lib.memory_request(
            self.setup,
            self.setup.pictures,
            tile_size=plan.stages[-1].tile_size,
            frames=recorder.held(plan.total_steps),
        )
        header = memory_advice.check_memory(request)  # Before the targets are computed, which takes memory too.
        with memory_advice.explained(request):
            stages = self._compiled.stages(plan)
        fingerprint = plan_lib.fingerprint(plan)
        hosts.check_same(self._replicas, {"pyramid": None, **fingerprint})
        if checkpoint is not None:
            checkpoint.check_same_run(fingerprint, plan_lib.optimizer_defaults(self.setup))
        every = callbacks.standard(
            plan, recorder, replicas=self._replicas, header=header, checkpoint=checkpoint, store=store
        )
        # All arguments have passed their checks: the last run gives way to this one.
        run = run_lib.Run(plan, every, stages=stages, checkpoint=checkpoint, input_digests=self.input_digests)
        self._run, self.state = run, run.state
        gc.collect()  # A run and its callbacks know each other: without it, the last run's frames would stay a while.
        self.state.frames, self.state.frame_steps = recorder.frames, recorder.steps
        try:
            with memory_advice.explained(request):
                run.execute()
        except MemoryError as error:
            # In the place of the run's own sentence: this one says what would fit.
            run.state.stop = state_lib.Stop(state_lib.StopReason.FAILED, str(error))
            raise
        return recorder.frames

    def result(self) -> result_lib.Result:
        """Returns the result of the last run. During a run: so far. Before the first run: the start image."""
        plan = plan_lib.start(self.setup) if self._run is None else self._run.plan
        return result_lib.of(plan, self.state, self.input_digests)

    def asked(self) -> dict[str, object]:
        """Returns {option: value} of the transfer and of the last run, as given."""
        return settings.values(self.setup.settings) if self._run is None else plan_lib.asked(self._run.plan)

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
    def given(self) -> settings.TransferSettings:
        """The settings as given, with the seed in use."""
        seed = self.setup.pictures.seed
        return dataclasses.replace(self._given, runtime=dataclasses.replace(self._given.runtime, seed=seed))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files and shows progress. Of several hosts, only the chief does."""
        return hosts.is_chief(self._replicas)

    def _found_checkpoint(
        self, asked: settings.FitSettings, store: checkpoints.Store | None
    ) -> checkpoints.Checkpoint | None:
        """Returns the checkpoint that a run resumes from, the same one on all hosts; None for a run from its start."""
        found = checkpoints.to_go_on_from(store, resume=asked.resume, steps=asked.epochs * asked.steps_per_epoch)
        step, size = found and found.step, self.setup.pictures.size
        hosts.check_same(self._replicas, {"checkpoint_dir": step, "epochs": asked.epochs, "image_size": size})
        return found

    def _adopt(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Takes over the seed and the tile sizes that the checkpoint's run has drawn and chosen."""
        if self._seed_is_drawn:
            self.setup = setup_lib.with_seed(self.setup, checkpoint.record["seed"])
        sizes = checkpoint.record["fingerprint"].get("tile_size", ())
        stages = (pictures.size for pictures in self.setup.stage_pictures)
        self.setup.tiles.take(dict(zip(stages, sizes, strict=False)))

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


def _agreed(given: settings.TransferSettings) -> dict[str, object]:
    """Returns {option: value} of the options that must be the same on all hosts."""
    names = [f.name for f in settings.fields(settings.TransferSettings) if settings.declared(f).is_agreed]
    return {name: record.described(value) for name, value in settings.values(given).items() if name in names}
