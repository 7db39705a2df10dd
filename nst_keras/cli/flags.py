"""absl flags: one for each option in `settings` with `has_flag`, with the option's type, default and help."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Sequence
from typing import Any, TypeVar

from absl import flags

from nst_keras import settings
from nst_keras.cli import flag_kinds

__all__ = ["HEADER", "define", "flag_line", "given", "kind_of", "parsed", "settings_of"]

T = TypeVar("T")

# First words of each flagfile that a run writes.
HEADER = "# Made by nst_keras"


def define(values: flags.FlagValues, kind: type[Any] = settings.JobSettings) -> None:
    """Defines a flag for each option with `has_flag`.

    Args:
        values: The flags, to which these are added.
        kind: A dataclass of groups of options.
    """
    for group in settings.groups(kind):
        helps = settings.helps(group)
        for field in settings.fields(group):
            if settings.declared(field).has_flag:
                _define(field, helps[field.name], group.title, values)


def settings_of(values: flags.FlagValues, kind: type[T] = settings.JobSettings) -> T:
    """Returns the settings that the flags give. Options without a flag have their defaults.

    Args:
        values: Parsed flags that `define` has defined.
        kind: The dataclass of groups of options that they were defined for.

    Raises:
        ValueError: A value is out of range.
    """
    defaults = {field.name: field.default for field in settings.fields(kind)}
    return settings.built(kind, lambda name: values[name].value if name in values else defaults[name])


def flag_line(name: str, value: Any) -> str:
    """Returns the line of a flagfile that sets a flag to a value."""
    return f"--{name}={_Serializer(kind_of(name)).serialize(value)}"


def given(argv: Sequence[str], values: flags.FlagValues) -> list[tuple[str, str | None]]:
    """Returns the flags that a command line names, including `--flagfile` but not the flags inside flagfiles.

    Args:
        argv: The arguments after the program's name, which absl has parsed without an error.
        values: All flags except absl's own, such as `--flagfile`.

    Returns:
        [(name, text)]. The text is None for a boolean flag without a value.
    """
    found: list[tuple[str, str | None]] = []
    rest = iter(argv)
    takes_text = {"flagfile", "undefok"} | {name for name in values if not values[name].boolean}
    for argument in rest:
        if argument == "--" or not argument.startswith("-"):
            break
        name, equals, text = argument.removeprefix("-").removeprefix("-").partition("=")
        if equals:
            found.append((name, text))
        else:
            found.append((name, next(rest, None) if name in takes_text else None))
    return found


@functools.cache
def kind_of(name: str) -> flag_kinds.Kind:
    """Returns the kind of an option's flag, from the option's type; the kind for text if the name is no option."""
    types = (_type_of(field) for field in settings.fields(settings.JobSettings) if field.name == name)
    return flag_kinds.kind(next(types, "str"))


def parsed(name: str, text: str) -> Any:
    """Returns the value that the flag of an option has for a text.

    Args:
        name: An option with a flag.
        text: The text after the flag's equals sign.

    Raises:
        ValueError: The text is of another form.
    """
    annotation = next(_type_of(field) for field in settings.fields(settings.JobSettings) if field.name == name)
    return _Parser(flag_kinds.kind(annotation), optional="None" in annotation.split(" | ")).parse(text)


class _Parser(flags.ArgumentParser):
    """A parser for flags of a kind. For an option that may be None, the text `none` gives None."""

    def __init__(self, kind: flag_kinds.Kind, *, optional: bool) -> None:
        self._kind, self._optional = kind, optional
        self.syntactic_help = f"{kind.description}, or none" if optional else kind.description

    def parse(self, argument: Any) -> Any:
        """Returns the value for a text. A default, which is a value already, is returned unchanged."""
        if not isinstance(argument, str):
            return argument
        if self._optional and argument.lower() == "none":
            return None
        try:
            return self._kind.parse(argument)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{argument!r} is not {self._kind.description}") from error

    def flag_type(self) -> str:
        """Returns the form of the text, for help."""
        return self._kind.description


class _Serializer(flags.ArgumentSerializer):
    """A writer of the texts that `_Parser` reads."""

    def __init__(self, kind: flag_kinds.Kind) -> None:
        self._kind = kind

    def serialize(self, value: Any) -> str:
        """Returns the text for a value."""
        return "none" if value is None else self._kind.text(value)


def _define(field: dataclasses.Field[Any], text: str, title: str, values: flags.FlagValues) -> None:
    """Defines the flag of an option, in the section of `--help` with this title."""
    annotation = _type_of(field)
    if annotation == "bool":  # absl's own kind also understands --name and --noname.
        flags.DEFINE_bool(field.name, bool(field.default), text, values, module_name=title)
        return
    kind = flag_kinds.kind(annotation)
    parser = _Parser(kind, optional="None" in annotation.split(" | "))
    flags.DEFINE(parser, field.name, field.default, text, values, _Serializer(kind), module_name=title)


def _type_of(field: dataclasses.Field[Any]) -> str:
    """Returns an option's type as text, also if its module does not defer the evaluation of annotations."""
    return field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
