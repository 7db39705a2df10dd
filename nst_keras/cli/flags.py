"""absl flags: one for each option in `settings` with `has_flag`, with the option's type, default and help."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from absl import flags

from nst_keras import presets, settings
from nst_keras.settings import texts

__all__ = ["HEADER", "check_once", "chosen", "define", "flag_line", "form_of", "given", "settings_of"]

T = TypeVar("T")

# First words of each flagfile that a run writes.
HEADER = "# Made by nst_keras"


def define(values: flags.FlagValues, kind: type[Any] = settings.JobSettings, *, without: Collection[str] = ()) -> None:
    """Defines a flag for each option with `has_flag`.

    Args:
        values: The flags, to which these are added.
        kind: A dataclass of groups of options.
        without: Options that have no flag here.
    """
    for group in settings.groups(kind):
        helps = settings.helps(group)
        for field in settings.fields(group):
            if settings.declared(field).has_flag and field.name not in without:
                _define(field, helps[field.name], group.title, values)


def chosen(values: flags.FlagValues, *, varied: Iterable[str] = ()) -> presets.Options:
    """Returns {option: value} of the flags that are given and of their preset.

    Args:
        values: Parsed flags that `define` has defined.
        varied: Options that a comparison varies.

    Raises:
        ValueError: An unknown preset.
    """
    given: dict[str, Any] = {name: values[name].value for name in values if not values[name].using_default_value}
    return presets.options(given["preset"], given, varied=varied) if given.get("preset") else given


def settings_of(values: flags.FlagValues, kind: type[T] = settings.JobSettings, *, varied: Iterable[str] = ()) -> T:
    """Returns the settings that the flags and their preset give. Other options have their defaults.

    Args:
        values: Parsed flags that `define` has defined.
        kind: The dataclass of groups of options that they were defined for.
        varied: Options that a comparison varies.

    Raises:
        ValueError: A value is out of range, or an unknown preset.
    """
    defaults = {field.name: field.default for field in settings.fields(kind)}
    return settings.built(kind, {**defaults, **chosen(values, varied=varied)}.__getitem__)


def flag_line(name: str, value: Any) -> str:
    """Returns the line of a flagfile that sets a flag to a value."""
    return f"--{name}={form_of(name).text(value)}"


def given(argv: Sequence[str], values: flags.FlagValues) -> list[tuple[str, str | None]]:
    """Returns the flags that a command line names, including `--flagfile` but not the flags inside flagfiles.

    Arguments that are no flags are passed over.

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
        if argument == "--":
            break
        if not argument.startswith("-"):
            continue
        name, equals, text = argument.removeprefix("-").removeprefix("-").partition("=")
        if equals:
            found.append((name, text))
        else:
            found.append((name, next(rest, None) if name in takes_text else None))
    return found


def check_once(arguments: Sequence[str], values: flags.FlagValues) -> None:
    """Raises `absl.flags.Error` if a flag for several values is repeated in one place: only the last would count.

    Args:
        arguments: The arguments of a command line, or the lines of a flagfile.
        values: See `given`.
    """
    found = given(arguments, values)
    for name, times in Counter(name for name, _ in found).items():
        if times > 1 and form_of(name).kind.several:
            together = ",".join(text or "" for other, text in found if other == name)
            raise flags.Error(
                f"--{name} is given {times} times. Give it once, with commas between: --{name}={together}."
            )


@functools.cache
def form_of(name: str) -> texts.Form:
    """Returns the text form of an option; that of plain text if the name is no option."""
    found = (texts.form(field) for field in settings.fields(settings.JobSettings) if field.name == name)
    return next(found, texts.Form(texts.kind("str")))


class _Parser(flags.ArgumentParser):
    """A parser for the flag of an option."""

    def __init__(self, form: texts.Form) -> None:
        self._form = form
        self.syntactic_help = form.description

    def parse(self, argument: Any) -> Any:
        """Returns the value for a text. A default, which is a value already, is returned unchanged."""
        return self._form.parse(argument) if isinstance(argument, str) else argument

    def flag_type(self) -> str:
        """Returns the form of the text, for help."""
        return self._form.kind.description


class _Serializer(flags.ArgumentSerializer):
    """A writer of the texts that `_Parser` reads."""

    def __init__(self, form: texts.Form) -> None:
        self._form = form

    def serialize(self, value: Any) -> str:
        """Returns the text for a value."""
        return self._form.text(value)


def _define(field: dataclasses.Field[Any], text: str, title: str, values: flags.FlagValues) -> None:
    """Defines the flag of an option, in the section of `--helpfull` with this title."""
    form = texts.form(field)
    if form.kind is texts.KINDS[("bool",)] and not form.is_optional:  # absl's own also understands --name and --noname.
        flags.DEFINE_bool(field.name, bool(field.default), text, values, module_name=title)
        return
    flags.DEFINE(_Parser(form), field.name, field.default, text, values, _Serializer(form), module_name=title)
