"""Keras's backend: checked, or chosen before Keras is imported. This module imports neither Keras nor TensorFlow."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pathlib
import sys
from collections.abc import Generator

__all__ = ["VARIABLE", "chosen", "drop_unknown_plotting", "folder", "name", "require_tensorflow"]

VARIABLE = "KERAS_BACKEND"


def folder() -> str:
    """Returns the folder of Keras's settings and downloads, found as Keras finds it: `KERAS_HOME`, or `~/.keras`."""
    home = os.path.expanduser("~")
    folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return os.path.expanduser(os.environ.get("KERAS_HOME", folder))


def name() -> str:
    """Returns the name of the backend that Keras runs, or would run if it were imported now."""
    keras = sys.modules.get("keras")
    config = getattr(keras, "config", None)
    if config is not None:
        return config.backend()
    return os.environ.get(VARIABLE) or _name_in_file(_file()) or "tensorflow"


def require_tensorflow() -> None:
    """Raises `ImportError` if Keras runs another backend than TensorFlow, or would run one."""
    received = name()
    if received != "tensorflow":
        raise ImportError(
            f"nst_keras needs Keras's backend 'tensorflow', but {_origin()} {received!r}. Set {VARIABLE}=tensorflow in "
            "the environment before Keras is first imported, and start Python again."
        )


@contextlib.contextmanager
def chosen() -> Generator[None, None, None]:
    """Makes a first import of Keras, within it, choose TensorFlow. The environment is afterwards as it was before."""
    drop_unknown_plotting()
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "tensorflow"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def drop_unknown_plotting() -> None:
    """Takes `MPLBACKEND` out of the environment if matplotlib, which Keras imports, would fail over its value."""
    if os.environ.get("MPLBACKEND") and "matplotlib" not in sys.modules:
        try:
            importlib.import_module("matplotlib")
        except ValueError:
            del os.environ["MPLBACKEND"]
            for module in [module for module in sys.modules if module.partition(".")[0] == "matplotlib"]:
                del sys.modules[module]  # What is half imported; the next import begins anew.
        except ImportError:  # Keras does without it too.
            pass


def _origin() -> str:
    """Returns the beginning of a sentence that ends with the backend's name."""
    if "keras" in sys.modules:
        return "this process already runs"
    named = f"the environment variable {VARIABLE}" if os.environ.get(VARIABLE) else f"the file {str(_file())!r}"
    return f"{named} chooses"


def _file() -> pathlib.Path:
    """Returns the path of Keras's settings, found as Keras finds it."""
    return pathlib.Path(folder(), "keras.json")


def _name_in_file(path: pathlib.Path) -> str | None:
    """Returns the backend that a file of settings names; None if it names none, is unreadable or is missing."""
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):  # AttributeError: it holds JSON, but no object.
        return None
