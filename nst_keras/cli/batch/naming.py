"""Names of a batch's pictures: made from a template, no two alike. Nothing here needs TensorFlow."""

from __future__ import annotations

import os
import pathlib
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nst_keras import export, presets
from nst_keras.cli import positional
from nst_keras.cli.batch import pairs
from nst_keras.cli.batch import rows as rows_lib
from nst_keras.cli.batch.report import files
from nst_keras.settings import paths

__all__ = [
    "FIELDS",
    "FILES",
    "PICTURES",
    "Named",
    "check_name",
    "check_template",
    "filled",
    "names",
    "problems",
    "titles",
]

# What stands for a part of a name.
FIELDS = ("content", "style", "settings", "number")
# Kinds of files that a pair writes, which are options with a template.
FILES = ("output", "animation", "contact_sheet", "loss_plot")
# Suffixes of the pictures that can be written.
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
_LONGEST = 255 - 20  # Bytes of a name: a temporary one and a number may be longer than it.


class Named(NamedTuple):
    """The names of the files that a row writes.

    Attributes:
        files: {kind of file: its name}.
        problem: What is wrong with one, as a sentence; "" for nothing.
    """

    files: dict[str, str]
    problem: str


def check_template(argument: str, template: str) -> None:
    """Raises `ValueError` unless a template gives the name of a file below the batch's folder.

    Args:
        argument: The argument that the error names.
        template: Such as `{style}/{content}.png`.
    """
    if not isinstance(template, str):
        raise ValueError(
            f"{argument} must be a template such as '{{content}}_{{style}}.png', but {template!r} was given."
        )
    try:
        name = filled(template, dict.fromkeys(FIELDS, "a"))
    except (ValueError, LookupError) as error:
        known = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise ValueError(f"{argument}: {template!r} may have these parts in braces alone: {known}.") from error
    check_name(argument, name, template)


def check_name(argument: str, name: str, shown: str | None = None) -> None:
    """Raises `ValueError` unless a name is that of a file below the batch's folder.

    Args:
        argument: The argument that the error names.
        name: The name.
        shown: What the error shows in its place, such as its template.
    """
    shown, path = repr(name if shown is None else shown), pathlib.Path(name)
    if path.is_absolute() or ".." in path.parts or not path.suffix or "\0" in name:
        raise ValueError(
            f"{argument}: {shown} must name files below output_dir, with a suffix, such as {{content}}_{{style}}.png."
        )
    if any(len(os.fsencode(part)) > _LONGEST for part in path.parts):
        raise ValueError(f"{argument}: {shown} is longer than the {_LONGEST} bytes that a file's name may have.")
    suffixes = {"output": PICTURES, "animation": tuple(export.ANIMATION_WRITERS)}.get(argument, (path.suffix.lower(),))
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{argument}: {shown} must end in one of {', '.join(suffixes)}.")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Returns the name that a template gives.

    Raises:
        LookupError: A part in braces that is unknown, or has more than its name.
        ValueError: Braces that do not match.

    >>> filled("{style}/{content}.png", {"content": "dog", "style": "wave", "settings": "", "number": "1"})
    'wave/dog.png'
    """
    found = ""
    for text, field, form, conversion in string.Formatter().parse(template):
        found += text
        if field is not None:
            if form or conversion:
                raise LookupError(field)
            found += parts[field]
    return found


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
    taken = Counter(title.casefold() for title in found.values())
    met: set[str] = set()
    for picture, title in found.items():
        number, unique = 1, title
        while unique.casefold() in met or (number > 1 and unique.casefold() in taken):
            number += 1
            unique = f"{title}_{number}"
        met.add(unique.casefold())
        found[picture] = unique
    return found


def names(rows: Sequence[rows_lib.Row], given: presets.Options) -> list[Named]:
    """Returns for each row the names of the files that it writes.

    Two pictures that the usual template gives one name get numbers. A template of the user's is taken as it is.

    Args:
        rows: What is asked for.
        given: {option: value} of the options for all rows.

    Raises:
        ValueError: A bad template, or one by which all pictures have the same name.
    """
    parts = {
        "content": any(row.content for row in rows),
        "style": any(row.style for row in rows),
        "settings": any(row.settings_text for row in rows),
    }
    usual = "_".join(f"{{{part}}}" for part, is_there in parts.items() if is_there) + ".png"
    templates = {"output": usual, **{kind: given[kind] for kind in FILES if given.get(kind)}}
    for kind, template in templates.items():
        check_template(kind, template)
    contents = titles(row.content for row in rows if row.content is not None)
    styles = titles(name for row in rows for name in pairs.listed(row.style))
    taken = Counter[str]()
    found: list[Named] = []
    for number, row in enumerate(rows, 1):
        own = {
            "content": contents.get(row.content or "", ""),
            "style": "_".join(styles[name] for name in pairs.listed(row.style)),
            "settings": row.settings_text,
            "number": f"{number:0{len(str(len(rows)))}}",
        }
        found.append(_named(row, {kind: _stripped(kind, template, own) for kind, template in templates.items()}, own))
        files_of = found[-1].files
        if "output" not in row.own_texts and templates["output"] == usual and not (row.problem or found[-1].problem):
            files_of["output"] = _numbered(files_of["output"], taken)
    if len(rows) > 1 and len({one.files["output"] for one in found}) == 1 and given.get("output"):
        raise ValueError(
            f"output: all pictures would be {found[0].files['output']!r}. Put {{content}} or {{style}} into it."
        )
    return found


def _named(row: rows_lib.Row, usual: dict[str, str], parts: Mapping[str, str]) -> Named:
    """Returns the names of a row's files: those of its own cells, and the usual ones."""
    found, problem = dict(usual), ""
    for kind in FILES:
        if kind in row.own_texts:
            template = row.own_texts[kind]
            try:
                check_template(kind, template)
                found[kind] = _stripped(kind, template, parts)
            except ValueError as error:
                found[kind], problem = template, problem or str(error)
    return Named(found, problem)


