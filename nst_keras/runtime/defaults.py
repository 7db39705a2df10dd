"""Keeps what the user's process has set out of our computations, and leaves it as it was.

Keras and TensorFlow have settings for the whole process: the type of numbers, the order of an image's axes, whether
graphs run at all. Without care, a layer or a step that is built here would take them over. Within `keras_defaults` and
`graphs`, they have the values that this package is written for. The user's own code, such as a callback, runs outside.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Callable, Generator
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.eager import context as tf_context
from tensorflow.python.framework import ops as tf_ops

from nst_keras.runtime import backend

__all__ = ["graphs", "keras_defaults", "require_eager", "seeded"]

backend.require_tensorflow()  # All that builds or runs a network imports this module.


class _Setting:
    """A setting of the process that several threads may need at once. The last to leave restores the user's value.

    Args:
        get: Returns the present value.
        put: Sets a value.
        needed: The value that this package needs.
    """

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], object], needed: object) -> None:
        self._get, self._put, self._needed = get, put, needed
        self._lock, self._users, self._before = threading.Lock(), 0, None

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._before = self._get()
                if self._before != self._needed:
                    self._put(self._needed)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._before != self._needed:
                self._put(self._before)


_FLOATX = _Setting(keras.config.floatx, keras.config.set_floatx, "float32")
_DATA_FORMAT = _Setting(keras.config.image_data_format, keras.config.set_image_data_format, "channels_last")
_EAGER_FUNCTIONS = _Setting(tf.config.functions_run_eagerly, tf.config.run_functions_eagerly, False)


_SEEDING = threading.RLock()


@contextlib.contextmanager
def keras_defaults() -> Generator[None, None, None]:
    """Gives Keras its own defaults: float32, also as dtype policy, and channels last.

    Layers that are built within it, and what Keras computes within it, do not depend on the user's settings. Layers
    that were built before keep theirs.
    """
    policy = keras.config.dtype_policy()  # Each thread has its own.
    with _FLOATX, _DATA_FORMAT:
        keras.config.set_dtype_policy("float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)


def graphs() -> contextlib.AbstractContextManager[None]:
    """Returns a context in which a `tf.function` runs as a graph, whatever `tf.config.run_functions_eagerly` says."""
    return _EAGER_FUNCTIONS


@contextlib.contextmanager
def seeded(seed: int) -> Generator[None, None, None]:
    """Gives the layers built within it the random weights of a seed. The user's own random numbers go on as before.

    Keras draws the seed of each initial value from Python's `random`, which all threads share: one at a time seeds it.
    """
    with _SEEDING:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


def _started() -> bool:
    """Returns whether TensorFlow has begun to work in this process. No public name tells without beginning it."""
    return getattr(tf_context.context(), "_context_handle", None) is not None


class _Forked:
    """Whether this process was forked from one in which TensorFlow had begun to work, whose threads it lacks."""

    here = False

    @classmethod
    def note(cls) -> None:
        """Notes it, in a new process."""
        cls.here = cls.here or _started()


if hasattr(os, "register_at_fork"):  # Windows cannot fork.
    os.register_at_fork(after_in_child=_Forked.note)


def require_eager() -> None:
    """Raises `RuntimeError` where this package cannot work, and says where it can.

    That is inside a graph or a `tf.function`, where nothing has a value, in a strategy's scope, with TensorFlow's own
    type conversion, and in a process that was forked after TensorFlow had begun to work.
    """
    if _Forked.here:
        raise RuntimeError(
            "nst_keras was called in a process forked after TensorFlow had begun to work, which would hang. Start "
            'processes with multiprocessing.get_context("spawn").'
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "nst_keras works with values, but was called inside a tf.Graph or a tf.function, or eager execution is "
            "disabled. Call it outside of them."
        )
    if getattr(tf_ops, "is_auto_dtype_conversion_enabled", bool)():
        raise RuntimeError(
            "nst_keras was called with TensorFlow's dtype_conversion_mode 'safe' or 'all', under which Keras's layers "
            "fail. Call experimental_enable_numpy_behavior without dtype_conversion_mode."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError(
            "nst_keras was called inside the scope of a tf.distribute strategy. Call it outside of it, and give the "
            "strategy itself as strategy=."
        )
