"""How a picture was made, as a record that travels inside its file."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

import nst_keras
from nst_keras.images import digests as digests_lib
from nst_keras.images import folders

__all__ = ["INPUTS", "ON_THE_WAY", "WITHOUT_FLAG", "digests", "entries", "input_files", "record", "resolved"]

# Settings that may name a file, or a list of them, which the run reads.
INPUTS = ("content_image", "style_image", "content_mask", "style_mask", "init", "weights")

# Names for these that are no files, whatever lies in the working folder.
_NAMES = {"init": ("content", "noise", "style"), "weights": ("imagenet", "random")}

# What a run shows and keeps on its way, and where it is made; it has no part in the picture.
ON_THE_WAY = ("show_image", "show_interval", "preview", "tensorboard", "frame_interval", "frames_dir", "verbose")
ON_THE_WAY += ("checkpoint_dir", "checkpoint_interval", "resume", "strategy")
# What no text can name, and what the command line names in another way.
WITHOUT_FLAG = ("self", "preprocess", "callbacks", "verbose", "path", "setup", "fit", "picture", "flagfiles")


def record(run: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known of how a run's picture came about.

    Args:
        run: A `NeuralStyleTransfer` after its run.
        settings: {argument: value} of all that decided the picture.

    Returns:
        As JSON takes it: `settings`, of which those that no flag can name are described in `without_flag`; SHA-256 of
        the `inputs` and of the `extractor` with its weights; `versions`; `steps`, `stop_reason`, `completed`; the last
        `losses`.
    """
    settings = {name: resolved(name, value) for name, value in settings.items() if name not in ON_THE_WAY}
    settings = {name: value for name, value in settings.items() if name not in WITHOUT_FLAG or value is not None}
    if run.step and not run.completed and run.stage_count == 1:  # The steps that made this picture.
        settings |= {"epochs": 1, "steps_per_epoch": run.step}
    settings = {name: value if name in INPUTS else _plain(value) for name, value in settings.items()}
    is_text = {name: _is_text(name, value) for name, value in settings.items()}
    without_flag = {name: digests_lib.described(value) for name, value in settings.items() if not is_text[name]}
    if run.step and not run.completed and run.stage_count > 1:
        without_flag["end"] = f"after step {run.step}, in stage {run.stage + 1} of {run.stage_count}"
    if run.picture_replaced:
        without_flag["picture"] = "one that a callback has put back, of an earlier step"
    return {
        "nst_keras": nst_keras.__version__,
        "settings": {name: value for name, value in settings.items() if is_text[name]},
        "without_flag": without_flag,
        "inputs": dict(run.input_digests),
        "extractor": {"name": run.extractor.name, "sha256": run.extractor.fingerprint()},
        "versions": _versions(),
        "steps": run.step,
        "stop_reason": run.stop_reason,
        "completed": run.completed,
        "losses": {name: values[-1] for name, values in run.history.history.items() if values},
    }


def digests(settings: Mapping[str, Any]) -> dict[str, str]:
    """{argument: SHA-256} of those settings in `INPUTS` that were read from files or given as arrays.

    Several of an argument are `style_image[0]` and so on.
    """
    values = {name: digests_lib.digest(source) for name, source in entries(settings).items()}
    return {name: value for name, value in values.items() if value is not None}


def resolved(name: str, value: Any) -> Any:
    """A setting that names files with each file's whole path, a list of one as that one; other settings as they are."""
    if name not in INPUTS:
        return value
    if isinstance(value, (list, tuple)):
        entries = [resolved(name, entry) for entry in value]
        return entries[0] if len(entries) == 1 else entries
    if not isinstance(value, (str, os.PathLike)) or os.fspath(value) in _NAMES.get(name, ()):
        return value
    path = os.path.expanduser(value)
    return os.path.abspath(path) if os.path.exists(path) else os.fspath(value)


def input_files(settings: Mapping[str, Any]) -> list[str]:
    """All files that settings name to be read, those in folders too.

    Args:
        settings: {argument: value}, as flags give them.
    """
    sources = [source for source in entries(settings).values() if isinstance(source, (str, os.PathLike))]
    paths = [os.path.expanduser(source) for source in sources]
    in_folders = [str(picture) for path in paths if os.path.isdir(path) for picture in folders.pictures(path)]
    return [path for path in paths if os.path.isfile(path)] + in_folders


def entries(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The sources that settings name in `INPUTS`, one by one: `style_image`, or `style_image[0]` and so on."""
    found = {}
    for name in INPUTS:
        value = settings.get(name)
        sources = value if isinstance(value, (list, tuple)) else [value]
        names = [name] if len(sources) == 1 else [f"{name}[{place}]" for place in range(len(sources))]
        found |= dict(zip(names, sources, strict=True))
    return {
        name: source
        for name, source in found.items()
        if source is not None and not (isinstance(source, str) and source in _NAMES.get(name, ()))
    }


def _plain(value: Any) -> Any:
    """A number, or an array of numbers, of NumPy's as Python's, also where others hold it."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def _is_text(name: str, value: Any) -> bool:
    """Whether a flag can say it."""
    if name in WITHOUT_FLAG:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(layer, str) for layer in value)
    parts = value if isinstance(value, (list, tuple)) else [value]
    return value is None or (bool(parts) and all(isinstance(part, (str, bool, int, float)) for part in parts))


def _versions() -> dict[str, str]:
    names = ("tensorflow", "keras", "numpy")
    loaded = {name: sys.modules[name].__version__ for name in names if name in sys.modules}
    return {"nst_keras": nst_keras.__version__, "python": platform.python_version(), **loaded}
