"""Names of a batch's pictures: made from a template, no two alike. Nothing here needs TensorFlow."""

from __future__ import annotations

import os
import pathlib
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping

from nst_keras import export
from nst_keras.cli import positional
from nst_keras.cli.batch.report import files
from nst_keras.settings import paths

__all__ = ["FIELDS", "PICTURES", "check_template", "filled", "problems", "titles"]

# What stands for a part of a name.
FIELDS = ("content", "style", "settings", "number")
# Suffixes of the pictures that can be written.
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


def check_template(argument: str, template: str) -> None:
    """Raises `ValueError` unless a template gives the name of a file below the batch's folder.

    Args:
        argument: The argument that the error names.
        template: Such as `{style}/{content}.png`.
    """
    try:
        used = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        filled(template, dict.fromkeys(FIELDS, "a"))
    except (ValueError, LookupError, AttributeError):
        used = [""]
    if not set(used) <= set(FIELDS):
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise ValueError(f"{argument}: {template!r} has a part in braces that is unknown. Known ones: {known}.")
    path = pathlib.Path(template)
    if path.is_absolute() or ".." in path.parts or not path.suffix:
        raise ValueError(
            f"{argument}: {template!r} must name files below output_dir, with a suffix, such as "
            "{content}_{style}.png."
        )
    suffixes = {"output": PICTURES, "animation": tuple(export.ANIMATION_WRITERS)}.get(argument, (path.suffix.lower(),))
    export.check_suffix(argument, path, suffixes)


def filled(template: str, parts: Mapping[str, object]) -> str:
    """Returns the name that a template gives.

    >>> filled("{style}/{content}.png", {"content": "dog", "style": "wave", "settings": "", "number": 1})
    'wave/dog.png'
    """
    return pathlib.PurePath(template.format_map(dict(parts))).as_posix()


def titles(pictures: Iterable[str]) -> dict[str, str]:
    """Returns {picture: what it is called in names of files}, no two alike whatever the letters' case.

    Pictures of one name in several folders have the folder's name before theirs. Those that differ in their suffix
    alone have it behind.

    Args:
        pictures: Paths, URLs, URIs or `sample:NAME`.

    >>> titles(["a/dog.jpg", "b/dog.jpg", "b/cat.jpg", "b/cat.png"])
    {'a/dog.jpg': 'a_dog', 'b/dog.jpg': 'b_dog', 'b/cat.jpg': 'cat_jpg', 'b/cat.png': 'cat_png'}
    """
    every = list(dict.fromkeys(pictures))
    ways = [_plain, _with_folder, _with_suffix, _with_both]
    found = {picture: _plain(picture) for picture in every}
    for alike in _alike(found):
        found |= next((called for way in ways if not _alike(called := {one: way(one) for one in alike})), {})
    taken: Counter[str] = Counter()
    for picture, title in found.items():
        taken[title.casefold()] += 1
        if taken[title.casefold()] > 1:
            found[picture] = f"{title}_{taken[title.casefold()]}"
    return found


def problems(outputs: Mapping[int, str], folder: pathlib.Path | None, read: Iterable[str]) -> dict[int, str]:
    """Returns {number of a pair: why its picture cannot have its name, as a sentence}, for pairs of which that is so.

    Args:
        outputs: {number of a pair: its picture's name below the folder}.
        folder: The folder; None if it is none of this machine.
        read: Names of the files that the batch reads.
    """
    first: dict[str, int] = {}
    inputs = {os.path.realpath(os.path.expanduser(paths.local(name))) for name in read}
    found: dict[int, str] = {}
    for number, output in outputs.items():
        before = first.setdefault(output.casefold(), number)
        if before != number:
            found[number] = f"output: {output!r} is the name of pair {before} too. Give it another name."
        elif files.is_reserved(output):
            found[number] = f"output: {output!r} is a file of the report. Give it another name."
        elif folder is not None and os.path.realpath(folder / output) in inputs:
            found[number] = f"output: {output!r} would replace a picture that the batch reads. Choose another name."
    return found


def _alike(found: Mapping[str, str]) -> list[list[str]]:
    """Returns the pictures of one title, for each title that several have."""
    groups: dict[str, list[str]] = {}
    for picture, title in found.items():
        groups.setdefault(title.casefold(), []).append(picture)
    return [group for group in groups.values() if len(group) > 1]


def _plain(picture: str) -> str:
    return positional.stem_of([picture])


def _with_folder(picture: str) -> str:
    path = pathlib.PurePath(paths.local(picture))
    return _plain(f"{path.parent.name}_{path.name}")


def _with_suffix(picture: str) -> str:
    return f"{_plain(picture)}_{_suffix(picture)}"


def _with_both(picture: str) -> str:
    return f"{_with_folder(picture)}_{_suffix(picture)}"


def _suffix(picture: str) -> str:
    return re.sub(r"\W", "", pathlib.PurePath(picture).suffix)
