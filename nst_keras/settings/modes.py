"""Modes: a style transfer, or one of its terms alone, as the papers' texture synthesis and reconstructions do."""

from __future__ import annotations

import dataclasses
import numbers
from typing import Any, NamedTuple

from nst_keras import checks
from nst_keras.settings import options

__all__ = ["MODES", "Mode", "get"]


class Mode(NamedTuple):
    """A kind of run.

    Attributes:
        style: Whether the loss has a style term. It needs a style image.
        content: Whether the loss has a content term. It needs a content image, which gives the picture its size.
        init: The default start of the picture, a name in `starts.STARTS`.
        any_size: Whether `texture_size` may choose the picture's size.
    """

    style: bool
    content: bool
    init: str
    any_size: bool = False

    def has(self, term: str) -> bool:
        """Returns whether the loss has a term, `"style"` or `"content"`."""
        return self.style if term == "style" else self.content


MODES: dict[str, Mode] = {
    # Gatys et al. 2015, "A Neural Algorithm of Artistic Style" (arXiv 1508.06576).
    "transfer": Mode(style=True, content=True, init="content"),
    # Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks" (arXiv 1505.07376).
    "texture": Mode(style=True, content=False, init="noise", any_size=True),
    # Gatys et al. 2015 (arXiv 1508.06576), figure 1: what the chosen layers hold of the style or content image.
    "style_reconstruction": Mode(style=True, content=False, init="noise"),
    "content_reconstruction": Mode(style=False, content=True, init="noise"),
}


def get(name: str, *given: options.Group) -> Mode:
    """Returns the mode of a name, after checking that the given options have an effect in it.

    Args:
        name: A name in `MODES`.
        given: Groups of options. Only options that differ from their defaults are checked.

    Raises:
        ValueError: An unknown name, a missing image, or an option without effect in this mode.
    """
    mode = MODES[checks.one_of("mode", name, MODES)]
    for group in given:
        for field in options.fields(group):
            _check(name, mode, field, getattr(group, field.name))
    return mode


def _check(name: str, mode: Mode, field: dataclasses.Field[Any], value: Any) -> None:
    """Raises `ValueError` for an image that the mode needs and lacks, or for an option without effect in it."""
    term = options.declared(field).term
    if term and mode.has(term):
        if field.name == f"{term}_image" and value is None:
            raise ValueError(f"{field.name} must be given: mode={name!r} needs one.")
    elif term and _is_given(value, field.default):
        raise ValueError(
            f"{field.name} has no effect in mode={name!r}, which has no {term} term. Leave it out, or set it to none "
            "where a flagfile sets it."
        )
    if field.name == "texture_size" and value is not None and not mode.any_size:
        raise ValueError(
            f"texture_size has no effect in mode={name!r}: the picture has its image's size. Leave it out."
        )


def _is_given(value: Any, default: Any) -> bool:
    """Returns whether a value asks for something. A weight of 0 does not: the term is left out in any case."""
    if default is None and not isinstance(value, numbers.Real):  # Comparing an array gives an array, not a bool.
        return value is not None
    return value not in (default, 0)
