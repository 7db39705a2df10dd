"""The record of a checkpoint: what stands beside its variables, as JSON with a digest of itself.

A record that is read may be damaged, or a stranger's: all that is used of it is checked, and only plain files of the
checkpoint's own folder are opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import random
import stat
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nst_keras.images import digests

__all__ = ["NAME", "random_states", "read", "sealed", "set_random_states"]

NAME = "record.json"
_LONGEST = 2**30  # Bytes. The losses of a million steps take a tenth of that.


def read(folder: pathlib.Path) -> dict[str, Any]:
    """Returns the record of a checkpoint whose files are all as they were written.

    Args:
        folder: The checkpoint's folder.

    Raises:
        OSError: A file cannot be read.
        ValueError: The record or a file is damaged. Deeply nested or otherwise wrong JSON raises what Python raises:
            `LookupError`, `TypeError`, `AttributeError`, `ArithmeticError` or `RecursionError`.
    """
    if _regular(folder, NAME).stat().st_size > _LONGEST:
        raise ValueError(f"{NAME} is too long")
    record = json.loads((folder / NAME).read_text(encoding="utf-8"))
    if record.pop("seal") != _seal(record):
        raise ValueError(f"{NAME} has changed since it was written")
    for name, check in _CHECKS.items():
        if not check(record[name]):
            raise ValueError(f"{NAME} has a wrong {name}")
    if record["stage"] >= len(record["fingerprint"].get("tile_size") or [0]):
        raise ValueError(f"{NAME} has a wrong stage")
    _try_random_states(record["random"])
    for name, known in record["files"].items():
        if digests.of_path(_regular(folder, name)) != known:
            raise ValueError(f"{name!r} has changed since it was written")
    return record


def sealed(record: Mapping[str, object]) -> str:
    """Returns a record as JSON text, with a digest of itself."""
    # A user's callback may have put NumPy's numbers into the history: `float` converts them.
    read_back = json.loads(json.dumps(record, default=float))
    return json.dumps({**read_back, "seal": _seal(read_back)})


def random_states() -> dict[str, object]:
    """Returns the states of Python's and NumPy's random generators, which a user's callbacks may draw from.

    The run itself draws random numbers only at its start.
    """
    state: Any = np.random.get_state()  # NumPy's type of it also covers a form that it does not return here.
    name, keys, *rest = state
    return {"python": random.getstate(), "numpy": [name, keys.tolist(), *rest]}


def set_random_states(states: Mapping[str, Any]) -> None:
    """Restores what `random_states` has returned."""
    version, state, gauss = states["python"]
    random.setstate((version, tuple(state), gauss))
    np.random.set_state(tuple(states["numpy"]))


def _try_random_states(states: Mapping[str, Any]) -> None:
    """Raises an error for states that are none."""
    version, state, gauss = states["python"]
    if not (gauss is None or isinstance(gauss, float)):
        raise ValueError(f"{NAME} has a wrong random")
    random.Random().setstate((version, tuple(state), gauss))
    np.random.RandomState(0).set_state(tuple(states["numpy"]))


def _seal(record: Mapping[str, object]) -> str:
    """Returns the SHA-256 of a record, in hexadecimal."""
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()


def _regular(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Returns the path of a plain file in a folder. Reading another kind, such as a device, might never end.

    Raises:
        ValueError: The name leads out of the folder, or to something else or nothing.
    """
    if name in ("", ".", "..") or name != os.path.basename(name) or "\\" in name or ":" in name:
        raise ValueError(f"{name!r} is no name of a file")
    path = folder / name
    if not os.path.lexists(path):
        raise ValueError(f"{name!r} is missing")
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError(f"{name!r} is no plain file")
    return path


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_fingerprint(value: object) -> bool:
    """Returns whether a value is {setting: value}, with a tile size or None for each stage, and a precision, if any."""
    if not isinstance(value, dict):
        return False
    sizes, precision, modes = value.get("tile_size", []), value.get("precision", ""), value.get("compiled", [])
    if not (isinstance(sizes, list) and isinstance(precision, str) and isinstance(modes, list)):
        return False
    return all(size is None or (_is_count(size) and size > 0) for size in sizes)


def _is_history(value: object) -> bool:
    """Returns whether a value is {term: its numbers}."""
    lists = value.values() if isinstance(value, dict) else [None]
    return all(isinstance(numbers, list) and all(map(_is_number, numbers)) for numbers in lists)


# {entry that a run uses: returns whether it has a type and value that the run can use}.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "fingerprint": _is_fingerprint,
    "history": _is_history,
    "seed": _is_count,
    "stage": _is_count,
    "random": lambda value: isinstance(value, dict),
    "files": lambda value: isinstance(value, dict) and len(value) > 1,
}
