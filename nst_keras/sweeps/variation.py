"""Variations: which options take which values, and the combinations of these values. Nothing here needs TensorFlow."""

from __future__ import annotations

import difflib
import itertools
import math
import os
import pathlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nst_keras import settings
from nst_keras.settings import paths

__all__ = ["MOST", "OF_ONE_RUN", "Combination", "check_held", "checked", "combinations", "with_values"]

MOST = 100  # Most combinations of a comparison.

# Options for the files and the end of one run, which several runs cannot share.
OF_ONE_RUN = ("frames_dir", "tensorboard", "checkpoint_dir", "checkpoint_interval", "resume", "warm_start")
_LONGEST = 60  # Characters of a value in a label.


class Combination(NamedTuple):
    """One value for each option that varies.

    Attributes:
        values: {option: value}.
        texts: {option: text of the value}, for labels. No two values of an option have the same text.
        places: {option: index of the value among the option's values}.
    """

    values: dict[str, Any]
    texts: dict[str, str]
    places: dict[str, int]

    def label(self, *names: str) -> str:
        """Returns the settings of some options, or of all, as text: `content_weight=0.5, mode=texture`."""
        return ", ".join(f"{name}={self.texts[name]}" for name in names or self.texts)

    def file_stem(self) -> str:
        """Returns the settings as a part of a file name, such as `content_weight=0.5_mode=texture`."""
        safe = (re.sub(r"[^\w.=+,-]+", "-", text).strip("-.") for text in self.label().split(", "))
        return "_".join(safe)[:100].rstrip("-.")

    def places_in(self, kind: Any) -> dict[str, int]:
        """Returns {option: index of the value} of the options that a class of settings declares."""
        return {name: place for name, place in self.places.items() if name in _options(kind)}


def checked(
    vary: Mapping[str, Iterable[Any]], held: Collection[str] = (), *, argument: str = "vary"
) -> dict[str, list[Any]]:
    """Returns {option: list of its values}, after checking the names and the number of combinations.

    Args:
        vary: {option of `NeuralStyleTransfer` or of `fit_style_transfer`: its values}.
        held: Options that have one value for all combinations.
        argument: The argument that errors name.

    Raises:
        ValueError: No option, or more than 100 combinations; an option that is unknown, does not change the picture,
            has no values, or is also in `held`.
        TypeError: The values are not a list, or `vary` is no mapping.
    """
    if not isinstance(vary, Mapping):
        raise TypeError(f"{argument} must be a mapping such as {{'seed': [1, 2]}}, but {vary!r} was given.")
    if not vary:
        raise ValueError(f"{argument} names no option. Give one with its values, such as {{'seed': [1, 2]}}.")
    for name in vary:
        _check_name(name, held, argument)
    found = {name: _values(name, values, argument) for name, values in vary.items()}
    count = math.prod(map(len, found.values()))
    if count > MOST:
        raise ValueError(f"{argument} makes {count} combinations, but {MOST} is the most. Give fewer values.")
    return found


def check_held(held: Mapping[str, object], *, argument: str = "compare") -> None:
    """Checks the options that have one value in all runs.

    Args:
        held: {option of `fit_style_transfer`: its value}.
        argument: The name that errors begin with.

    Raises:
        ValueError: An unknown option, or one for the files or the end of one run.
    """
    known = _options(settings.FitSettings)
    for name in held:
        if name in OF_ONE_RUN:
            raise ValueError(f"{argument}: several runs cannot share {name}. Leave it out.")
        if name in known:
            continue
        if name in _options(settings.TransferSettings):
            raise ValueError(f"{argument}: {name!r} is an option of NeuralStyleTransfer. Give it there, or in vary.")
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Name one of fit_style_transfer."
        raise ValueError(f"{argument}: {name!r} is not an option. {hint}")


