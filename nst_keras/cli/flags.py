"""absl flags: one for each option in `settings` that text can name, with its type, its default and its help."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Sequence
from typing import Any, TypeVar

from absl import flags

from nst_keras import settings
from nst_keras.cli import flag_kinds

__all__ = ["HEADER", "define", "flag_line", "given", "kind_of", "settings_of"]

T = TypeVar("T")

# How a flagfile begins that a run has written.
HEADER = "# Made by nst_keras"


def define(values: flags.FlagValues, kind: type[Any] = settings.JobSettings) -> None:
    """Defines a flag for each option that text can name.

    Args:
        values: Where the flags are defined.
        kind: A dataclass of groups of options.
    """
    for group in settings.groups(kind):
        helps = settings.helps(group)
        for field in settings.fields(group):
            if settings.declared(field).has_flag:
                _define(field, helps[field.name], group.title, values)


def settings_of(values: flags.FlagValues, kind: type[T] = settings.JobSettings) -> T:
    """Returns what the flags say. Options without a flag have their defaults.

    Args:
        values: Flags that `define` has defined.
        kind: The dataclass of groups that they were defined for.

    Raises:
        ValueError: A value out of its range.
    """
    defaults = {field.name: field.default for field in settings.fields(kind)}
    return settings.built(kind, lambda name: values[name].value if name in values else defaults[name])


def flag_line(name: str, value: Any) -> str:
    """Returns the line of a flagfile that gives a flag this value."""
    return f"--{name}={_Serializer(kind_of(name)).serialize(value)}"


def given(argv: Sequence[str], values: flags.FlagValues) -> list[tuple[str, str | None]]:
    """Returns the flags that a command line names, `--flagfile` among them, but not those inside flagfiles.

    Args:
        argv: Arguments, without the program's name, that absl has parsed without an error.
        values: All flags but `--flagfile`.

    Returns:
        [(name, text)]. The text is None for a boolean flag that stands alone.
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
    """Returns the kind of an option's flag, by the option's type; text for a name that is no option."""
    types = (_type_of(field) for field in settings.fields(settings.JobSettings) if field.name == name)
    return flag_kinds.kind(next(types, "str"))


class _Parser(flags.ArgumentParser):
    """Parses the text of a flag as its kind does; `none` stands for None where the option may be None."""

    def __init__(self, kind: flag_kinds.Kind, *, optional: bool) -> None:
        self._kind, self._optional = kind, optional
        self.syntactic_help = f"{kind.description}, or none" if optional else kind.description

    def parse(self, argument: Any) -> Any:
        """Returns the value that a text stands for; a default is a value already."""
        if not isinstance(argument, str):
            return argument
        if self._optional and argument.lower() == "none":
            return None
        try:
            return self._kind.parse(argument)
        except ValueError as error:
            raise ValueError(f"{argument!r} is not {self._kind.description}") from error

    def flag_type(self) -> str:
        """Returns what the value is, in words."""
        return self._kind.description


class _Serializer(flags.ArgumentSerializer):
    """The inverse of `_Parser`."""

    def __init__(self, kind: flag_kinds.Kind) -> None:
        self._kind = kind

    def serialize(self, value: Any) -> str:
        """Returns the text that stands for a value."""
        return "none" if value is None else self._kind.text(value)


def _define(field: dataclasses.Field[Any], text: str, title: str, values: flags.FlagValues) -> None:
    annotation = _type_of(field)
    if annotation == "bool":  # absl's own, which understands --name and --noname too.
        flags.DEFINE_bool(field.name, field.default, text, values, module_name=title)
        return
    kind = flag_kinds.kind(annotation)
    parser = _Parser(kind, optional="None" in annotation.split(" | "))
    flags.DEFINE(parser, field.name, field.default, text, values, _Serializer(kind), module_name=title)


def _type_of(field: dataclasses.Field[Any]) -> str:
    """The type of an option as it is written, whether its module evaluates annotations or not."""
    return field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
