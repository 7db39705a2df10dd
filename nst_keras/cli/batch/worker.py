"""A worker of a cluster: what runs in each of its processes. Only there, TensorFlow is loaded."""

from __future__ import annotations

import threading

from nst_keras.cli.batch import pairs as pairs_lib
from nst_keras.runtime import backend, lean
from nst_keras.runtime import xla_cache as xla_cache_lib

__all__ = ["Worker"]


class Worker:
    """Makes one pair at a time. Its other methods are called meanwhile, from other threads.

    Args:
        output_dir: The folder of the pictures, or its URI.
        xla_cache: Folder that keeps XLA's compiled code, `auto`, or None.
    """

    def __init__(self, output_dir: str, xla_cache: str | None) -> None:
        xla_cache_lib.use_named(xla_cache)
        lean.allow()
        with backend.chosen():
            lean.load()
            from nst_keras.cli.batch import making  # noqa: PLC0415  It loads TensorFlow.
        self._maker = making.Maker(output_dir)
        self._stopped = threading.Event()
        self._watch = making.Watch(self._tell, self._stopped.is_set)
        self._number = 0
        self._step: pairs_lib.Step | None = None

    def ready(self) -> None:
        """Returns once pairs can be made."""

    def make(self, pair: pairs_lib.Pair) -> pairs_lib.Outcome:
        """Makes a picture, and returns what has become of it."""
        self._number, self._step = pair.number, None
        return self._maker.make(pair, self._watch)

    def standing(self) -> pairs_lib.Step | None:
        """Returns how far the present pair has come; None before its first step."""
        return self._step

    def stop(self) -> None:
        """Ends the present pair after its present step."""
        self._stopped.set()

    def close(self) -> None:
        """Removes temporary files."""
        self._maker.close()

    def _tell(self, step: int, total: int) -> None:
        """Notes the present step."""
        self._step = pairs_lib.Step(self._number, step, total)
