"""How an option is declared: a field of a frozen dataclass, its help in the docstring of the class."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

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
    """What is known of an option beside its name, its type, its default and its help.

    Attributes:
        check: (name, value) -> the value to keep. It raises `ValueError` for a bad one.
        has_flag: Whether text can name its value, as a flag does.
        is_recorded: Whether it has a part in the picture, and so in the picture's record.
        reads: For an option that names files to read: its values that are no files. None for other options.
        term: "style" or "content", for an option that says something of that term of the loss alone.
        is_agreed: Whether several hosts must have the same value before they send each other anything else.
    """

    check: Check | None = None
    has_flag: bool = True
    is_recorded: bool = True
    reads: tuple[str, ...] | None = None
    term: str | None = None
    is_agreed: bool = False


class Group:
    """Base of a dataclass of options: values are checked when it is made, and cannot be changed afterwards.

    Attributes:
        title: How `--help` names it.
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
    """Declares an option as a field of a dataclass.

    Args:
        default: Its default. Type checkers see it in the place of the field.
        check: See `Option`, as for all that follow.
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
    """Returns the check that lets None pass, and checks other values."""
    return lambda name, value: None if value is None else check(name, value)


def declared(field: dataclasses.Field[Any]) -> Option:
    """Returns what a field declares."""
    return field.metadata[_KEY]


def groups(kind: Any) -> Iterator[type[Group]]:
    """Yields a group itself, or all groups in a dataclass of groups, in their order."""
    if isinstance(kind, type) and issubclass(kind, Group):
        yield kind
    else:
        for field in dataclasses.fields(kind):
            yield from groups(_group_of(field))


def fields(kind: Any) -> Iterator[dataclasses.Field[Any]]:
    """Yields the options of a group, or of all groups in a dataclass of groups, in their order."""
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
    """Returns a group, or a dataclass of groups, each option with the value that a function of its name gives."""
    own: Any = kind
    made = {
        field.name: value_of(field.name) if _KEY in field.metadata else built(_group_of(field), value_of)
        for field in dataclasses.fields(own)
    }
    return kind(**made)


@functools.cache
def helps(kind: type) -> dict[str, str]:
    """Returns {option: its help}, from the `Attributes:` in the docstrings of a group and of its bases."""
    found: dict[str, str] = {}
    for own in reversed(kind.__mro__):
        docstring = inspect.cleandoc(vars(own).get("__doc__") or "") + "\n"
        section = re.search(r"^Attributes:\n((?: .*\n|\n)*)", docstring, re.MULTILINE)
        entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
        found |= {name: " ".join(text.split()) for name, text in entries}
    return found


def documents(kind: type) -> Callable[[T], T]:
    """Returns a decorator that puts the help of options into a docstring, in the place of a line `{options}`."""
    lines = [f"{name}: {text}" for group in groups(kind) for name, text in helps(group).items()]
    wrapped = [textwrap.fill(line, 112, subsequent_indent="    ", break_on_hyphens=False) for line in lines]

    def documented(thing: T) -> T:
        """Returns the thing itself, its docstring filled in."""
        docstring = inspect.cleandoc(thing.__doc__ or "")
        thing.__doc__ = docstring.replace("    {options}", textwrap.indent("\n".join(wrapped), "    "))
        return thing

    return documented


def _group_of(field: dataclasses.Field[Any]) -> Callable[..., Any]:
    """The class of a field that holds a group."""
    factory = field.default_factory
    if factory is dataclasses.MISSING:
        raise TypeError(f"{field.name} is no option and no group of options. Declare it by `option`.")
    return factory
