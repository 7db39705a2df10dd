"""Loads TensorFlow and Keras in half the time, in a process that is a command's alone.

This module's own import loads neither.

Half of the time goes to other things: packages that TensorFlow and Keras only try to import, and do without where they
are not installed; and Python's garbage collector, which looks again and again through all that has been loaded.
"""

from __future__ import annotations

import gc
import importlib
import sys

__all__ = ["allow", "load"]

# No command uses what TensorFlow and Keras do with these: converting models of JAX, showing models as pictures, sparse
# matrices. None is a requirement of either.
_SPARED = ("IPython", "jax", "matplotlib", "pandas", "pydot", "scipy")

_allowed = False


def allow() -> None:
    """Says that this process is a command's alone, so that `load` may spare what no command uses."""
    global _allowed  # noqa: PLW0603  It is a fact about the process.
    _allowed = True


def load() -> None:
    """Imports TensorFlow and Keras, if the process is a command's alone and has not imported them yet.

    Afterwards all packages can be imported as ever. What is loaded then is never looked through for garbage.
    """
    if not _allowed or "tensorflow" in sys.modules:
        return
    spared = [name for name in _SPARED if name not in sys.modules]
    for name in spared:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]  It means that an import fails.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module("keras")
    finally:
        for name in spared:
            sys.modules.pop(name, None)
        gc.freeze()
        if was_enabled:
            gc.enable()
