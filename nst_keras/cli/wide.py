"""What the commands for many pictures share, `batch` and `video`: their flags, arguments without a name, and help."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from absl import flags as absl_flags

from nst_keras import presets, settings
from nst_keras.cli import flags
from nst_keras.cli import help as help_lib

__all__ = ["flag_values", "given", "help_text", "place"]


def flag_values(kind: type[settings.Group], *, without: Collection[str]) -> absl_flags.FlagValues:
    """Returns all flags of a command, unparsed.

    Args:
        kind: The command's own options.
        without: Options of a run that have no flag here.
    """
    values = absl_flags.FlagValues()
    flags.define(values, kind)
    flags.define(values, without=without)
    for name, short in {"help": "h", "helpfull": None}.items():
        text = "Shows how the command is used." if short else "Shows all flags."
        absl_flags.DEFINE_bool(name, False, text, short_name=short, flag_values=values, module_name="Help")
    return values


def given(values: absl_flags.FlagValues, known: Collection[str]) -> presets.Options:
    """Returns {option: value} of the flags that are given, of those that are known."""
    return {name: values[name].value for name in values if name in known and not values[name].using_default_value}


def place(
    values: absl_flags.FlagValues, rest: Sequence[str], names: Sequence[str], *, is_short: bool, takes: str
) -> None:
    """Sets flags from the arguments without a name, and the preset if none is given.

    Args:
        values: The parsed flags.
        rest: The arguments without a name.
        names: The flags that they stand for, in order.
        is_short: Whether there may be any, and the preset is the quick one.
        takes: What the command takes, for the error about too many of them: the end of a sentence, and what to do.

    Raises:
        absl.flags.Error: An argument without a name that has no meaning, or is given twice.
    """
    if rest and not is_short:
        raise absl_flags.Error(f"{rest[0]!r} is no flag. Flags are written --name=value; --help lists them.")
    if len(rest) > len(names):
        raise absl_flags.Error(f"{len(rest)} arguments are given ({', '.join(rest)}), but {takes}")
    for name, text in zip(names, rest, strict=False):
        if not values[name].using_default_value:
            raise absl_flags.Error(f"{name} is given twice: as {text!r} and as --{name}. Give it once.")
        values[name].parse(text)
        values[name].using_default_value = False
    if is_short and values["preset"].using_default_value and values["extractor"].using_default_value:
        values["preset"].parse(presets.DEFAULT)
        values["preset"].using_default_value = False


def help_text(
    values: absl_flags.FlagValues,
    kind: type[settings.Group],
    *,
    usage: str,
    sections: Mapping[str, Sequence[str]],
    full: bool,
) -> str:
    """Returns how a command is used, and its most used flags; in full, all flags.

    Args:
        values: The command's flags.
        kind: The command's own options.
        usage: How it is used.
        sections: {heading: its most used flags}.
        full: Whether all flags are listed.
    """
    if not full:
        short = help_lib.short(sections, kind, settings.JobSettings)
        return f"{usage}\n\n{short}\n--helpfull shows all flags, --preset=list all looks."
    kinds: list[Any] = [kind, *settings.groups(settings.JobSettings)]
    parts = (values.module_help(title).strip() for title in dict.fromkeys(one.title for one in kinds))
    return "\n\n".join([usage, *filter(None, parts)])
