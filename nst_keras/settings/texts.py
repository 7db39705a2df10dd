"""Options as text: how to read the value of an option from a flag's text, and how to write the text for a value."""

from __future__ import annotations

import csv
import dataclasses
import inspect
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from nst_keras.settings import paths

__all__ = ["KINDS", "Form", "Kind", "form", "kind", "layers_from_text", "names_from_text"]


class Kind(NamedTuple):
    """A kind of flag: conversions between the text of a flag and its value.

    Attributes:
        description: The form of the text, for help and error messages.
        parse: text -> value. It raises `ValueError` for a text of another form.
        text: value -> a text from which `parse` gives the same value.
        several: Whether commas in the text separate several values.
    """

    description: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str]
    several: bool = False


@dataclasses.dataclass(frozen=True)
class Form:
    """The text form of one option: that of its kind, and `none` for None if it may be None.

    Attributes:
        kind: The kind of the option.
        is_optional: Whether the option may be None.
    """

    kind: Kind
    is_optional: bool = False

    @property
    def description(self) -> str:
        """The form of the text, for help and error messages."""
        return f"{self.kind.description}, or none" if self.is_optional else self.kind.description

    def parse(self, text: str) -> Any:
        """Returns the value for a text; raises `ValueError` for a text of another form."""
        if self.is_optional and text.lower() == "none":
            return None
        try:
            return self.kind.parse(text)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{text!r} is not {self.kind.description}") from error

    def text(self, value: Any) -> str:
        """Returns a text from which `parse` gives the same value."""
        return "none" if value is None else self.kind.text(value)


def form(field: dataclasses.Field[Any]) -> Form:
    """Returns the text form of the option that a field declares."""
    # The type as text, also if its module does not defer the evaluation of annotations.
    annotation = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
    return Form(kind(annotation), is_optional="None" in annotation.split(" | "))


def kind(annotation: str) -> Kind:
    """Returns the kind of flag for an option's annotation, such as `"int | None"`.

    Raises:
        LookupError: `KINDS` has no kind for these types.
    """
    types = set(annotation.split(" | "))
    for names, found in KINDS.items():
        if types.issuperset(names):
            return found
    raise LookupError(
        f"annotation={annotation!r} has no kind of flag. Add one to KINDS, or declare the option with has_flag=False."
    )


def names_from_text(text: str) -> str | list[str]:
    """Returns the names of files, folders, URLs or samples in a text with commas between them.

    If a name begins with a double quote, the text is read as a line of CSV: `"a,b.jpg",c.jpg` gives two names.
    Otherwise a comma separates two names, except in two cases: the whole text is an existing file or folder, or the
    name before the comma is a URL and the one after it is neither a URL, a `sample:NAME` nor an existing file. Spaces
    around a comma are ignored.

    Returns:
        A single name as a string; two or more as a list.

    Raises:
        ValueError: An empty name, or quotes that do not match.
    """
    if re.search(r'(^|,)\s*"', text):
        names = _names_from_csv(text)
    elif paths.exists(text):
        names = [text]
    else:
        names = _names_from_plain(text)
    if "" in names:
        raise ValueError(f"{text!r} holds an empty name")
    return names[0] if len(names) == 1 else names


def layers_from_text(text: str) -> list[str] | dict[str, float]:
    """Returns layers from a text `name,name` as a list, or from `name:weight,name:weight` as {name: weight}.

    Raises:
        ValueError: An empty name, a weight that is no number, or weights for only some of the layers.
    """
    pairs = [[part.strip() for part in entry.split(":")] for entry in text.split(",")]
    if any(len(pair) > 2 or not pair[0] for pair in pairs) or len({len(pair) for pair in pairs}) > 1:
        raise ValueError(f"{text!r} mixes layers with and without weights, or has an empty name")
    if len(pairs[0]) == 1:
        return [name for (name,) in pairs]
    return {name: float(weight) for name, weight in pairs}


def _names_from_csv(text: str) -> list[str]:
    """Returns the names in a line of CSV; raises `ValueError` for other texts."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(rows) != 1:
        raise ValueError(f"{text!r} is more than one line")
    return rows[0]


def _names_from_plain(text: str) -> list[str]:
    """Returns the names in a text without quotes, split at commas that are not part of a URL."""
    names: list[str] = []
    for part in text.split(","):
        if names and paths.is_url(names[-1]) and not _begins_a_name(part):
            names[-1] += f",{part}"
        else:
            names.append(part.strip())
    return names


def _begins_a_name(part: str) -> bool:
    """Returns whether the text after a comma in a URL is a name of its own."""
    part = part.strip()
    return paths.is_url(part) or part.startswith(paths.SAMPLE) or paths.exists(part)


def _text_of_names(value: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> str:
    """Returns the text for one or more names, in double quotes except for one name without special characters.

    With quotes, the meaning does not depend on which files exist.
    """
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
    """Returns the text for a value; bools are written `true` and `false`, not as in Python."""
    return _text_of_truth(value) if isinstance(value, bool) else str(value)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _list_of(number: type) -> Callable[[str], list[Any]]:
    return lambda text: [number(part) for part in text.split(",")]


def _one_or_list_of(number: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        """Returns one number, or a list of several."""
        values = _list_of(number)(text)
        return values[0] if len(values) == 1 else values

    return parse


def _text_of_numbers(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _or_text(number: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        """Returns a number, or the text itself if it is no number."""
        try:
            return number(text)
        except ValueError:
            return text

    return parse


_NAMES = "a name, or names with commas between them; a name with a comma in double quotes"
_NUMBERS, _WHOLE_NUMBERS = "numbers with commas between them", "whole numbers with commas between them"

# {types: kind}. The first entry whose types are all in an option's annotation gives the option's kind.
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
