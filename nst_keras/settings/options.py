"""How an option is declared: as a field of a frozen dataclass, with its help in the docstring of the class."""

from __future__ import annotations

import dataclasses
import functools
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from nst_keras.settings import docstrings

__all__ = [
    "Group",
    "Option",
    "built",
    "declared",
    "documents",
    "fields",
    "groups",
    "helps",
    "option",
    "optional",
    "values",
]

T = TypeVar("T")
Check = Callable[[str, Any], Any]

_KEY = "option"


@dataclasses.dataclass(frozen=True)
class Option:
    """Properties of an option beside its name, type, default and help.

    Attributes:
        check: (name, value) -> the value to keep. It raises `ValueError` for a bad value. None: every value is kept.
        has_flag: Whether a flag can give its value as text.
        is_recorded: Whether it affects the picture, and so belongs in the picture's record.
        reads: For an option that names files: special values that are not files, such as `noise`. None for others.
        term: `"style"` or `"content"` for an option of that loss term alone; None for other options.
        is_agreed: Whether all hosts must have the same value before they send each other anything else.
    """

    check: Check | None = None
    has_flag: bool = True
    is_recorded: bool = True
    reads: tuple[str, ...] | None = None
    term: str | None = None
    is_agreed: bool = False


class Group:
    """Base class of a dataclass of options. Values are checked at construction, and cannot be changed afterwards.

    Attributes:
        title: Heading of the group in `--help`.
    """

    title: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(type(self)):
            if check := declared(field).check:
                object.__setattr__(self, field.name, check(field.name, getattr(self, field.name)))


def option(
    default: T,
    check: Check | None = None,
    *,
    has_flag: bool = True,
    is_recorded: bool = True,
    reads: tuple[str, ...] | None = None,
    term: str | None = None,
    is_agreed: bool = False,
) -> T:
    """Returns the field of a dataclass that declares an option.

    Args:
        default: The option's default. Type checkers see this value instead of the field.
        check: See `Option`.
        has_flag: See `Option`.
        is_recorded: See `Option`.
        reads: See `Option`.
        term: See `Option`.
        is_agreed: See `Option`.
    """
    known = Option(check, has_flag, is_recorded, reads, term, is_agreed)
    field: Any = dataclasses.field(default=default, metadata={_KEY: known})
    return field


def optional(check: Check) -> Check:
    """Returns a check that accepts None and passes other values to `check`."""
    return lambda name, value: None if value is None else check(name, value)


def declared(field: dataclasses.Field[Any]) -> Option:
    """Returns the properties of the option that a field declares."""
    return field.metadata[_KEY]


def groups(kind: Any) -> Iterator[type[Group]]:
    """Yields a group itself, or the groups in a dataclass of groups, in order."""
    if isinstance(kind, type) and issubclass(kind, Group):
        yield kind
    else:
        for field in dataclasses.fields(kind):
            yield from groups(_group_of(field))


def fields(kind: Any) -> Iterator[dataclasses.Field[Any]]:
    """Yields the options of a group, or of all groups in a dataclass of groups, in order."""
    for field in dataclasses.fields(kind):
        if _KEY in field.metadata:
            yield field
        else:
            yield from fields(_group_of(field))


def values(settings: Any) -> dict[str, Any]:
    """Returns {option: value} of a group, or of all groups in a dataclass of groups."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        found |= {field.name: value} if _KEY in field.metadata else values(value)
    return found


def built(kind: Callable[..., T], value_of: Callable[[str], Any]) -> T:
    """Returns a group, or a dataclass of groups, with values from a function.

    Args:
        kind: The class of the group, or of the dataclass of groups.
        value_of: option's name -> its value.
    """
    own: Any = kind
    made = {
        field.name: value_of(field.name) if _KEY in field.metadata else built(_group_of(field), value_of)
        for field in dataclasses.fields(own)
    }
    return kind(**made)


@functools.cache
def helps(kind: type) -> dict[str, str]:
    """Returns {option: help}, read from `Attributes:` in the docstrings of a group and of its base classes."""
    found: dict[str, str] = {}
    for own in reversed(kind.__mro__):
        docstring = docstrings.of(own) + "\n"
        section = re.search(r"^Attributes:\n((?: .*\n|\n)*)", docstring, re.MULTILINE)
        entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
        found |= {name: " ".join(text.split()) for name, text in entries}
    return {name: text for name, text in found.items() if name in {field.name for field in fields(kind)}}


def documents(kind: type) -> Callable[[T], T]:
    """Returns a decorator that replaces the line `{options}` in a docstring by the help of the options of `kind`."""
    lines = [f"{name}: {text}" for group in groups(kind) for name, text in helps(group).items()]
    wrapped = [textwrap.fill(line, 112, subsequent_indent="    ", break_on_hyphens=False) for line in lines]

    def documented(thing: T) -> T:
        """Returns `thing` itself, with its docstring completed."""
        docstring = docstrings.of(thing)
        thing.__doc__ = docstring.replace("    {options}", textwrap.indent("\n".join(wrapped), "    "))
        return thing

    return documented


def _group_of(field: dataclasses.Field[Any]) -> Callable[..., Any]:
    """Returns the class of the group that a field holds."""
    factory = field.default_factory
    if factory is dataclasses.MISSING:
        raise TypeError(f"{field.name} is neither an option nor a group of options. Declare it with `option`.")
    return factory
