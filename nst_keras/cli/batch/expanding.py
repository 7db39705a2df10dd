"""From what a user names to pictures: folders, patterns and lists. Nothing here needs TensorFlow."""

from __future__ import annotations

import glob
import os
import pathlib
from collections.abc import Callable, Sequence

from nst_keras.cli.batch import storage
from nst_keras.images import folders
from nst_keras.settings import paths, texts

__all__ = ["pictures"]


def pictures(
    argument: str,
    given: str | os.PathLike[str] | Sequence[str],
    *,
    recursive: bool,
    is_left_out: Callable[[str], bool] = lambda name: False,
) -> list[str]:
    """Returns the names of all pictures that an argument stands for, each once, in the order in which they are named.

    Args:
        argument: The argument that errors name.
        given: Names with commas between them, or a list of names. A name is a file, a folder, a pattern such as
            `photos/*.jpg`, a URL, a URI or `sample:NAME`.
        recursive: Whether the folders inside a folder are looked through too.
        is_left_out: Returns whether a picture in a folder, or that matches a pattern, is none of those meant.

    Raises:
        ValueError: A folder or pattern without pictures, or an empty name.
        TypeError: Pictures that are no names.
        OSError: A file that is missing, or a folder that cannot be read.
    """
    found: list[str] = []
    for name in _names(argument, given):
        inside = _of_name(argument, name, recursive=recursive)
        found += [one for one in inside if one == name or not is_left_out(one)]
    return list({os.path.normpath(one) if os.path.isfile(one) else one: one for one in reversed(found)}.values())[::-1]


def _names(argument: str, given: str | os.PathLike[str] | Sequence[str]) -> list[str]:
    """Returns the names in a text or a list."""
    if isinstance(given, str):
        try:
            named = texts.names_from_text(given)
        except ValueError as error:
            raise ValueError(f"{argument}: {error}.") from error
    else:
        named = given
    every = [named] if isinstance(named, (str, os.PathLike)) else named
    if not isinstance(every, (list, tuple)) or not all(isinstance(one, (str, os.PathLike)) for one in every):
        raise TypeError(
            f"{argument} must be names of pictures, but {type(given).__name__} was given. Save arrays as files first, "
            "or make their pictures with NeuralStyleTransfer.set_images."
        )
    return [os.fspath(one) for one in every]


def _of_name(argument: str, name: str, *, recursive: bool) -> list[str]:
    """Returns the pictures that one name stands for."""
    if storage.is_remote(name):
        found = storage.pictures(argument, name, recursive=recursive)
    elif name.startswith(paths.SAMPLE) or paths.is_url(str(paths.local(name))):
        return [name]
    else:
        path = os.path.expanduser(paths.local(name))
        if os.path.isfile(path):
            return [name]
        is_pattern = glob.has_magic(path) and not os.path.exists(path)
        found = _matching(path) if is_pattern else _inside(argument, name, pathlib.Path(path), recursive=recursive)
    if not found:
        raise ValueError(
            f"{argument}: {name!r} holds no picture ({', '.join(folders.SUFFIXES)}). Name another folder or pattern"
            f"{'' if recursive else ', or add --recursive to look into the folders inside'}."
        )
    return found


def _matching(pattern: str) -> list[str]:
    """Returns the picture files that match a pattern, in which `**` stands for folders inside folders."""
    return [
        name for name in sorted(glob.glob(pattern, recursive=True)) if folders.has_suffix(name) and os.path.isfile(name)
    ]


def _inside(argument: str, name: str, folder: pathlib.Path, *, recursive: bool) -> list[str]:
    """Returns the pictures in a folder."""
    if not folder.exists():
        raise FileNotFoundError(paths.missing(argument, name))
    if not folder.is_dir():
        raise ValueError(f"{argument}: {name!r} is a device or a pipe. Name a file or a folder.")
    if not recursive:
        return [str(path) for path in folders.pictures(folder)]
    found: list[str] = []
    for place, inside, _ in os.walk(folder):
        inside[:] = sorted(one for one in inside if one[0] != ".")
        found += [str(path) for path in folders.pictures(place)]
    return found
