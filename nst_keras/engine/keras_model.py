"""The object that Keras's callbacks see as `self.model` during a run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from typing import Any, Protocol

import h5py
import keras
import numpy as np
import tensorflow as tf

from nst_keras import export
from nst_keras.engine import plan as plan_lib
from nst_keras.engine import result as result_lib
from nst_keras.engine import state as state_lib
from nst_keras.engine import steering
from nst_keras.images import resizing
from nst_keras.networks import extractors, weights_files
from nst_keras.runtime import hosts, phases

__all__ = ["ModelledRun", "RunModel"]

_MISSING = object()


class ModelledRun(Protocol):
    """What `RunModel` needs of a run.

    Attributes:
        plan: The plan of the run, as it began.
        present: The plan as it is now.
        state: The present state of the run.
        steering: The handle by which the run is changed.
    """

    plan: plan_lib.Plan
    present: plan_lib.Plan
    state: state_lib.RunState
    steering: steering.Steering

    def result(self) -> result_lib.Result:
        """Returns what the run has made so far."""
        ...

    def enter(self, stage: int) -> None:
        """Begins a stage at its own start."""
        ...

    def take_up(self) -> None:
        """Takes up values that were assigned to the optimizer's variables."""
        ...


class RunModel:
    """A run with what Keras's callbacks need of a `keras.Model`.

    It also has all attributes of `state.RunState` and, where that has none of the name, of `result.Result`.

    Args:
        run: The run.

    Attributes:
        built: Always True: there is nothing to build.
        train_function: Always None: there is no graph to draw.
        layers: Always empty: there are no layers whose weights could be shown.
    """

    built = True
    train_function = None
    layers = ()

    def __init__(self, run: ModelledRun) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a run has no attribute {name!r}")
        found = getattr(self._run.state, name, _MISSING)
        return getattr(self._run.result(), name) if found is _MISSING else found

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name) and hasattr(self._run.state, name):
            raise AttributeError(f"{name} is what the run has made, and cannot be set.")
        super().__setattr__(name, value)

    @contextlib.contextmanager
    def telling(self, callbacks: Sequence[keras.callbacks.Callback]) -> Generator[None, None, None]:
        """Tells the callbacks that have `phases` of what takes its time, also before Keras's list calls them."""
        for callback in callbacks:
            if hasattr(callback, "phases"):
                callback.set_model(self)
        with phases.told_to(callbacks):
            yield

    @property
    def extractor(self) -> extractors.FeatureExtractor:
        """The network, cut to the layers named."""
        return self._run.plan.setup.extractor

    @property
    def run(self) -> steering.Steering:
        """The handle of the run, by which a callback changes it or stops it."""
        return self._run.steering

    @property
    def fingerprint(self) -> dict[str, object]:
        """{option: value, or SHA-256} of all that decides the pixels of the next step."""
        return plan_lib.fingerprint(self._run.present)

    @property
    def seed(self) -> int:
        """The seed in use."""
        return self._run.plan.setup.pictures.seed

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files: False on hosts other than the chief."""
        return hosts.is_chief(self._run.plan.setup.tiles.replicas)

    @property
    def stop_reason(self) -> str:
        """Why the run ended, a sentence. A callback that stops the run may say it."""
        return self._run.state.stop_reason

    @stop_reason.setter
    def stop_reason(self, sentence: str) -> None:
        """Says why a callback stops the run."""
        self._run.state.stop = state_lib.Stop(state_lib.StopReason.CALLBACK, sentence)

    @property
    def settings(self) -> dict[str, object]:
        """{option: value} of the transfer and of the run, as given."""
        return plan_lib.asked(self._run.plan)

    @property
    def stop_training(self) -> bool:
        """Whether the run ends after the present step."""
        return self._run.state.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        """Ends the run after the present step, if True."""
        self._run.state.stop_training = value

    @property
    def history(self) -> keras.callbacks.History:
        """The losses of each step."""
        return self._run.state.history

    @history.setter
    def history(self, value: keras.callbacks.History) -> None:
        """Replaces the history, as Keras's `CallbackList` does with its own."""
        self._run.state.history = value

    @property
    def _initial_epoch(self) -> int:
        """The epoch at which the run begins. Keras's `BackupAndRestore` sets it."""
        return self._run.state.initial_epoch

    @_initial_epoch.setter
    def _initial_epoch(self, value: int) -> None:
        self._run.state.initial_epoch = value

    def get_weights(self) -> list[np.ndarray]:
        """Returns the optimised image as the only weight, float32 [1, height, width, 3], 0..255."""
        return [np.array(self._run.state.optimized_image)]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Replaces the optimised image by one that `get_weights` returned. One of an earlier stage is enlarged."""
        state = self._run.state
        size = resizing.size_of(state.working_optimizer.image)
        state.optimized_image = resizing.resize_to(tf.constant(weights[0]), *size)
        state.picture_replaced = True
        state.working_optimizer.move(state.optimized_image)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the optimizer's variables to an HDF5 file, for Keras's `ModelCheckpoint` and `BackupAndRestore`.

        Args:
            filepath: The file to write.
            overwrite: Whether an existing file is replaced.

        Raises:
            FileExistsError: The file exists, and `overwrite` is False.
            OSError: The file cannot be written.
        """
        if os.path.exists(filepath) and not overwrite:
            raise FileExistsError(f"filepath: {str(filepath)!r} exists already. Choose another name.")
        with export.replacing(filepath) as temporary, h5py.File(temporary, "w") as file:
            file["stage"] = self._run.state.stage
            for name, variable in self._run.state.optimizer_variables().items():
                file[name] = variable.numpy()

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Reads a file that `save_weights` wrote, and continues the run from its state.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file takes its values from other files.
        """
        if reason := weights_files.reason_to_refuse(filepath, largest=None):
            raise ValueError(f"filepath: {os.fspath(filepath)!r} {reason}. Give a file that save_weights wrote.")
        with h5py.File(filepath) as file:
            self._run.enter(int(_value(file, "stage")))
            for name, variable in self._run.state.optimizer_variables().items():
                variable.assign(_value(file, name))
        self._run.take_up()


def _value(file: h5py.File, name: str) -> np.ndarray:
    """Returns the value of a data set in an HDF5 file."""
    entry = file[name]
    if not isinstance(entry, h5py.Dataset):
        raise OSError(f"filepath: {name!r} in {file.filename!r} is no data set. Give a file that save_weights wrote.")
    return np.asarray(entry[()])
