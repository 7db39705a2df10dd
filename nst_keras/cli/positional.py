"""The short command `nst-keras CONTENT STYLE [OUTPUT]`: what its arguments without a name stand for."""

from __future__ import annotations

import itertools
import pathlib
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Any

from absl import flags as absl_flags

from nst_keras import checks, presets
from nst_keras.cli import flags
from nst_keras.settings import modes, paths

__all__ = ["place", "stem_of"]

# Ends of the names of what a run writes beside its picture STEM.png.
_BESIDE = (".png", ".flags", ".json", "_compare")


def place(values: absl_flags.FlagValues, arguments: Sequence[str], *, has_look: bool) -> None:
    """Sets flags from the arguments without a name, and the preset and the output if they are not given.

    Args:
        values: The parsed flags.
        arguments: The arguments that are no flags: CONTENT, STYLE and OUTPUT. In a mode of one picture: that picture.
        has_look: Whether a flagfile describes a whole look, in the place of the usual preset.

    Raises:
        absl.flags.Error: Too many arguments, one that a flag gives too, or a picture that is missing.
        ValueError: An unknown preset or mode.
    """
    if not has_look and values["preset"].using_default_value:
        _set(values, "preset", presets.DEFAULT)
    pictures = _pictures(flags.chosen(values).get("mode", "transfer"))
    names = (*pictures, "output") if len(pictures) > 1 else pictures
    _check_count(arguments, names)
    for name, text in zip(names, arguments, strict=False):
        if not values[name].using_default_value:
            raise absl_flags.Error(f"{name} is given twice: as {text!r} and as --{name}. Give it once.")
        _set(values, name, text)
    _check_pictures(values, pictures)
    if values["output"].using_default_value:
        named: list[Any] = [values[name].value for name in pictures]
        _set(values, "output", f"{_free(named, keeps_name=_may_replace(values))}.png")
    elif len(arguments) > len(pictures):
        _check_output(values)


def _pictures(mode: str) -> list[str]:
    """Returns the options of the pictures that a mode needs, in the order of the arguments."""
    needed = modes.MODES[checks.one_of("mode", mode, modes.MODES)]
    return [f"{term}_image" for term in ("content", "style") if needed.has(term)]


def _set(values: absl_flags.FlagValues, name: str, text: str) -> None:
    """Sets a flag as if the command line gave it."""
    try:
        values[name].parse(text)
    except absl_flags.IllegalFlagValueError as error:
        raise absl_flags.Error(str(error)) from error
    values[name].using_default_value = False


def _check_count(arguments: Sequence[str], names: Sequence[str]) -> None:
    """Raises an error for more arguments than a run takes."""
    if len(arguments) > len(names):
        takes = " ".join(name.partition("_")[0].upper() for name in names)
        raise absl_flags.Error(
            f"{len(arguments)} arguments are given ({', '.join(arguments)}), but this run takes {takes}. Name the file "
            "to write with --output. Several styles have commas between them. Several photographs need nst-keras batch."
        )


def _check_pictures(values: absl_flags.FlagValues, pictures: Sequence[str]) -> None:
    """Raises an error if a picture of the run is not given."""
    for name in pictures:
        if values[name].value is None:
            takes = " ".join(picture.partition("_")[0].upper() for picture in pictures)
            raise absl_flags.Error(
                f"{name} is missing. Write nst-keras {takes}, such as nst-keras "
                f"{' '.join('photo.jpg' if picture == 'content_image' else 'painting.jpg' for picture in pictures)}."
            )


def _check_output(values: absl_flags.FlagValues) -> None:
    """Raises an error if OUTPUT is there already: it may have been meant for a picture to read."""
    output = str(values["output"].value)
    if pathlib.Path(output).expanduser().is_dir():
        raise absl_flags.Error(f"the third argument, {output!r}, is a folder. Name a file in it, such as made.png.")
    if pathlib.Path(output).expanduser().exists() and not _may_replace(values):
        raise absl_flags.Error(
            f"the third argument, {output!r}, is the file to write, and it exists already. Several styles have commas "
            "between them: a.jpg,b.jpg. Several photographs need nst-keras batch. To replace the file, "
            "add --overwrite."
        )


def _may_replace(values: absl_flags.FlagValues) -> bool:
    """Returns whether a file that exists may be meant: to be replaced, or to go on to."""
    return bool(values["overwrite"].value or values["resume"].value)


def _free(pictures: Sequence[str | list[str]], *, keeps_name: bool) -> str:
    """Returns a file name without suffix, made from those of the pictures.

    Args:
        pictures: The pictures, each a name or names.
        keeps_name: Whether an existing file of this name may be meant. Otherwise a number is added to it.
    """
    stem = stem_of(name for names in pictures for name in ([names] if isinstance(names, str) else names))
    numbered = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
    return next(
        name for name in numbered if keeps_name or not any(pathlib.Path(name + end).exists() for end in _BESIDE)
    )


def stem_of(pictures: Iterable[str]) -> str:
    """Returns what a picture that is made of others is called, without suffix.

    Args:
        pictures: Paths, URLs or `sample:NAME`.
    """
    return "_".join(map(_stem, pictures)).encode()[:100].decode(errors="ignore")


def _stem(name: str) -> str:
    """Returns what a picture is called: its file's name without suffix, or the sample's name."""
    name = paths.local(name)
    path = (
        urllib.parse.unquote(re.split("[?#]", name.partition("//")[2])[0].partition("/")[2])
        if paths.is_url(name)
        else name.removeprefix(paths.SAMPLE)
    )
    return re.sub(r"[^\w-]+", "_", pathlib.PurePath(path).stem).strip("_") or "picture"
