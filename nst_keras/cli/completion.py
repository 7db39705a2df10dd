"""Completion of the command's flags by a shell, made by shtab from the options."""

from __future__ import annotations

import argparse
from typing import Any

from nst_keras import presets, settings

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "tcsh")


def script(shell: str) -> str:
    """Returns the script by which a shell completes the flags of `nst-keras`.

    Args:
        shell: One of `SHELLS`.

    Raises:
        ImportError: shtab is not installed.
    """
    try:
        import shtab  # noqa: PLC0415  An extra.
    except ImportError as error:
        raise ImportError('completion needs shtab. Install it: pip install "nst_keras[completion]"') from error
    return shtab.complete(_parser(shtab), shell)


def _parser(shtab: Any) -> argparse.ArgumentParser:
    """Returns a parser that knows the names of all flags, for shtab alone."""
    parser = argparse.ArgumentParser("nst-keras", add_help=False)
    for name in ("content", "style", "output"):
        parser.add_argument(name, nargs="?").complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue]
    for group in settings.groups(settings.JobSettings):
        helps = settings.helps(group)
        for field in settings.fields(group):
            if settings.declared(field).has_flag:
                _add(parser, field.name, helps[field.name], shtab, is_switch=field.type == "bool")
    for name in ("help", "helpfull", "version"):
        _add(parser, name, "", shtab, is_switch=True)
    _add(parser, "flagfile", "", shtab)
    _add(parser, "completion", "", shtab)
    return parser


def _add(parser: argparse.ArgumentParser, name: str, text: str, shtab: Any, *, is_switch: bool = False) -> None:
    """Adds a flag to the parser, with the values or files that complete it."""
    text = text.partition(". ")[0].replace("%", "%%")
    if is_switch:
        parser.add_argument(f"--{name}", help=text, action="store_true")
        return
    choices = {"preset": [*presets.names(), "list", "none"], "completion": SHELLS}.get(name)
    argument = parser.add_argument(f"--{name}", help=text, choices=choices)
    if choices is None:
        argument.complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue]
