"""A Griffe extension: the line `{options}` of a docstring becomes the help of the options.

Griffe reads source files without running them, and so does not see what `nst_keras.settings.documents` inserts.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

from nst_keras import settings

__all__ = ["OptionDocstrings"]

_DECORATOR = re.compile(r"\bdocuments\((?:\w+\.)*(\w+)\)")


class OptionDocstrings(griffe.Extension):
    """The extension, which acts on classes and functions with the decorator `documents`."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Completes the docstring of an object, if it is decorated."""
        if not isinstance(obj, griffe.Class | griffe.Function) or obj.docstring is None:
            return
        for decorator in obj.decorators:
            if match := _DECORATOR.search(str(decorator.value)):
                obj.docstring.value = _completed(obj.docstring.value, getattr(settings, match[1]))


def _completed(docstring: str, kind: type) -> str:
    def holder() -> None: ...

    holder.__doc__ = docstring
    return settings.documents(kind)(holder).__doc__ or ""
