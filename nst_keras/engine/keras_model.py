"""What Keras's callbacks see as their model while a picture is optimised."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from nst_keras import export
from nst_keras.engine import plan as plan_lib
from nst_keras.images import resizing

if TYPE_CHECKING:
    from nst_keras.engine import run as run_lib

__all__ = ["RunModel"]


class RunModel:
    """A run, with what Keras's callbacks ask of a `keras.Model`; all else is that of `state.RunState` and `Result`.

    Args:
        run: The run.

    Attributes:
        built: There is nothing to build.
        train_function: There is no graph to draw.
        layers: There is no layer whose weights could be shown.
    """

    built = True
    train_function = None
    layers = ()

    def __init__(self, run: run_lib.Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a run has no attribute {name!r}")
        state = self._run.state
        return getattr(state, name) if hasattr(state, name) else getattr(self._run.result(), name)

    @property
    def settings(self) -> dict[str, object]:
        """{option: value} of all that was asked for."""
        return plan_lib.asked(self._run.plan)

    @property
    def stop_training(self) -> bool:
        """Whether the run ends after the present step."""
        return self._run.state.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._run.state.stop_training = value

    @property
    def history(self) -> keras.callbacks.History:
        """The losses, step by step."""
        return self._run.state.history

    @history.setter
    def history(self, value: keras.callbacks.History) -> None:
        self._run.state.history = value

    @property
    def _initial_epoch(self) -> int:
        """The epoch at which the run begins, which Keras's `BackupAndRestore` sets."""
        return self._run.state.initial_epoch

    @_initial_epoch.setter
    def _initial_epoch(self, value: int) -> None:
        self._run.state.initial_epoch = value

    def get_weights(self) -> list[np.ndarray]:
        """Returns the picture, as the one thing that is trained."""
        return [np.asarray(self._run.state.optimized_image)]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Puts back a picture that `get_weights` gave, in an earlier and smaller stage too."""
        state = self._run.state
        size = state.working_optimizer.image.shape[1:3]
        state.optimized_image = resizing.resize_to(tf.constant(weights[0]), *size)
        state.picture_replaced = True
        state.working_optimizer.move(state.optimized_image)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes `optimizer_variables` to an HDF5 file, for Keras's `ModelCheckpoint` and `BackupAndRestore`.

        Raises:
            FileExistsError: The file exists, and `overwrite` is False.
            OSError: It cannot be written.
        """
        if os.path.exists(filepath) and not overwrite:
            raise FileExistsError(f"filepath: {str(filepath)!r} exists already. Choose another name.")
        with export.replacing(filepath) as temporary, h5py.File(temporary, "w") as file:
            file["stage"] = self._run.state.stage
            for name, variable in self._run.state.optimizer_variables().items():
                file[name] = variable.numpy()

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Reads what `save_weights` wrote: the run goes on from there.

        Raises:
            OSError: The file cannot be read.
        """
        with h5py.File(filepath) as file:
            self._run.enter(int(file["stage"][()]))
            for name, variable in self._run.state.optimizer_variables().items():
                variable.assign(file[name][()])
        self._run.take_up()
