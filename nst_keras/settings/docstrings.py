"""Docstrings, from which the help of options is read, also where `python -OO` has dropped them."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types

__all__ = ["of"]


def of(thing: object) -> str:
    """Returns the docstring that a module, class or function has itself, without indentation; "" if it has none.

    `python -OO` drops docstrings. They are then read from the source.
    """
    own = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    if sys.flags.optimize > 1:  # A dataclass without a docstring is then given another, its signature.
        own = _in_source(thing)
    return inspect.cleandoc(own or "").strip()


def _in_source(thing: object) -> str | None:
    """Returns the docstring in the source; None if it has none, or the source is not there."""
    try:
        source = inspect.getsource(thing)  # pyright: ignore[reportArgumentType]
    except (OSError, TypeError):
        return None
    tree = ast.parse(textwrap.dedent(source))
    return ast.get_docstring(tree if isinstance(thing, types.ModuleType) else tree.body[0])  # pyright: ignore[reportArgumentType]