def problems(planned: Iterable[pairs.Pair], folder: pathlib.Path | None, read: Iterable[str]) -> dict[int, str]:
    """Returns {number of a pair: why a file cannot have its name, as a sentence}, for pairs of which that is so.

    Args:
        planned: Pairs without a problem.
        folder: The folder; None if it is none of this machine.
        read: Paths of the files that the batch reads.
    """
    first: dict[str, tuple[int, str]] = {}
    inputs = {os.path.realpath(path) for path in read}
    found: dict[int, str] = {}
    for pair in planned:
        for kind, name in pair.files.items():
            try:
                check_name(kind, name)
            except ValueError as error:
                found.setdefault(pair.number, str(error))
                continue
            number, other = first.setdefault(name.casefold(), (pair.number, kind))
            if (number, other) != (pair.number, kind):
                whose = f"the {other} of pair {number}" if number != pair.number else f"this pair's {other}"
                found.setdefault(pair.number, f"{kind}: {name!r} is {whose} too. Give it another name.")
            elif files.is_reserved(name):
                found.setdefault(pair.number, f"{kind}: {name!r} is a file of the report. Give it another name.")
            elif folder is not None and os.path.realpath(folder / name) in inputs:
                what = f"{kind}: {name!r} would replace a file that the batch reads. Choose another name."
                found.setdefault(pair.number, what)
    return found


def _numbered(name: str, taken: Counter[str]) -> str:
    """Returns a name, with a number behind it if it is taken, and notes it as taken."""
    path, found = pathlib.PurePosixPath(name), name
    while taken[found.casefold()]:
        taken[name.casefold()] += 1
        found = path.with_stem(f"{path.stem}_{taken[name.casefold()]}").as_posix()
    taken[found.casefold()] += 1
    return found


def _stripped(kind: str, template: str, parts: Mapping[str, str]) -> str:
    """Returns the name that a template gives, without what empty parts leave at its ends."""
    path = pathlib.PurePosixPath(filled(template, parts))
    return path.with_name(f"{path.stem.strip('_') or kind}{path.suffix}").as_posix()


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
