"""What a run is for: a transfer, or one of its parts alone, as the papers take it to see what each part holds."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

from nst_keras import checks

__all__ = ["MODES", "Mode", "get"]


class Mode(NamedTuple):
    """One kind of run.

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


MODES: dict[str, Mode] = {
    # Gatys et al. 2015: content of the one, style of the other.
    "transfer": Mode(style=True, content=True, init="content"),
    # Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks" (arXiv 1505.07376).
    "texture": Mode(style=True, content=False, init="noise", any_size=True),
    # Gatys et al. 2015, figure 1: what the layers chosen hold of each.
    "style_reconstruction": Mode(style=True, content=False, init="noise"),
    "content_reconstruction": Mode(style=False, content=True, init="noise"),
}

# Arguments that say something of one term alone, with the value that says nothing.
_OF_TERM: dict[str, dict[str, Any]] = {
    "style": {
        "style_image": None,
        "style_blend": None,
        "style_scale": None,
        "style_mask": None,
        "style_layers": None,
        "style_layer_scheme": "equal",
        "style_statistic": "gram",
        "style_weight": None,
    },
    "content": {
        "content_image": None,
        "content_mask": None,
        "preserve_color": "none",
        "content_layers": None,
        "content_weight": None,
    },
}


def get(name: str, given: Mapping[str, Any]) -> Mode:
    """The mode that a name stands for, once the arguments given are found to go with it.

    Args:
        name: In `MODES`.
        given: {argument: value}; those that say nothing of a term are passed over.

    Raises:
        ValueError: An unknown name, a picture that is missing, or an argument that would have no effect.
    """
    mode = MODES[checks.one_of("mode", name, MODES)]
    for term, arguments in _OF_TERM.items():
        needed = f"{term}_image"
        if getattr(mode, term) and needed in given and given[needed] is None:
            raise ValueError(f"{needed} must be given: mode={name!r} needs one.")
        said = [argument for argument, nothing in arguments.items() if _says(given.get(argument, nothing), nothing)]
        if said and not getattr(mode, term):
            raise ValueError(
                f"{said[0]} has no part in mode={name!r}, which has no {term} term. Leave it out, or "
                "say none where a flagfile names it."
            )
    if not mode.any_size and given.get("texture_size") is not None:
        raise ValueError(f"texture_size has no part in mode={name!r}: the picture's size is that of its image.")
    return mode


def _says(value: Any, nothing: Any) -> bool:
    # Arrays do not compare to one truth; and a weight of 0 says what the mode says.
    return value is not None if nothing is None and not isinstance(value, numbers.Real) else value not in (nothing, 0)
