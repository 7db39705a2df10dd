"""Lists of flags in Markdown, from the fields of `nst_keras.settings`."""

from __future__ import annotations

import dataclasses
from typing import Any

from nst_keras import settings
from nst_keras.settings import texts

__all__ = ["flag_list", "titles"]


# The groups of options that have flags, in the order of `--helpfull`.
_GROUPS = [*settings.groups(settings.JobSettings), settings.BatchSettings, settings.VideoSettings]


def titles() -> list[str]:
    """Returns the titles of the groups of options that have flags, in the order of `--helpfull`."""
    return [group.title for group in _GROUPS if _flags(group)]


def flag_list(title: str) -> str:
    """Returns the flags of a group as a definition list in Markdown. Each has its own anchor.

    Args:
        title: The title of a group, such as `Pictures`.

    Raises:
        ValueError: No group has this title.
    """
    found = [group for group in _GROUPS if group.title == title]
    if not found:
        raise ValueError(f"flags: {title!r} is no group of flags. Choose one of: {', '.join(titles())}.")
    helps = settings.helps(found[0])
    return "\n".join(_entry(field, _anchor(field, found[0]), helps[field.name]) for field in _flags(found[0]))


def _anchor(field: dataclasses.Field[Any], own: Any) -> str:
    """Returns the anchor of a flag: its name, after that of its group if an earlier group has one of this name."""
    first = next(group for group in _GROUPS if field.name in {other.name for other in _flags(group)})
    return field.name if first is own else f"{own.title.lower()}-{field.name}"


def _entry(field: dataclasses.Field[Any], anchor: str, text: str) -> str:
    default = _default(field)
    return f"`--{field.name}`{{ #{anchor} }}{f' = `{default}`' if default else ''}\n:   {text}\n"


def _flags(group: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in settings.fields(group) if settings.declared(field).has_flag]


def _default(field: dataclasses.Field[Any]) -> str:
    """Returns a flag's default as a flag would give it; "" where the help says what happens without the flag."""
    return "" if field.default is None else texts.form(field).text(field.default)
