"""The record of how a picture was made, which is stored inside the picture's file."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np

from nst_keras import settings
from nst_keras.images import digests as digests_lib
from nst_keras.images import folders
from nst_keras.images.formats import metadata
from nst_keras.settings import paths

__all__ = [
    "INPUTS",
    "Facts",
    "Record",
    "changed",
    "described",
    "digests",
    "entries",
    "input_files",
    "read",
    "record",
    "recorded_options",
    "resolved",
]

# {option that may name files to read: its values that are not files}.
INPUTS: dict[str, tuple[str, ...]] = {
    field.name: names
    for field in settings.fields(settings.TransferSettings)
    if (names := settings.declared(field).reads) is not None
}


class Record(TypedDict):
    """How a picture was made, as stored inside its file in JSON.

    Attributes:
        nst_keras: Version of this package.
        settings: {option: value} of the options whose values a flag can give.
        without_flag: {option: description} of the other options.
        inputs: {option: SHA-256} of the files and arrays that the run read.
        extractor: `name` and `sha256` of the network with its weights.
        versions: {package: version}, Python's among them.
        steps: Number of steps made.
        stop_reason: Why the run ended, as a sentence.
        completed: Whether the run made all its steps, or converged.
        losses: {term: value} in the last step.
    """

    nst_keras: str
    settings: dict[str, Any]
    without_flag: dict[str, Any]
    inputs: dict[str, str]
    extractor: dict[str, str]
    versions: dict[str, str]
    steps: int
    stop_reason: str
    completed: bool
    losses: dict[str, float]


class Facts(NamedTuple):
    """The facts of a run that its record is made from.

    Attributes:
        options: {option: value}, with the number that the run used where None was given.
        inputs: {option: SHA-256} of the files and arrays that the run read.
        extractor: Name of the network.
        extractor_sha256: SHA-256 of the network with its weights.
        steps: Number of steps made.
        stop_reason: Why the run ended, as a sentence.
        completed: Whether the run made all its steps, or converged.
        losses: {term: value} in the last step.
        exceptions: {name: description} of what decided the picture and is no option, such as the step of an early end.
    """

    options: Mapping[str, object]
    inputs: Mapping[str, str]
    extractor: str
    extractor_sha256: str
    steps: int
    stop_reason: str
    completed: bool
    losses: Mapping[str, float]
    exceptions: Mapping[str, str]


def record(facts: Facts) -> Record:
    """Returns the record of a run."""
    known = recorded_options()
    options = {name: resolved(name, value) for name, value in facts.options.items() if name in known}
    options = {name: value for name, value in options.items() if known[name].has_flag or _is_given(value)}
    options = {name: value if name in INPUTS else _plain(value) for name, value in options.items()}
    is_text = {name: known[name].has_flag and _is_text(value) for name, value in options.items()}
    return Record(
        nst_keras=_versions()["nst_keras"],
        settings={name: value for name, value in options.items() if is_text[name]},
        without_flag={name: described(value) for name, value in options.items() if not is_text[name]}
        | dict(facts.exceptions),
        inputs=dict(facts.inputs),
        extractor={"name": facts.extractor, "sha256": facts.extractor_sha256},
        versions=_versions(),
        steps=facts.steps,
        stop_reason=facts.stop_reason,
        completed=facts.completed,
        losses=dict(facts.losses),
    )


def read(path: str | os.PathLike[str]) -> Record | None:
    """Returns the record inside a picture file, or None if there is none.

    Raises:
        ValueError: The file is not a picture, or its text is not JSON.
        OSError: The file cannot be read.
    """
    text = metadata.read(path)
    return None if text is None else json.loads(text)


def recorded_options() -> dict[str, settings.Option]:
    """Returns {option: its properties} of all options that affect the picture."""
    groups = (settings.TransferSettings, settings.FitSettings, settings.SaveSettings)
    known = {field.name: settings.declared(field) for group in groups for field in settings.fields(group)}
    return {name: option for name, option in known.items() if option.is_recorded}


def digests(options: Mapping[str, object]) -> dict[str, str]:
    """Returns {option: SHA-256} of the pictures and weights that options name as files or give as arrays.

    Several sources of one option have the names `style_image[0]`, `style_image[1]` and so on.

    Args:
        options: {option: value}.
    """
    sums = {name: digests_lib.digest(source) for name, source in entries(options).items()}
    return {name: value for name, value in sums.items() if value is not None}


def changed(options: Mapping[str, object], before: Mapping[str, str]) -> set[str]:
    """Returns the names of the options whose files or arrays are no longer those of earlier digests.

    Args:
        options: {option: value}.
        before: What `digests` returned for these options.
    """
    now = digests(options)
    return {name.partition("[")[0] for name, value in now.items() if before.get(name, value) != value}


def input_files(options: Mapping[str, object]) -> list[str]:
    """Returns the paths of all files that options name as inputs, including the pictures in folders.

    Args:
        options: {option: value}.
    """
    sources = [source for source in entries(options).values() if isinstance(source, (str, os.PathLike))]
    named = [os.path.expanduser(paths.local(source)) for source in sources]
    in_folders = [str(picture) for path in named if os.path.isdir(path) for picture in folders.pictures(path)]
    return [path for path in named if os.path.isfile(path)] + in_folders


def entries(options: Mapping[str, object]) -> dict[str, object]:
    """Returns {option: source} of each picture and weights file that options name.

    Several sources of one option have the names `style_image[0]`, `style_image[1]` and so on.

    Args:
        options: {option: value}.
    """
    found: dict[str, object] = {}
    for name, no_files in INPUTS.items():
        value = options.get(name)
        sources = _parts(value)
        names = [name] if len(sources) == 1 else [f"{name}[{place}]" for place in range(len(sources))]
        found |= {
            entry: source
            for entry, source in zip(names, sources, strict=True)
            if source is not None and not (isinstance(source, str) and source in no_files)
        }
    return found


def resolved(name: str, value: object) -> object:
    """Returns the value of an option for the record: files by their absolute paths, and a list of one as that one."""
    if name not in INPUTS:
        return value
    if isinstance(value, (list, tuple)):
        found = [resolved(name, entry) for entry in _parts(value)]
        return found[0] if len(found) == 1 else found
    if not isinstance(value, (str, os.PathLike)) or os.fspath(value) in INPUTS[name]:
        return value
    path = os.path.expanduser(paths.local(value))
    return os.path.abspath(path) if os.path.exists(path) else paths.without_password(os.fspath(value))


def described(value: object) -> Any:
    """Returns a value that JSON can hold: None, bools, numbers and texts unchanged, else a description."""
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if config := getattr(value, "get_config", None):
        return f"{type(value).__name__} {json.dumps(config(), default=str)}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(str(described(part)) for part in value)}]"
    if (shape := getattr(value, "shape", None)) is not None:
        return f"{type(value).__name__} {list(shape)}"
    return os.fspath(value) if isinstance(value, os.PathLike) else type(value).__name__


def _plain(value: object) -> object:
    """Returns a value with NumPy's numbers and arrays replaced by Python's, also inside lists and mappings."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def _parts(value: object) -> Sequence[object]:
    """Returns the entries of a list or tuple, or the value itself as the only entry."""
    return value if isinstance(value, (list, tuple)) else [value]


def _is_given(value: object) -> bool:
    """Returns whether a value is neither None nor empty."""
    return value is not None and not (isinstance(value, Sequence) and not value)


def _is_text(value: object) -> bool:
    """Returns whether a flag can give the value as text."""
    if isinstance(value, Mapping):
        return all(isinstance(layer, str) for layer in value)
    parts = _parts(value)
    return value is None or (bool(parts) and all(isinstance(part, (str, bool, int, float)) for part in parts))


def _versions() -> dict[str, str]:
    """Returns {name: version} of Python and of the packages that compute the picture, if loaded."""
    names = ("nst_keras", "tensorflow", "keras", "numpy")
    loaded = {name: sys.modules[name].__version__ for name in names if name in sys.modules}
    return {"python": platform.python_version(), **loaded}
