"""Modes: a transfer, or one of its terms alone, with which the papers show what each term holds."""

from __future__ import annotations

import dataclasses
import numbers
from typing import Any, NamedTuple

from nst_keras import checks, settings

__all__ = ["MODES", "Mode", "get"]


class Mode(NamedTuple):
    """A kind of run.

    Attributes:
        style: Whether there is a style term, and so a style image.
        content: Whether there is a content term, and so a content image, which gives the picture its size.
        init: Where the picture starts, a name in `starts.STARTS`.
        any_size: Whether the picture may be of any size.
    """

    style: bool
    content: bool
    init: str
    any_size: bool = False

    def has(self, term: str) -> bool:
        """Returns whether there is a term, "style" or "content"."""
        return self.style if term == "style" else self.content


MODES: dict[str, Mode] = {
    # Gatys et al. 2015: content of the one, style of the other.
    "transfer": Mode(style=True, content=True, init="content"),
    # Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks" (arXiv 1505.07376).
    "texture": Mode(style=True, content=False, init="noise", any_size=True),
    # Gatys et al. 2015, figure 1: what the layers chosen hold of each.
    "style_reconstruction": Mode(style=True, content=False, init="noise"),
    "content_reconstruction": Mode(style=False, content=True, init="noise"),
}


def get(name: str, *given: settings.Group) -> Mode:
    """Returns the mode of a name, after checking that the options given have an effect in it.

    Args:
        name: A name in `MODES`.
        given: Groups of options. Options at their defaults are passed over.

    Raises:
        ValueError: An unknown name, a picture that is missing, or an option that would have no effect.
    """
    mode = MODES[checks.one_of("mode", name, MODES)]
    for group in given:
        for field in settings.fields(group):
            _check(name, mode, field, getattr(group, field.name))
    return mode


def _check(name: str, mode: Mode, field: dataclasses.Field[Any], value: Any) -> None:
    """Raises `ValueError` where the mode needs an option that is not given, or has no use for one that is."""
    term = settings.declared(field).term
    if term and mode.has(term):
        if field.name == f"{term}_image" and value is None:
            raise ValueError(f"{field.name} must be given: mode={name!r} needs one.")
    elif term and _is_given(value, field.default):
        raise ValueError(
            f"{field.name} has no part in mode={name!r}, which has no {term} term. Leave it out, or say none where a "
            "flagfile names it."
        )
    if field.name == "texture_size" and value is not None and not mode.any_size:
        raise ValueError(f"texture_size has no part in mode={name!r}: the picture's size is that of its image.")


def _is_given(value: Any, default: Any) -> bool:
    """Whether a value says something. A weight of 0 does not: it says what the mode says."""
    if default is None and not isinstance(value, numbers.Real):  # Arrays do not compare to one truth.
        return value is not None
    return value not in (default, 0)
