"""Pictures side by side, made one after the other from the same start: two settings, or a row of values."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from nst_keras import presets
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import host as host_lib
from nst_keras.cli.studio import views
from nst_keras.cli.studio import visitors as visitors_lib

__all__ = ["formed", "seeded", "varied"]

_SEED = 1  # All pictures of a row start alike.


def formed(
    host: host_lib.Host, visitor: visitors_lib.Visitor, found: Sequence[tuple[str, asked_lib.Asked]]
) -> Iterator[tuple[str, str]]:
    """Makes pictures one after the other, and yields the row of them and a sentence, whenever one of them changes.

    Args:
        host: What all visitors share.
        visitor: The visitor for whom they are made.
        found: The caption of each, and what is asked for.

    Raises:
        ValueError: See `Host.run`.
    """
    images: list[np.ndarray | None] = [None] * len(found)
    captions = [caption for caption, _ in found]
    for place, (caption, asked) in enumerate(found):
        order = visitor.ask_in_row()
        with contextlib.closing(host.run(order, seeded(asked))) as found_views:
            for view in found_views:
                if isinstance(view, host_lib.Waiting):
                    yield views.row(zip(images, captions, strict=True)), views.waiting(view.before)
                    continue
                images[place] = view.image if view.image is not None else images[place]
                standing = f"{caption}: step {view.step} of {view.total}"
                yield views.row(zip(images, captions, strict=True)), standing
        if order.is_ended:  # The visitor has pressed Stop, begun another picture, or left.
            yield views.row(zip(images, captions, strict=True)), "Stopped."
            return
    yield views.row(zip(images, captions, strict=True)), "Done."


def seeded(asked: asked_lib.Asked) -> asked_lib.Asked:
    """Returns the request with the seed of all rows, unless it has one."""
    return dataclasses.replace(asked, options={"seed": _SEED, **asked.options})


def varied(asked: asked_lib.Asked, name: str, texts: Sequence[str]) -> list[tuple[str, asked_lib.Asked]]:
    """Returns what is asked for with each value of an option, with captions.

    Args:
        asked: What is asked for otherwise.
        name: The option.
        texts: Its values, as a visitor has written them.

    Raises:
        ValueError: A text that is no value of the option.
    """
    made: list[tuple[str, asked_lib.Asked]] = []
    for text in texts:
        value: presets.Options = asked_lib.values_of({name: text})
        made.append((f"{name}={text.strip()}", dataclasses.replace(asked, options={**asked.options, **value})))
    return made
