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
                _add(parser, field.name, helps[field.name], shtab)
    for name in ("flagfile", "help", "helpfull", "version"):
        _add(parser, name, "", shtab)
    return parser


def _add(parser: argparse.ArgumentParser, name: str, text: str, shtab: Any) -> None:
    """Adds a flag to the parser, with the values or files that complete it."""
    choices = [*presets.names(), "list"] if name == "preset" else None
    argument = parser.add_argument(f"--{name}", help=text.partition(". ")[0].replace("%", "%%"), choices=choices)
    if choices is None:
        argument.complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue]
