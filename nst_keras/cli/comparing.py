"""The flag `--compare`: options with several values each, as text. Nothing here needs TensorFlow."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from nst_keras import settings
from nst_keras.settings import texts
from nst_keras.sweeps import variation

__all__ = ["vary_of"]


def vary_of(text: str) -> dict[str, list[Any]]:
    """Returns {option: its values} from a text such as `content_weight=0.01,0.1;style_layer_scheme=fine,coarse`.

    Semicolons separate options, and commas the values of an option. If the values of an option hold a `|`, that
    separates them instead, and commas are part of a value: `style_layers=conv1_1,conv2_1|conv4_1`. Double quotes keep
    what is inside together. Each value is read as the option's own flag reads it.

    Raises:
        ValueError: An option that cannot vary or is given twice, or a value of another form.
    """
    found: dict[str, list[Any]] = {}
    for entry in _split(text, ";"):
        name, equals, values = entry.partition("=")
        name = name.strip()
        if not equals:
            raise ValueError(
                f"compare: {entry!r} is not OPTION=VALUE,VALUE. Write one such as content_weight=0.01,0.1."
            )
        if name in found:
            raise ValueError(f"compare: {name!r} is given twice. Give all of its values in one place.")
        found[name] = [values]
        variation.checked(found, argument="compare")  # An unknown option has no kind of value.
        if not _declared(name).has_flag:
            raise ValueError(f"compare: {name!r} is no flag, since text cannot give its values. Compare in Python.")
        found[name] = [_value(name, value) for value in _values(name, values)]
    return variation.checked(found, argument="compare")


def _values(name: str, text: str) -> list[str]:
    """Returns the texts of the values of an option."""
    if not text.strip():
        return []
    if len(parts := _split(text, "|")) > 1:
        return parts
    if _declared(name).reads is None:
        return _split(text, ",")
    try:
        names = texts.names_from_text(text)
    except ValueError as error:
        raise ValueError(f"compare: the values of {name}: {error}.") from error
    # In quotes, so that a comma in a name is no separator when the option's flag reads it.
    return [f'"{one}"' if "," in one else one for one in ([names] if isinstance(names, str) else names)]


def _value(name: str, text: str) -> Any:
    """Returns a value from its text."""
    text = text.strip()
    form = texts.form(_field(name))
    if not form.kind.several and re.fullmatch(r'"[^"]*"', text):
        text = text[1:-1]
    try:
        return form.parse(text)
    except ValueError as error:
        raise ValueError(f"compare: {name}: {error}.") from error


def _declared(name: str) -> settings.Option:
    """Returns the properties of an option that may vary."""
    return settings.declared(_field(name))


def _field(name: str) -> dataclasses.Field[Any]:
    """Returns the field of an option that may vary."""
    known = (*settings.fields(settings.TransferSettings), *settings.fields(settings.FitSettings))
    return next(field for field in known if field.name == name)


def _split(text: str, separator: str) -> list[str]:
    """Returns the parts of a text between separators that stand outside double quotes. A last semicolon is ignored."""
    parts = re.split(rf'{re.escape(separator)}(?=(?:[^"]*"[^"]*")*[^"]*$)', text)
    return parts[:-1] if len(parts) > 1 and separator == ";" and not parts[-1].strip() else parts
