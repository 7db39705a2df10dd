"""A Markdown extension: a line `flags: TITLE` becomes the list of that group's flags."""

from __future__ import annotations

import re
from typing import Any

import markdown
from markdown import preprocessors

from tools.pages import flag_lists

__all__ = ["FlagLists", "makeExtension"]

_LINE = re.compile(r"^flags: (.+)$")


class FlagLists(markdown.Extension):
    """The extension. It acts before Markdown reads lists."""

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802  Markdown's own name.
        """Registers the step with a Markdown converter."""
        md.preprocessors.register(_Lists(md), "flags_of_groups", 15)


class _Lists(preprocessors.Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        """Returns the lines with lists in place of `flags: TITLE`."""
        found: list[str] = []
        for line in lines:
            match = _LINE.match(line)
            found += flag_lists.flag_list(match[1]).splitlines() if match else [line]
        return found


def makeExtension(**options: Any) -> FlagLists:  # noqa: N802  Markdown's own name.
    """Returns the extension, as Markdown asks for it by the name of this module."""
    return FlagLists(**options)
