"""Kinds of flags: how a value is read from its text, and how the text is made that gives it back."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["KINDS", "Kind", "kind", "layers_from_text", "names_from_text"]


class Kind(NamedTuple):
    """What texts of a flag stand for.

    Attributes:
        description: What a text must be, in words.
        parse: Text -> value; raises `ValueError` for a text that is not so.
        text: Value -> a text that `parse` turns into it again.
        several: Whether commas in a text separate several entries.
    """

    description: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str]
    several: bool = False


def kind(annotation: str) -> Kind:
    """The kind for an argument's annotation, such as `int | None`.

    Raises:
        LookupError: None of `KINDS` is for it.
    """
    types = set(annotation.split(" | "))
    for names, found in KINDS.items():
        if types.issuperset(names):
            return found
    raise LookupError(
        f"annotation={annotation!r} has no kind of flag. Add one to KINDS, or its argument to those without."
    )


def names_from_text(text: str) -> str | list[str]:
    """One name of a file, folder, URL or sample, or several with commas between them.

    Where an entry begins with a double quote, the text is read as a line of CSV: `"a,b.jpg",c.jpg` gives two names. In
    a text without such, a comma is a part of a name in two places: where the text as a whole is an existing file or
    folder; and in a URL, unless another URL, a `sample:NAME` or an existing file follows the comma. Blanks around a
    comma do not count.

    Returns:
        The name, or a list of two or more.

    Raises:
        ValueError: An empty name, or quotes that do not match.
    """
    if re.search(r'(^|,)\s*"', text):
        names = _names_from_csv(text)
    elif _exists(text):
        names = [text]
    else:
        names = _names_from_plain(text)
    if "" in names:
        raise ValueError(f"{text!r} holds an empty name")
    return names[0] if len(names) == 1 else names


def layers_from_text(text: str) -> list[str] | dict[str, float]:
    """Layers from `name,name` or `name:weight,name:weight`.

    Raises:
        ValueError: An empty name, a weight that is no number, or weights for some layers only.
    """
    pairs = [[part.strip() for part in entry.split(":")] for entry in text.split(",")]
    if any(len(pair) > 2 or not pair[0] for pair in pairs) or len({len(pair) for pair in pairs}) > 1:
        raise ValueError(f"{text!r} mixes layers with and without weights, or has an empty name")
    if len(pairs[0]) == 1:
        return [name for (name,) in pairs]
    return {name: float(weight) for name, weight in pairs}


def _names_from_csv(text: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(rows) != 1:
        raise ValueError(f"{text!r} is more than one line")
    return rows[0]


def _names_from_plain(text: str) -> list[str]:
    names: list[str] = []
    for part in text.split(","):
        if names and _is_url(names[-1]) and not _begins_a_name(part):
            names[-1] += f",{part}"
        else:
            names.append(part.strip())
    return names


def _begins_a_name(part: str) -> bool:
    part = part.strip()
    return _is_url(part) or part.startswith("sample:") or _exists(part)


def _is_url(name: str) -> bool:
    return re.match(r"[a-z][a-z0-9+.-]*://", name, re.IGNORECASE) is not None


def _exists(name: str) -> bool:
    return os.path.exists(os.path.expanduser(name))


def _text_of_names(value: str | os.PathLike | Sequence[str | os.PathLike]) -> str:
    """In double quotes, so that no file decides what it means, unless it is one name that is plain."""
    names = [os.fspath(name) for name in ([value] if isinstance(value, (str, os.PathLike)) else value)]
    (name, *others) = names
    if not others and not re.search(r'[,"\r\n]', name) and name == name.strip() and name.lower() != "none":
        return name
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(names)
    return line.getvalue()


def _text_of_layers(value: Mapping[str, float] | Sequence[str]) -> str:
    entries = (f"{layer}:{weight}" for layer, weight in value.items()) if isinstance(value, Mapping) else value
    return ",".join(entries)


def _text_of_truth(value: bool) -> str:
    return str(value).lower()


def _text_of_words(value: Any) -> str:
    """Python's words for true and false are other than those of flags."""
    return _text_of_truth(value) if isinstance(value, bool) else str(value)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _list_of(number: type) -> Callable[[str], list[Any]]:
    return lambda text: [number(part) for part in text.split(",")]


def _one_or_list_of(number: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        """One number, or a list of several."""
        values = _list_of(number)(text)
        return values[0] if len(values) == 1 else values

    return parse


def _text_of_numbers(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _or_text(number: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        """A number, or the text that is none."""
        try:
            return number(text)
        except ValueError:
            return text

    return parse


_NAMES = "a name, or names with commas between them, those that hold a comma in double quotes"
_NUMBERS, _WHOLE_NUMBERS = "numbers with commas between them", "whole numbers with commas between them"

# By the types of an argument; the first counts of which all are among those of the annotation.
KINDS: dict[tuple[str, ...], Kind] = {
    ("list[ImageSource]",): Kind(_NAMES, names_from_text, _text_of_names, several=True),
    ("Iterable[str]",): Kind(
        "name,name,... or name:weight,name:weight,...", layers_from_text, _text_of_layers, several=True
    ),
    ("int", "Sequence[int]"): Kind(
        f"a whole number, or {_WHOLE_NUMBERS}", _one_or_list_of(int), _text_of_numbers, several=True
    ),
    ("float", "Sequence[float]"): Kind(
        f"a number, or {_NUMBERS}", _one_or_list_of(float), _text_of_numbers, several=True
    ),
    ("Sequence[int]",): Kind(_WHOLE_NUMBERS, _list_of(int), _text_of_numbers, several=True),
    ("Sequence[float]",): Kind(_NUMBERS, _list_of(float), _text_of_numbers, several=True),
    ("str", "int"): Kind("text", _or_text(int), str),
    ("str", "float"): Kind("text", _or_text(float), str),
    ("str",): Kind("text", str, _text_of_words),
    ("ImageSource",): Kind("text", str, str),
    ("bool",): Kind("true or false", _truth, _text_of_truth),
    ("int",): Kind("a whole number", int, str),
    ("float",): Kind("a number", float, str),
}