def combinations(vary: Mapping[str, Sequence[Any]]) -> list[Combination]:
    """Returns all combinations of the values. The value of the option named last changes fastest.

    Args:
        vary: {option: its values}, as `checked` returns them.

    >>> [one.label() for one in combinations({"content_weight": [0.5, 1.0], "mode": ["texture"]})]
    ['content_weight=0.5, mode=texture', 'content_weight=1, mode=texture']
    """
    texts = {name: _texts(name, values) for name, values in vary.items()}
    return [
        Combination(
            {name: vary[name][place] for name, place in zip(vary, places, strict=True)},
            {name: texts[name][place] for name, place in zip(vary, places, strict=True)},
            dict(zip(vary, places, strict=True)),
        )
        for places in itertools.product(*(range(len(values)) for values in vary.values()))
    ]


def with_values(given: Any, values: Mapping[str, object]) -> Any:
    """Returns settings with other values for some options. Values for options that they do not have are left out.

    Args:
        given: A group of options, or a dataclass of groups.
        values: {option: value}.

    Raises:
        ValueError: A value is out of range.
        TypeError: A value is of an unsupported type.
    """
    every = settings.values(given) | dict(values)
    return settings.built(type(given), every.__getitem__)


def _options(kind: Any) -> dict[str, settings.Option]:
    """Returns {option: its properties} of a class of settings."""
    return {field.name: settings.declared(field) for field in settings.fields(kind)}


def _check_name(name: str, held: Collection[str], argument: str) -> None:
    """Raises `ValueError` if an option cannot vary."""
    known = _options(settings.TransferSettings) | _options(settings.FitSettings)
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Name one of NeuralStyleTransfer or of fit_style_transfer."
        raise ValueError(f"{argument}: {name!r} is not an option. {hint}")
    if name in OF_ONE_RUN or not known[name].is_recorded:
        raise ValueError(f"{argument}: {name!r} does not change the picture. Leave it out.")
    if name in held:
        raise ValueError(f"{name} is given twice: in {argument}, and with one value for all. Leave one of them out.")


def _values(name: str, values: Any, argument: str) -> list[Any]:
    """Returns the values of an option as a list, with Python's numbers in place of NumPy's."""
    is_list = isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping, os.PathLike))
    if not is_list or (isinstance(values, np.ndarray) and not values.ndim):
        raise TypeError(
            f"{argument}: {name!r} must have a list of values, but {values!r} was given. Write [{values!r}, ...]."
        )
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    if not found:
        raise ValueError(f"{argument}: {name!r} has no values. Give a list with one or more.")
    return found


def _texts(name: str, values: Sequence[Any]) -> list[str]:
    """Returns a text for each value of an option, no two alike."""
    is_file = _is_file(name)
    texts = [_text(value, is_file=is_file) for value in values]
    if len(set(texts)) < len(texts):  # Such as two files of one name, in two folders.
        texts = [_text(value, is_file=False) for value in values]
    counts, met = Counter(texts), Counter[str]()
    for place, text in enumerate(texts):
        met[text] += 1
        if counts[text] > 1:
            texts[place] = f"{text} ({met[text]})"
    return texts


def _is_file(name: str) -> bool:
    known = _options(settings.TransferSettings) | _options(settings.FitSettings)
    return known[name].reads is not None


def _text(value: Any, *, is_file: bool) -> str:
    """Returns a value as a short text: numbers to six digits, files by their names, objects by their class."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        text = pathlib.PurePath(paths.local(text)).name or text if is_file else text
    elif isinstance(value, Mapping):
        text = ",".join(f"{_text(key, is_file=False)}:{_text(part, is_file=False)}" for key, part in value.items())
    elif isinstance(value, (list, tuple)):
        text = ",".join(_text(part, is_file=is_file) for part in value)
    else:
        text = str(value) if value is None or isinstance(value, (bool, int)) else _kind(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _kind(value: object) -> str:
    """Returns what an object is, in a word: `array` for arrays, tensors and pictures, else the name of its class."""
    return "array" if hasattr(value, "__array__") or hasattr(value, "getbands") else type(value).__name__
